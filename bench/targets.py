"""(j) The target decision: the rule alone, and with the facts gathered from the database."""

import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine

from bench import machine
from bench.report import Figure
from roadstead.devices.store import devices
from roadstead.firmware.facts import Surroundings, gather, gather_many
from roadstead.firmware.impact import find_impact
from roadstead.firmware.release_rules import ReleaseWish
from roadstead.firmware.release_store import put_targets
from roadstead.firmware.store import firmware_versions
from roadstead.firmware.targeting import decide
from roadstead.products.group_store import device_group_members, device_groups
from roadstead.products.membership_store import product_devices
from roadstead.products.store import products
from roadstead.storage import migrate
from roadstead.storage.sqlite import make_engine

PRODUCT = 14_000
GROUPS = 3
BATCH = 500
NOW = datetime(2026, 1, 1, tzinfo=UTC)
_MODULES = [
    {"f": letter, "n": index, "v": 6200, "s": 679936, "l": place, "vc": 30, "vv": 30}
    for letter, index, place in [
        ("b", "0", "m"), ("s", "1", "m"), ("u", "2", "m"), ("a", "0", "m"), ("c", "0", "m"),
        ("u", "2", "b"), ("s", "1", "f"),
    ]
]  # fmt: skip


def measure(rounds: int, round_s: float, fleet: int) -> list[Figure]:
    """Decisions per second on one core.

    Args:
        rounds: of each measurement.
        round_s: seconds of a round.
        fleet: members of the product.
    """
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {machine.SERVER_CORE})
    try:
        with tempfile.TemporaryDirectory(prefix="bench-targets-") as folder:
            return _measure(_seed(Path(folder), fleet), rounds, round_s, fleet)
    finally:
        os.sched_setaffinity(0, cores)


def _measure(engine: Engine, rounds: int, round_s: float, fleet: int) -> list[Figure]:
    ids = [_id(number) for number in range(fleet)]
    around = Surroundings(NOW, "handshake", frozenset(ids))
    what = f"product of {fleet:,} devices, {GROUPS} groups with releases"
    with engine.connect() as conn:
        facts = gather(conn, ids[0], around)
        assert facts is not None

        def one(number: int) -> int:
            found = gather(conn, ids[number * 7919 % fleet], around)
            assert found is not None
            decide(found)
            return 1

        def many(number: int) -> int:
            start = number * BATCH % fleet
            for found in gather_many(conn, ids[start : start + BATCH], around).values():
                decide(found)
            return BATCH

        def alone(number: int) -> int:
            decide(facts)
            return 1

        rows: list[tuple[str, Callable[[int], int], str]] = [
            ("target decision: the rule alone", alone, "facts in memory"),
            ("target decision at hello, facts gathered", one, what),
            (f"target decisions, {BATCH} devices gathered at once", many, what),
        ]
        return [
            Figure("j", name, [_round(work, round_s) for _ in range(rounds)], "/s", beside)
            for name, work, beside in rows
        ] + _look_ahead(conn, rounds, fleet)


def _look_ahead(conn: Connection, rounds: int, fleet: int) -> list[Figure]:
    figures = []
    for name, wish in [
        ("to all", ReleaseWish(version=9, product_default=True)),
        ("to one group", ReleaseWish(version=9, groups=["g0"])),
    ]:
        values = []
        for _ in range(rounds):
            began = time.perf_counter()
            impact = find_impact(conn, PRODUCT, wish, NOW)
            values.append(1000 * (time.perf_counter() - began))
        beside = f"{impact.total:,} of {fleet:,} devices would be updated"
        figures.append(Figure("j", f"look ahead of a release {name}", values, "ms", beside))
    return figures


def _round(work: Callable[[int], int], round_s: float) -> float:
    done, number, began = 0, 0, time.perf_counter()
    while (elapsed_s := time.perf_counter() - began) < round_s:
        done += work(number)
        number += 1
    return done / elapsed_s


def _id(number: int) -> str:
    return f"e00fce68{number:016x}"


def _seed(folder: Path, fleet: int) -> Engine:
    """A product with ten versions, a default and groups; a third of the devices in a group."""
    path = folder / "roadstead.db"
    migrate.upgrade(f"sqlite:///{path}")
    engine = make_engine(path)
    with engine.begin() as conn:
        conn.execute(products.insert(), [_product()])
        conn.execute(firmware_versions.insert(), [_version(number) for number in range(1, 11)])
        groups = [_group(number) for number in range(GROUPS)]
        conn.execute(device_groups.insert(), groups)
        put_targets(conn, PRODUCT, "0" * 24, {"": 5, **{str(one["id"]): 7 for one in groups}})
        for start in range(0, fleet, 10_000):
            numbers = range(start, min(start + 10_000, fleet))
            conn.execute(devices.insert(), [_device(number) for number in numbers])
            conn.execute(product_devices.insert(), [_member(number) for number in numbers])
            members = [
                {"group_id": groups[number % GROUPS]["id"], "device_id": _id(number)}
                for number in numbers
                if number % 3 == 0
            ]
            conn.execute(device_group_members.insert(), members)
    return engine


def _product() -> dict[str, object]:
    return {
        "id": PRODUCT,
        "slug": "bench",
        "name": "Bench",
        "name_key": "bench",
        "description": "",
        "platform_id": 13,
        "owner_user_id": "a" * 24,
        "settings": {},
        "device_count": 0,
        "quarantined_count": 0,
        "denied_count": 0,
        "created_at": NOW,
        "updated_at": NOW,
    }


def _version(number: int) -> dict[str, object]:
    return {
        "id": f"{number:024x}",
        "product_id": PRODUCT,
        "version": number,
        "title": "",
        "description": "",
        "mandatory": False,
        "file_name": "a.bin",
        "size_bytes": 131_072,
        "sha256": "0" * 64,
        "blob_key": "a",
        "application_bytes": 131_072,
        "application_sha256": "0" * 64,
        "application_key": "a",
        "module_sha256": "0" * 64,
        "crc32": 0,
        "platform_id": 13,
        "dependencies": [[4, 1, 5301]],
        "assets": [],
        "uploaded_at": NOW,
        "updated_at": NOW,
    }


def _group(number: int) -> dict[str, object]:
    return {
        "id": f"{number:024d}",
        "product_id": PRODUCT,
        "name": f"g{number}",
        "description": "",
        "color": "#000000",
        "device_count": 0,
        "created_at": NOW,
        "updated_at": NOW,
    }


def _device(number: int) -> dict[str, object]:
    return {
        "id": _id(number),
        "product_id": PRODUCT,
        "platform_id": 13,
        "firmware_version": 4,
        "system_version": 6200,
        "hello_flags": 0,
        "system_description": {"p": 13, "m": _MODULES, "imei": f"{number:015d}"},
        "safe_mode": False,
        "quarantined": False,
        "created_at": NOW,
        "updated_at": NOW,
    }


def _member(number: int) -> dict[str, object]:
    return {
        "product_id": PRODUCT,
        "device_id": _id(number),
        "standing": "member",
        "development": False,
        "last_handshake_ms": 0,
        "firmware_version": 4,
        "name_key": "",
        "updated_at": NOW,
    }
