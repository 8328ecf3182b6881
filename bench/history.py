"""(k) Streams that are resumed from the history, and searches in it."""

import sqlite3
import statistics
import time
from collections.abc import Callable

import httpx

from bench import machine
from bench.event_seeding import RARE_NAME, add_history
from bench.report import Aim, Figure
from bench.server import Server

DEVICES = 10_000
RESUMED = 100_000
SEARCH_AIM_MS = 200.0
PLAIN_LIMIT_S = 30.0


def measure(rows: int, rounds: int) -> list[Figure]:
    """Resuming at ``RESUMED`` events, then searches at ``rows`` events."""
    return [_measure_resume(rounds), *_measure_searches(rows, rounds)]


def _measure_resume(rounds: int) -> Figure:
    with Server() as server:
        add_history(server.folder, RESUMED, server.owner_id, DEVICES)
        server.start()
        token = server.log_in()
        values, server_share, load_share = [], 0.0, 0.0
        for _ in range(rounds):
            watch = machine.Stopwatch(server.pid)
            _resume(server, token)
            usage = watch.stop()
            values.append(RESUMED / usage.elapsed_s)
            server_share += usage.server / rounds
            load_share += usage.load / rounds
        plain = RESUMED / _plain(server, "SELECT * FROM events ORDER BY id")
    median = statistics.median(values)
    return Figure(
        "k",
        f"a stream resumed over {RESUMED:,} events",
        values,
        "/s",
        beside=f"{median / plain:.2f} × SELECT of the same rows in one process",
        aim=Aim(20_000),
        shares=(server_share, load_share),
        why="Each event is a row made into an object, rendered as JSON and checked by the rule.",
    )


def _resume(server: Server, token: str) -> None:
    url = f"{server.api_url}/v1/devices/events"
    headers = {"Authorization": f"Bearer {token}", "Last-Event-ID": "0"}
    seen = 0
    with httpx.stream("GET", url, headers=headers, timeout=60, trust_env=False) as answer:
        for block in answer.iter_raw():
            seen += block.count(b"\nevent: ")
            if seen >= RESUMED:
                return
    raise ConnectionError(f"the stream ended after {seen} events")


def _measure_searches(rows: int, rounds: int) -> list[Figure]:
    with Server() as server:
        began = time.monotonic()
        ids = add_history(server.folder, rows, server.owner_id, DEVICES)
        took_s = time.monotonic() - began
        server.start()
        client = httpx.Client(
            base_url=server.api_url,
            headers={"Authorization": f"Bearer {server.log_in()}"},
            trust_env=False,
            timeout=60,
        )
        busy, silent = ids[0], ids[-1]
        searches: dict[str, dict[str, str]] = {
            "the last 25 of the account": {},
            "the last 25 of a device": {"device": busy},
            "a device that spoke twice in a week": {"device": silent},
            "a device and a prefix": {"device": busy, "prefix": "cold/d"},
        }
        figures = []
        for name, query in searches.items():
            values = [1000 * _search(client, query)[0] for _ in range(max(5, rounds))]
            plain = ""
            if "device" in query:
                condition = f"WHERE device_id = '{query['device']}' ORDER BY id DESC LIMIT 25"
                plain_ms = 1000 * _plain(server, f"SELECT * FROM events {condition}")
                plain = f"{plain_ms:,.0f} ms by SQL without an index"
            label = f"search in {rows:,} events: {name}"
            figures.append(
                Figure("k", label, values, "ms", plain, Aim(SEARCH_AIM_MS, at_most=True))
            )
        figures += _effort(client, rows, took_s)
        client.close()
    return figures


def _effort(client: httpx.Client, rows: int, took_s: float) -> list[Figure]:
    """What cannot be found by device: how much a search looks at in its bounded time."""
    found = []
    for name, query in (
        ("a rare name", {"prefix": RARE_NAME}),
        ("a text that is not there", {"text": "no such text"}),
    ):
        took, answer = _search(client, {**query, "per_page": "1000"})
        looked_at = answer["meta"]["looked_at"]
        found.append(
            Figure(
                "k",
                f"search in {rows:,} events: {name}, events looked at",
                [looked_at / took],
                "/s",
                f"{looked_at:,} in {1000 * took:,.0f} ms, then it says where it stopped; the "
                f"history was written in {took_s:,.0f} s",
            )
        )
    return found


def _search(client: httpx.Client, query: dict[str, str]) -> tuple[float, dict]:
    began = time.perf_counter()
    answer = client.get("/v1/event_history", params={"per_page": "25", **query})
    took_s = time.perf_counter() - began
    answer.raise_for_status()
    return took_s, answer.json()


def _plain(server: Server, query: str) -> float:
    """Seconds of a query in this process; given up after ``PLAIN_LIMIT_S``."""
    connection = sqlite3.connect(server.folder / "roadstead.db")
    began = time.perf_counter()
    give_up: Callable[[], bool] = lambda: time.perf_counter() - began > PLAIN_LIMIT_S  # noqa: E731
    connection.set_progress_handler(lambda: int(give_up()), 1_000_000)
    try:
        for _ in connection.execute(query):
            pass
    except sqlite3.OperationalError:
        return PLAIN_LIMIT_S
    finally:
        connection.close()
    return time.perf_counter() - began
