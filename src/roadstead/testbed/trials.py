"""Many rollouts of one version over one fleet, and what came of them in numbers."""

import asyncio
import gc
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import mean, median

from roadstead.rollouts.model import Policy
from roadstead.simulator.fleet_file import FleetFile
from roadstead.storage import migrate
from roadstead.storage.opening import open_database
from roadstead.testbed.bed import Bed, Outcome

QUESTIONS = ("assisted", "too_few")
"""Rules that ask a person because there are too few devices to know."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of many rollouts.

    Attributes:
        runs: rollouts.
        halted, held, paused: how many; ``paused`` counts those that were paused and nothing more.
        assisted: held because so few devices show little: not a stop, a question.
        finished: went through to the last device.
        extended: had at least one second soak.
        offered_median, offered_mean: devices that had been offered the version at the end.
        hurt_mean, hurt_most: devices bricked at the end.
        days_median: from the start to the end.
        rules: what stopped how many.
    """

    runs: int
    halted: int
    held: int
    paused: int
    assisted: int
    finished: int
    extended: int
    offered_median: float
    offered_mean: float
    hurt_mean: float
    hurt_most: int
    days_median: float
    rules: dict[str, int]


def summarise(outcomes: Sequence[Outcome]) -> Summary:
    """The numbers of many outcomes."""
    held = [
        one for one in outcomes if one.state == "held" and one.rule not in ("assisted", "too_few")
    ]
    assisted = [
        one for one in outcomes if one.state == "held" and one.rule in ("assisted", "too_few")
    ]
    halted = [one for one in outcomes if one.state == "halted"]
    stopped = [*halted, *held]
    return Summary(
        runs=len(outcomes),
        halted=len(halted),
        held=len(held),
        paused=sum(one.paused and one not in stopped for one in outcomes),
        assisted=len(assisted),
        finished=sum(one.state == "finished" for one in outcomes),
        extended=sum(one.extended for one in outcomes),
        offered_median=median(one.offered for one in outcomes),
        offered_mean=mean(one.offered for one in outcomes),
        hurt_mean=mean(one.hurt for one in outcomes),
        hurt_most=max(one.hurt for one in outcomes),
        days_median=median(one.days for one in outcomes),
        rules=dict(Counter(one.rule for one in stopped)),
    )


def run_trials(
    fleet: FleetFile,
    version: int,
    policy: Policy,
    runs: int,
    *,
    first: int = 0,
    jobs: int = 1,
    told: Callable[[int, Outcome], None] | None = None,
) -> list[Outcome]:
    """Runs rollouts, each with its own fleet, noise and draw; the outcomes by number of run.

    Args:
        fleet: the fleet, and how its versions behave.
        version: what is rolled out.
        policy: by which rules.
        runs: how many; run ``n`` is the same in every call.
        first: number of the first run.
        jobs: processes that share the runs; with 1 they run in this one.
        told: called after each run, as they end.
    """
    numbers = range(first, first + runs)
    with tempfile.TemporaryDirectory(prefix="roadstead-testbed-") as folder:
        empty = Path(folder) / "empty.db"
        migrate.upgrade(f"sqlite:///{empty}")
        one = partial(_run, Path(folder), empty, fleet, version, policy)
        outcomes: dict[int, Outcome] = {}
        for number, outcome in _spread(one, numbers, min(jobs, runs)):
            outcomes[number] = outcome
            if told is not None:
                told(number, outcome)
    return [outcomes[number] for number in numbers]


def _spread(
    one: Callable[[int], Outcome], numbers: range, jobs: int
) -> Iterator[tuple[int, Outcome]]:
    if jobs <= 1:
        for number in numbers:
            yield number, one(number)
        return
    # Fresh processes: a fork would copy whatever threads the caller has.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        pending = {pool.submit(one, number): number for number in numbers}
        try:
            for done in as_completed(pending):
                yield pending[done], done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _run(
    folder: Path, empty: Path, fleet: FleetFile, version: int, policy: Policy, number: int
) -> Outcome:
    # A run makes hundreds of thousands of small objects and no cycles to speak of.
    gc.disable()
    try:
        return asyncio.run(_run_one(folder, empty, fleet, version, policy, number))
    finally:
        gc.enable()
        gc.collect()


async def _run_one(
    folder: Path, empty: Path, fleet: FleetFile, version: int, policy: Policy, number: int
) -> Outcome:
    file = folder / f"run-{number}.db"
    await asyncio.to_thread(shutil.copyfile, empty, file)
    database = await open_database(f"sqlite:///{file}")
    try:
        return await Bed(database, fleet, number).run(version, policy)
    finally:
        await database.close()
        await asyncio.to_thread(file.unlink)
