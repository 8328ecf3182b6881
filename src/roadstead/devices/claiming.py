"""Claim codes: a person gets one, their device says it, the device is theirs.

Source: particle cloud notes §2.6, §3.4.2; device protocol notes §3.16.
"""

import hashlib
import secrets
import string
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from roadstead.devices import announcing, claim_store, store
from roadstead.devices.membership import NO_PRODUCTS, DeviceProducts
from roadstead.identity.model import Actor
from roadstead.identity.recording import actor_of
from roadstead.identity.store import find_user
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Invalid, TooMany
from roadstead.storage.database import Database

CODE_CHARS = 63
"""Length of a code: what devices keep room for. Source: particle cloud notes §2.6."""

CODE_LIFETIME_S = 24 * 3600
"""Seconds that a code stays valid, if nobody uses it before."""

MAX_CODES_PER_USER = 1000
"""Valid codes of one account: a workshop's day."""

_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class ClaimCode:
    """A new code.

    Attributes:
        code: 63 letters and digits; its text exists in this answer only.
        device_ids: devices that the account has already, so that a client sees the new one.
    """

    code: str
    device_ids: list[str]


class ClaimCodes:
    """Codes of all accounts."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(self, actor: Actor, *, product_id: int | None = None) -> ClaimCode:
        """A code that makes the device which says it the actor's.

        Args:
            actor: who will own it.
            product_id: the only product whose devices the code gives.

        Raises:
            Invalid: ``no_account`` for the operator.
            TooMany: ``too_many_claim_codes``.
        """
        if not actor.user_id:
            raise Invalid("no_account", "Only an account can own a device.")
        code = "".join(secrets.choice(_ALPHABET) for _ in range(CODE_CHARS))
        now = self._clock.now()
        expires_at = now + timedelta(seconds=CODE_LIFETIME_S)

        def work(conn: Connection) -> list[str]:
            claim_store.insert_code(
                conn,
                _digest(code),
                actor.user_id,
                at=now,
                expires_at=expires_at,
                product_id=product_id,
            )
            if claim_store.count_codes(conn, actor.user_id) > MAX_CODES_PER_USER:
                raise TooMany(
                    "too_many_claim_codes",
                    f"Your account has {MAX_CODES_PER_USER} unused claim codes, the limit; "
                    "each ends a day after it was made.",
                )
            owned = store.list_owned(conn, actor.user_id)
            return [one.id for one in owned if product_id in (None, one.product_id)]

        return ClaimCode(code, await self._database.write(work, durable=True))


def redeem(
    conn: Connection,
    device_id: str,
    code: str,
    address: str,
    at: datetime,
    products: DeviceProducts = NO_PRODUCTS,
) -> bool:
    """Makes the device its code's person's, within a transaction; the code is used up.

    True as well when it was theirs already. False for a code that is unknown, used or expired,
    for a device of somebody else, whose owner has to release it first, and for a product's device
    when the person is neither of its team nor a customer.

    Raises:
        Forbidden: ``plan_limit``: the person's plan has no room for it.
        Invalid: ``claim_code_used``.
    """
    digest = _digest(code)
    holder = claim_store.find_code_holder(conn, digest, at=at)
    user = find_user(conn, holder[0]) if holder else None
    device = store.find_device(conn, device_id)
    if holder is None or user is None or device is None or device.quarantined:
        return False
    if holder[1] is not None and device.product_id != holder[1]:
        return False
    if device.owner_id == user.id:
        return claim_store.take_code(conn, digest)
    if device.product_id is None:
        products.take_room(conn, user.id, at)
    elif not products.may_own(conn, user.id, device.product_id):
        return False
    if not store.claim_unowned(conn, device_id, user.id, at):
        return False
    if not claim_store.take_code(conn, digest):
        raise Invalid("claim_code_used", "The claim code was used by another device just now.")
    actor = actor_of(user, address)
    after: announcing.Facts = {"owner_id": user.id, "by": "claim code"}
    announcing.record(conn, actor, "device.claim", device_id, {"owner_id": None}, after, at)
    announcing.announce(conn, [announcing.DEVICE_CHANGED], device_id)
    return True


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()
