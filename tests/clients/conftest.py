"""One real server for all tests of the official clients; devices and clients for each test."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from tests.clients.installing import install_clients
from tests.clients.particle_api import ParticleApi
from tests.clients.particle_cli import ParticleCli
from tests.clients.signing_in import Person
from tests.system.desk import Desk
from tests.system.harness import RoadsteadServer

PASSWORD = "correct horse battery"

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def clients() -> None:
    """Both clients are installed."""
    install_clients()


@pytest.fixture(scope="session")
def server(clients: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoadsteadServer]:
    folder = tmp_path_factory.mktemp("cloud")
    settings = {"signup": "open", "device_timeout_s": "2", "default_plan": "enterprise"}
    with RoadsteadServer(folder, **settings) as running:
        yield running


@pytest.fixture(scope="session")
def make_person(server: RoadsteadServer) -> Callable[[], Person]:
    def make() -> Person:
        username = f"person{next(_numbers)}@example.com"
        account = {"username": username, "password": PASSWORD}
        answer = httpx.post(f"{server.api_url}/v1/users", json=account, trust_env=False)
        assert answer.status_code == 200, answer.text
        return Person(username, PASSWORD, server.log_in(username, PASSWORD))

    return make


@pytest.fixture(scope="session")
def jo(make_person: Callable[[], Person]) -> Person:
    """The person of most tests; nothing may change their account."""
    return make_person()


@pytest.fixture
async def desk(server: RoadsteadServer, jo: Person) -> AsyncIterator[Desk]:
    """Jo's devices; all are switched off after the test."""
    desk = Desk(server.api_url, jo.token)
    yield desk
    desk.clear()


@pytest.fixture
async def api(server: RoadsteadServer, tmp_path: Path) -> AsyncIterator[ParticleApi]:
    """particle-api-js, signed in as nobody."""
    async with ParticleApi(server.api_url, tmp_path) as running:
        yield running


@pytest.fixture
def cli(server: RoadsteadServer, tmp_path: Path) -> ParticleCli:
    """particle-cli that knows the server and nobody."""
    return ParticleCli(tmp_path / "home", server.api_url)


@pytest.fixture(scope="session")
def jos_profile(server: RoadsteadServer, jo: Person) -> dict[str, str]:
    """What a sign-in leaves in the CLI's profile, as `login` itself does in its own test."""
    return {
        "apiUrl": server.api_url,
        "access_token": jo.token,
        "access_token_expires_at": "2099-01-01T00:00:00.000Z",
        "username": jo.username,
    }


@pytest.fixture
def jos_cli(cli: ParticleCli, jos_profile: dict[str, str]) -> ParticleCli:
    """particle-cli of Jo, signed in."""
    cli.keep(jos_profile)
    return cli
