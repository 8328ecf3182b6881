"""What tests of accounts start from."""

from argon2 import Parameters, Type

from roadstead.bus.local import LocalBus
from roadstead.identity.hashing import PasswordHashing
from roadstead.identity.lockout import Lockout
from roadstead.identity.service import AccountOpened, IdentityService
from roadstead.kit.clock import Clock
from roadstead.storage.database import Database

CHEAP_HASHING = Parameters(
    type=Type.ID,
    version=19,
    salt_len=16,
    hash_len=32,
    time_cost=1,
    memory_cost=16,
    parallelism=1,
)
"""argon2id that costs well under a millisecond."""


def make_identity(
    database: Database,
    clock: Clock,
    *,
    bus: LocalBus | None = None,
    account_opened: AccountOpened | None = None,
    lockout: Lockout | None = None,
) -> IdentityService:
    """The service with cheap hashing; changes are found by polling followers, if there are any."""
    return IdentityService(
        database,
        clock,
        lambda: None,
        bus=bus,
        account_opened=account_opened,
        hashing=PasswordHashing(CHEAP_HASHING),
        lockout=lockout,
    )
