import asyncio
import time

import pytest
from argon2 import PasswordHasher
from tests.builders.identity import CHEAP_HASHING

from roadstead.identity import hashing
from roadstead.identity.hashing import DEFAULT_PARAMETERS, PasswordHashing
from roadstead.kit.errors import TooMany


@pytest.fixture
def cheap():
    passwords = PasswordHashing(CHEAP_HASHING)
    yield passwords
    passwords.close()


async def test_a_password_matches_its_own_hash_and_no_other(cheap):
    stored = await cheap.hash("correct horse")
    assert stored.startswith("$argon2id$")
    assert await cheap.verify("correct horse", stored)
    assert not await cheap.verify("battery staple", stored)


async def test_the_same_password_never_hashes_to_the_same_text(cheap):
    assert await cheap.hash("correct horse") != await cheap.hash("correct horse")


@pytest.mark.parametrize("stored", [None, "", "plain text", "$argon2id$v=19$m=1"])
async def test_a_missing_or_broken_hash_matches_nothing(cheap, stored):
    assert not await cheap.verify("correct horse", stored)
    assert not await cheap.verify("", stored)


async def test_a_hash_of_other_parameters_still_matches_and_is_outdated(cheap):
    older = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash("correct horse")
    assert await cheap.verify("correct horse", older)
    assert cheap.is_outdated(older)
    assert not cheap.is_outdated(await cheap.hash("correct horse"))


async def test_an_unknown_user_costs_as_much_time_as_a_known_one():
    passwords = PasswordHashing(DEFAULT_PARAMETERS)
    stored = await passwords.hash("correct horse")

    async def best_of_three(password_hash: str | None) -> float:
        times = []
        for _ in range(3):
            started = time.perf_counter()
            await passwords.verify("battery staple", password_hash)
            times.append(time.perf_counter() - started)
        return min(times)

    known, unknown = await best_of_three(stored), await best_of_three(None)
    passwords.close()
    assert unknown > known / 2


async def test_a_wave_of_logins_is_bounded(cheap, monkeypatch):
    monkeypatch.setattr(hashing, "MAX_WAITING", 4)
    results = await asyncio.gather(
        *(cheap.verify("x", None) for _ in range(20)), return_exceptions=True
    )
    refused = [error for error in results if isinstance(error, TooMany)]
    assert len(refused) == 16
    assert refused[0].detail["retry_after_s"] == hashing.RETRY_AFTER_S
    assert not await cheap.verify("x", None)
