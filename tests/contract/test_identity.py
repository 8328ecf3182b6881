"""Accounts and tokens on each engine: the service with its real store, trail and outbox."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import Connection, Row, select, text
from sqlalchemy.exc import IntegrityError
from tests.builders.identity import CHEAP_HASHING, make_identity

from roadstead.audit import trail
from roadstead.bus.local import LocalBus
from roadstead.identity import store
from roadstead.identity.hashing import PasswordHashing
from roadstead.identity.model import OPERATOR, Actor, User
from roadstead.identity.service import IdentityService
from roadstead.kit.clock import ManualClock
from roadstead.kit.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from roadstead.storage.columns import metadata
from roadstead.storage.database import Database
from roadstead.storage.outbox import OutboxFollower

PASSWORD = "correct horse"
OTHER_PASSWORD = "battery staple"
DAY_S = 24 * 3600


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def identity(database: Database, clock: ManualClock) -> AsyncIterator[IdentityService]:
    service = make_identity(database, clock)
    yield service
    service.close()


async def sign_up(identity: IdentityService, name: str = "jo@example.com") -> User:
    return await identity.create_user(name, PASSWORD, actor=Actor("", "", address="192.0.2.1"))


async def enter(identity: IdentityService, name: str = "jo@example.com") -> tuple[str, Actor]:
    """Logs in; gives the token's text and the actor it makes."""
    user = await identity.log_in(name, PASSWORD)
    issued = await identity.issue_token(user, "particle-cli", lifetime_s=None)
    actor = await identity.find_actor(issued.token, "192.0.2.9")
    assert actor is not None
    return issued.token, actor


def list_trail(conn: Connection) -> list[Row[Any]]:
    return list(conn.execute(select(metadata.tables["audit_rows"]).order_by(text("id"))))


async def holds_within_a_second(condition: Callable[[], Awaitable[bool]]) -> bool:
    for _ in range(100):
        if await condition():
            return True
        await asyncio.sleep(0.01)
    return False


async def code_of(attempt) -> str:
    with pytest.raises(DomainError) as refusal:
        await attempt
    return refusal.value.code


# Accounts


async def test_who_signed_up_can_log_in_under_any_case_of_the_name(identity):
    created = await identity.create_user(
        "Jo@Example.com", PASSWORD, account_info={"first_name": "Jo"}, actor=OPERATOR
    )
    user = await identity.log_in(" JO@example.COM", PASSWORD)
    assert user == created
    assert user.username == "jo@example.com"
    assert user.account_info == {"first_name": "Jo"}
    assert not user.is_admin


async def test_passwords_are_kept_as_argon2id_only(identity, database):
    user = await sign_up(identity)
    stored = await database.read(lambda conn: store.find_user(conn, user.id))
    assert stored.password_hash.startswith("$argon2id$")
    assert PASSWORD not in stored.password_hash


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("jo@example.com", OTHER_PASSWORD),
        ("jo@example.com", ""),
        ("jo@example.com", PASSWORD + "\0"),
        ("jo@example.com", "\ud800"),
        ("jo@example.com", "x" * 100_000),
        ("mo@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("", ""),
    ],
)
async def test_a_failed_login_says_the_same_whatever_was_wrong(identity, name, password):
    await sign_up(identity)
    with pytest.raises(Invalid) as refusal:
        await identity.log_in(name, password)
    assert (refusal.value.code, refusal.value.message) == (
        "invalid_grant",
        "User credentials are invalid",
    )


async def test_a_name_is_taken_once(identity):
    await sign_up(identity)
    assert await code_of(sign_up(identity, "JO@example.com")) == "user_exists"


async def test_of_two_who_want_a_name_at_once_one_gets_it(identity):
    results = await asyncio.gather(*(sign_up(identity) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(result, User) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 3


async def test_only_an_administrator_makes_an_administrator(identity):
    stranger = Actor("a" * 24, "mo@example.com")
    with pytest.raises(Forbidden):
        await identity.create_user("jo@example.com", PASSWORD, is_admin=True, actor=stranger)
    root = await identity.create_user("jo@example.com", PASSWORD, is_admin=True, actor=OPERATOR)
    assert root.is_admin


async def test_a_hash_of_older_parameters_is_replaced_at_login(identity, database, clock):
    older = PasswordHashing(dataclasses.replace(CHEAP_HASHING, time_cost=2))
    old_service = IdentityService(database, clock, lambda: None, hashing=older)
    created = await old_service.create_user("jo@example.com", PASSWORD, actor=OPERATOR)
    user = await identity.log_in("jo@example.com", PASSWORD)
    stored = await database.read(lambda conn: store.find_user(conn, user.id))
    assert stored.password_hash != created.password_hash
    assert "t=1," in stored.password_hash
    assert await identity.log_in("jo@example.com", PASSWORD)
    # A re-hash is no new password: who logged in before it still gets a token.
    assert await identity.issue_token(user, "particle", lifetime_s=None)
    old_service.close()


async def test_a_changed_password_replaces_the_old_one(identity):
    await sign_up(identity)
    token, jo = await enter(identity)
    await identity.change_password(jo, PASSWORD, OTHER_PASSWORD, invalidate_tokens=False)
    assert await code_of(identity.log_in("jo@example.com", PASSWORD)) == "invalid_grant"
    assert await identity.log_in("jo@example.com", OTHER_PASSWORD)
    assert await identity.find_actor(token, "")


async def test_a_changed_password_can_end_all_tokens(identity):
    await sign_up(identity)
    token, jo = await enter(identity)
    other_token, _ = await enter(identity)
    await identity.change_password(jo, PASSWORD, OTHER_PASSWORD, invalidate_tokens=True)
    assert await identity.find_actor(token, "") is None
    assert await identity.find_actor(other_token, "") is None


async def test_the_current_password_must_be_right_and_the_new_one_good(identity):
    await sign_up(identity)
    _, jo = await enter(identity)
    wrong = identity.change_password(jo, "wrong", OTHER_PASSWORD, invalidate_tokens=True)
    assert await code_of(wrong) == "wrong_password"
    weak = identity.change_password(jo, PASSWORD, "short", invalidate_tokens=True)
    assert await code_of(weak) == "weak_password"
    rename = identity.change_username(jo, "wrong", "mo@example.com", invalidate_tokens=True)
    assert await code_of(rename) == "wrong_password"
    assert await identity.log_in("jo@example.com", PASSWORD)


async def test_who_logged_in_with_the_old_password_gets_no_token_after_the_change(identity):
    await sign_up(identity)
    _, jo = await enter(identity)
    thief = await identity.log_in("jo@example.com", PASSWORD)
    await identity.change_password(jo, PASSWORD, OTHER_PASSWORD, invalidate_tokens=True)
    late = identity.issue_token(thief, "particle", lifetime_s=0)
    assert await code_of(late) == "invalid_grant"


async def test_of_two_password_changes_at_once_one_holds(identity):
    await sign_up(identity)
    _, jo = await enter(identity)
    new = ["first password", "second password"]
    results = await asyncio.gather(
        *(identity.change_password(jo, PASSWORD, text, invalidate_tokens=False) for text in new),
        return_exceptions=True,
    )
    held = [text for text, result in zip(new, results, strict=True) if result is None]
    assert len(held) == 1
    assert await identity.log_in("jo@example.com", held[0])


async def test_a_changed_name_holds_for_login_and_for_tokens(identity):
    await sign_up(identity)
    token, jo = await enter(identity)
    user = await identity.change_username(jo, PASSWORD, "Mo@Example.com", invalidate_tokens=False)
    assert user.username == "mo@example.com"
    actor = await identity.find_actor(token, "")
    assert actor.username == "mo@example.com"
    assert await code_of(identity.log_in("jo@example.com", PASSWORD)) == "invalid_grant"


async def test_a_name_that_somebody_has_cannot_be_taken_over(identity):
    await sign_up(identity)
    await sign_up(identity, "mo@example.com")
    _, jo = await enter(identity)
    attempt = identity.change_username(jo, PASSWORD, "mo@example.com", invalidate_tokens=False)
    assert await code_of(attempt) == "user_exists"


async def test_account_facts_are_merged_and_read_back(identity):
    await sign_up(identity)
    _, jo = await enter(identity)
    await identity.update_account(jo, {"first_name": "Jö", "business_account": True})
    user = await identity.update_account(jo, {"company_name": "Cold & Co"})
    expected = {"first_name": "Jö", "business_account": True, "company_name": "Cold & Co"}
    assert user.account_info == expected
    assert (await identity.get_user(jo)).account_info == expected


async def test_an_operator_has_no_account(identity):
    with pytest.raises(NotFound):
        await identity.get_user(OPERATOR)


# Tokens


async def test_a_token_makes_the_actor_who_asked_for_it(identity):
    user = await sign_up(identity)
    logged_in = await identity.log_in("jo@example.com", PASSWORD)
    issued = await identity.issue_token(logged_in, "particle-cli", lifetime_s=None)
    assert len(issued.token) == 40
    assert issued.expires_in_s == 90 * DAY_S
    for _ in ("from the database", "from the cache"):
        actor = await identity.find_actor(issued.token, "192.0.2.9")
        assert (actor.user_id, actor.username) == (user.id, "jo@example.com")
        assert (actor.client_id, actor.address, actor.is_admin) == (
            "particle-cli",
            "192.0.2.9",
            False,
        )
    assert (await identity.describe_token(actor)).client_id == "particle-cli"


async def test_only_the_digest_of_a_token_is_kept(identity, database):
    await sign_up(identity)
    token, jo = await enter(identity)
    kept = await identity.list_tokens(await identity.get_user(jo))
    assert [entry.digest for entry in kept] == [jo.token_digest]
    assert token not in repr(kept)


@pytest.mark.parametrize("text", ["", "0" * 40, "0" * 39, "Z" * 40, "\ud800", "a" * 10_000])
async def test_a_text_that_is_no_token_makes_no_actor(identity, text):
    assert await identity.find_actor(text, "") is None
    assert await identity.revoke_token(text) is False


async def test_a_token_ends_at_its_time_even_in_the_cache(identity, clock):
    await sign_up(identity)
    user = await identity.log_in("jo@example.com", PASSWORD)
    short = await identity.issue_token(user, "particle", lifetime_s=30)
    default = await identity.issue_token(user, "particle", lifetime_s=None)
    never = await identity.issue_token(user, "particle", lifetime_s=0)
    assert never.expires_at is None and never.expires_in_s is None
    assert await identity.find_actor(short.token, "")
    clock.advance(29.5)
    assert await identity.find_actor(short.token, "")
    clock.advance(1)
    assert await identity.find_actor(short.token, "") is None
    clock.advance(91 * DAY_S)
    assert await identity.find_actor(default.token, "") is None
    assert await identity.find_actor(never.token, "")
    assert len(await identity.list_tokens(user)) == 1


async def test_expired_tokens_are_cleared_away_with_the_next_login(identity, database, clock):
    await sign_up(identity)
    user = await identity.log_in("jo@example.com", PASSWORD)
    short = await identity.issue_token(user, "particle", lifetime_s=30)
    actor = await identity.find_actor(short.token, "")
    clock.advance(60)
    await identity.issue_token(user, "particle", lifetime_s=30)
    assert await database.read(lambda conn: store.find_token(conn, actor.token_digest)) is None


async def test_one_token_can_be_ended_by_whoever_knows_it(identity):
    await sign_up(identity)
    token, _ = await enter(identity)
    kept, _ = await enter(identity)
    assert await identity.revoke_token(token) is True
    assert await identity.revoke_token(token) is False
    assert await identity.find_actor(token, "") is None
    assert await identity.find_actor(kept, "")


async def test_the_token_in_use_can_be_ended(identity):
    await sign_up(identity)
    token, jo = await enter(identity)
    assert await identity.revoke_current(jo) is True
    assert await identity.find_actor(token, "") is None
    assert await code_of(identity.describe_token(jo)) == "token_not_found"


async def test_all_tokens_of_one_user_can_be_ended_and_nobody_elses(identity):
    await sign_up(identity)
    await sign_up(identity, "mo@example.com")
    tokens = [(await enter(identity))[0] for _ in range(3)]
    _, jo = await enter(identity)
    foreign, _ = await enter(identity, "mo@example.com")
    assert await identity.revoke_all(jo) == 4
    assert [await identity.find_actor(token, "") for token in tokens] == [None] * 3
    assert await identity.find_actor(foreign, "")


async def test_a_token_needs_its_user(database, clock):
    service = make_identity(database, clock)
    user = await sign_up(service)
    ghost = User("f" * 24, user.username, None, False, clock.now())
    assert await code_of(service.issue_token(ghost, "particle", lifetime_s=0)) == "invalid_grant"
    token = store.AccessToken(b"\1" * 32, ghost.id, "particle", clock.now(), None)
    with pytest.raises(IntegrityError):
        await database.write(lambda conn: store.insert_token(conn, token))
    service.close()


# Other processes, and what is left behind


async def test_what_one_process_ends_another_hears_of_within_a_second(database, clock):
    async with asyncio.TaskGroup() as tasks:
        bus = LocalBus()
        follower = OutboxFollower(database, bus, poll_s=0.02)
        running = tasks.create_task(follower.run())
        here = make_identity(database, clock, bus=bus)
        there = make_identity(database, clock)
        await sign_up(there)
        token, jo = await enter(here)
        other_token, _ = await enter(here)
        await asyncio.sleep(0.1)

        await there.revoke_token(token)

        async def is_forgotten() -> bool:
            return await here.find_actor(token, "") is None

        async def is_renamed() -> bool:
            actor = await here.find_actor(other_token, "")
            return actor is not None and actor.username == "mo@example.com"

        assert await holds_within_a_second(is_forgotten)
        await there.change_username(jo, PASSWORD, "mo@example.com", invalidate_tokens=False)
        assert await holds_within_a_second(is_renamed)
        running.cancel()
        here.close()
        there.close()


async def test_every_change_leaves_a_row_in_an_unbroken_trail(identity, database):
    await sign_up(identity)
    token, jo = await enter(identity)
    await identity.update_account(jo, {"first_name": "Jo"})
    await identity.change_username(jo, PASSWORD, "mo@example.com", invalidate_tokens=False)
    await identity.change_password(jo, PASSWORD, OTHER_PASSWORD, invalidate_tokens=False)
    await identity.revoke_token(token)
    await identity.revoke_all(jo)
    rows = await database.read(list_trail)
    assert [row.action for row in rows] == [
        "user.create",
        "token.issue",
        "user.update_account",
        "user.change_username",
        "user.change_password",
        "token.revoke",
        "token.revoke_all",
    ]
    assert rows[0].actor_name == "jo@example.com"
    assert rows[0].address == "192.0.2.1"
    assert {row.target for row in rows} == {f"user/{jo.user_id}"}
    text = repr([tuple(row) for row in rows])
    assert token not in text and PASSWORD not in text and "argon2" not in text
    assert await database.read(trail.verify) is None


async def test_a_change_that_fails_leaves_nothing_behind(identity, database):
    await sign_up(identity)
    before = await database.read(list_trail)
    with pytest.raises(Conflict):
        await sign_up(identity)
    assert await database.read(list_trail) == before
