"""People, and their signing in by particle-api-js, as many tests begin."""

from dataclasses import dataclass
from typing import Any

from tests.clients.particle_api import ParticleApi


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account, signed in by the password grant."""

    username: str
    password: str
    token: str


async def log_in(api: ParticleApi, person: Person, **changed: Any) -> str:
    """A new token of the person."""
    wanted = {"username": person.username, "password": person.password} | changed
    token = (await api.call("login", **wanted))["access_token"]
    assert isinstance(token, str)
    return token


async def is_signed_out(api: ParticleApi, token: str) -> bool:
    """Whether the token has ended."""
    refused = await api.refusal("getUserInfo", token)
    return (refused.status, refused.body["error"]) == (401, "invalid_token")
