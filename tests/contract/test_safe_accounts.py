"""What keeps accounts safe, on both engines."""

import asyncio

import pytest
from tests.builders.identity import make_identity

from roadstead.audit import trail
from roadstead.devices import store as device_store
from roadstead.devices.leaving import release_all
from roadstead.devices.model import Device
from roadstead.identity import totp
from roadstead.identity.lockout import Lockout
from roadstead.identity.model import OPERATOR, Actor
from roadstead.identity.removal import AccountRemoval
from roadstead.identity.resets import PasswordResets
from roadstead.identity.second_factor import SecondFactors
from roadstead.identity.sign_in import SignIn
from roadstead.kit.clock import ManualClock
from roadstead.kit.errors import Forbidden, Invalid, NotFound
from roadstead.outbound.mail import Mail
from roadstead.storage.secret_box import SecretBox

PASSWORD = "correct horse battery"
ME = "203.0.113.7"


class Post:
    def __init__(self) -> None:
        self.mails: list[Mail] = []

    def post(self, mail: Mail) -> None:
        self.mails.append(mail)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def identity(database, clock):
    made = make_identity(database, clock)
    yield made
    made.close()


@pytest.fixture
async def jo(identity):
    return await identity.create_user("jo@example.com", PASSWORD, actor=OPERATOR)


async def code_of(call) -> str:
    with pytest.raises(Invalid) as refused:
        await call
    return refused.value.code


async def test_a_refresh_token_used_twice_at_once_ends_the_sign_in(identity, jo, database):
    first = await identity.issue_pair(jo, "particle", lifetime_s=60)
    results = await asyncio.gather(
        *(identity.refresh(first.refresh_token, "particle", lifetime_s=None) for _ in range(2)),
        return_exceptions=True,
    )
    (second,) = [result for result in results if not isinstance(result, Exception)]
    assert await identity.find_actor(second.token, ME) is None
    assert await database.read(trail.verify) is None


async def test_a_code_used_twice_at_once_counts_once(identity, jo, database, clock):
    factors = SecondFactors(database, clock, identity, SecretBox(bytes(32)), Lockout(clock))
    sign_in = SignIn(database, identity, factors)
    actor = Actor(jo.id, jo.username)
    enrolment = await factors.begin(actor)
    secret = totp.base64.b32decode(enrolment.secret)
    now = int(clock.now().timestamp() // totp.STEP_S)
    await factors.confirm(actor, enrolment.mfa_token, totp.code_at(secret, now - 1))
    with pytest.raises(Forbidden) as asked:
        await sign_in.with_password(jo.username, PASSWORD, "c", lifetime_s=None, address=ME)
    token, code = str(asked.value.detail["mfa_token"]), totp.code_at(secret, now)
    results = await asyncio.gather(
        *(sign_in.with_code(token, code, "c", address=ME) for _ in range(2)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, Invalid) for result in results) == 1
    assert await code_of(sign_in.with_code(token, code, "other", address=ME)) == "invalid_grant"


async def test_a_reset_used_twice_at_once_counts_once(identity, jo, database, clock):
    post = Post()
    resets = PasswordResets(database, clock, identity, post, lambda: "https://cloud.test")
    resets.request("JO@example.com", ME)
    while not post.mails:
        await asyncio.sleep(0.01)
    token = post.mails[0].text.split("token=")[1].split()[0]
    results = await asyncio.gather(
        *(resets.reset(token, f"a new passphrase {n}", ME) for n in range(3)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, Invalid) for result in results) == 2
    rows = await database.read(lambda conn: trail.list_rows(conn, target=f"user/{jo.id}", limit=9))
    assert [row.action for row in rows][:1] == ["token.revoke_all"]
    assert {"user.request_reset", "user.reset_password"} <= {row.action for row in rows}
    assert await database.read(trail.verify) is None


async def test_removing_an_account_leaves_nothing_but_the_trail(identity, jo, database, clock):
    device = Device(
        id="e" * 24, owner_id=jo.id, name="x", created_at=clock.now(), updated_at=clock.now()
    )
    await database.write(lambda conn: device_store.insert_device(conn, device))
    issued = await identity.issue_pair(jo, "particle", lifetime_s=60)
    removal = AccountRemoval(database, clock, identity, [release_all], lambda: None)
    await removal.delete_account(Actor(jo.id, jo.username, address=ME), PASSWORD)
    left = await database.read(lambda conn: device_store.find_device(conn, device.id))
    assert left is not None and left.owner_id is None and left.name is None
    assert await identity.find_actor(issued.token, ME) is None
    refresh = identity.refresh(issued.refresh_token, "particle", lifetime_s=None)
    assert await code_of(refresh) == "invalid_grant"
    with pytest.raises(NotFound):
        await identity.get_user(Actor(jo.id, jo.username))
    assert await database.read(trail.verify) is None
