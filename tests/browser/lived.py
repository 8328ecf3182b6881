"""A data folder in which a rollout was lived through: by the real engine, on a clock of its own.

The test bed lets days pass in seconds, with modelled devices below the engine and the gate that
serve; what these wrote is then shown by a real server.
"""

import asyncio
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.browser.stage import EMAIL, PASSWORD
from tests.system.harness import RoadsteadServer

from roadstead.rollouts.model import Policy
from roadstead.storage import migrate
from roadstead.storage.opening import open_database
from roadstead.testbed.bed import Bed, Outcome
from roadstead.testbed.cases import CASES, NEW


@dataclass(frozen=True)
class Lived:
    """A server on that folder.

    Attributes:
        rollout: path of the rollout's page.
        outcome: what came of it.
    """

    server: RoadsteadServer
    rollout: str
    outcome: Outcome


@contextmanager
def live_through(folder: Path, case: str, devices: int, seed: int) -> Iterator[Lived]:
    """Lives the rollout of a case of ``testbed.cases``, then serves the folder."""
    data = folder / "data"
    data.mkdir(mode=0o700)
    # In a thread of its own: the one of a test in a browser has a loop that runs.
    with ThreadPoolExecutor(1) as thread:
        living = thread.submit(
            lambda: asyncio.run(_live(data / "roadstead.db", case, devices, seed))
        )
        outcome = living.result()
    with RoadsteadServer(folder, rate_limits="off") as server:
        server.create_user(EMAIL, PASSWORD, admin=True)
        with closing(sqlite3.connect(data / "roadstead.db", timeout=20)) as database, database:
            # The bed's product is nobody's.
            database.execute("UPDATE products SET owner_user_id = (SELECT id FROM users)")
            (rollout,) = database.execute(
                "SELECT id FROM rollouts WHERE rollback_of IS NULL"
            ).fetchone()
        yield Lived(server, f"/products/testbed/rollouts/{rollout}", outcome)


async def _live(path: Path, case: str, devices: int, seed: int) -> Outcome:
    url = f"sqlite:///{path}"
    migrate.upgrade(url)
    database = await open_database(url)
    try:
        (chosen,) = [one for one in CASES if one.name == case]
        return await Bed(database, chosen.fleet(devices), seed).run(NEW, Policy())
    finally:
        await database.close()
