"""(l) Devices of a product: a long list imported, and pages of the list of them."""

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from bench import machine
from bench.report import Figure
from roadstead.bus.local import LocalBus
from roadstead.devices.registry import DeviceRegistry
from roadstead.identity.model import Actor
from roadstead.kit.clock import SystemClock
from roadstead.products import group_store
from roadstead.products.access import OwnerAccess
from roadstead.products.allowance import Unlimited
from roadstead.products.device_lists import read_lines
from roadstead.products.gatekeeping import Gatekeeper
from roadstead.products.importing import Importer, ImportOrder
from roadstead.products.imports import DeviceImports
from roadstead.products.listing import DeviceQuery, list_page
from roadstead.products.membership_store import product_devices
from roadstead.products.model import DeviceGroup, Owner, Product
from roadstead.products.service import ProductDraft, ProductService
from roadstead.products.store import find_product
from roadstead.storage import migrate
from roadstead.storage.journal import Journal
from roadstead.storage.opening import open_database
from roadstead.storage.sqlite import make_engine

OWNER = Actor("a" * 24, "maker@example.com")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
SMALL_GROUP = 1000
PAGES = 40
"""Pages asked for of each kind: enough for a median; the 99th percentile is then the longest."""


def measure(import_lines: int, fleets: tuple[int, ...]) -> list[Figure]:
    """An import, and lists of products.

    Args:
        import_lines: devices in the file.
        fleets: sizes of products whose pages are asked for, the last one being the imported one.
    """
    figures: list[Figure] = []
    for fleet in fleets:
        with tempfile.TemporaryDirectory(prefix="bench-products-") as folder:
            told = _import_in_child(Path(folder), fleet)
            if fleet == import_lines:
                figures += _import_figures(told, import_lines)
            figures += _list_figures(Path(folder), fleet)
    return figures


def _import_in_child(folder: Path, lines: int) -> dict[str, float]:
    """Imports in a process of its own, whose memory is that of the import."""
    argv = [sys.executable, "-m", "bench.product_devices", str(folder), str(lines)]
    child = machine.start_on_core(machine.SERVER_CORE, argv, stdout=subprocess.PIPE)
    output, _ = child.communicate()
    if child.returncode != 0:
        raise RuntimeError(f"the import ended with {child.returncode}")
    told: dict[str, float] = json.loads(output)
    return told


def _import_figures(told: dict[str, float], lines: int) -> list[Figure]:
    beside = f"{lines:,} unseen ids from a file, 500 in a transaction, SQLite"
    more = f"above the {told['before_mb']:.0f} MB of the process before it"
    return [
        Figure("l", f"import of {lines:,} device ids", [told["seconds"]], "s", beside),
        Figure("l", "peak memory of that import", [told["peak_mb"]], "MB", more),
    ]


def _list_figures(folder: Path, fleet: int) -> list[Figure]:
    engine = make_engine(folder / "roadstead.db")
    with engine.begin() as conn:
        _spread(conn, fleet)
    figures = []
    with engine.connect() as conn:
        product = find_product(conn, 1000)
        assert product is not None and product.device_count == fleet
        last = -(-fleet // 25)
        kinds: list[tuple[str, Callable[[int], DeviceQuery]]] = [
            ("newest first, first pages", lambda n: DeviceQuery(page=n + 1)),
            ("newest first, last pages", lambda n: DeviceQuery(page=last - n)),
            ("newest first, middle", lambda n: DeviceQuery(page=max(1, last // 2 - n))),
            ("by version", lambda n: DeviceQuery(sort="firmwareVersion", page=n + 1)),
            ("one id", lambda n: DeviceQuery(device_id=_id(n * 7919 % fleet))),
            ("a group of 1,000", lambda n: DeviceQuery(groups=("small",), page=n + 1)),
            ("a group of half", lambda n: DeviceQuery(groups=("half",), page=n + 1)),
            ("those that wait", lambda n: DeviceQuery(standing="quarantined", page=n + 1)),
            ("a part of a name", lambda n: DeviceQuery(device_name=f"box {n}")),
            ("a part of a serial number", lambda n: DeviceQuery(serial_number=f"sn{n:03}")),
        ]
        for name, query in kinds:
            figures.append(_pages(conn, product, f"{fleet:,} devices, {name}", query))
    engine.dispose()
    return figures


def _pages(
    conn: Connection, product: Product, name: str, query: Callable[[int], DeviceQuery]
) -> Figure:
    searches = query(0).device_name or query(0).serial_number
    times_ms = []
    for number in range(5 if searches else PAGES):
        began = time.perf_counter()
        list_page(conn, product, query(number))
        times_ms.append(1000 * (time.perf_counter() - began))
    beside = f"p99 {max(times_ms):.1f} ms of {len(times_ms)} pages of 25"
    return Figure(
        "k", f"page of a product's list: {name}", [statistics.median(times_ms)], "ms", beside
    )


def _spread(conn: Connection, fleet: int) -> None:
    """Gives the devices handshakes, versions, names and serial numbers, and puts some in groups."""
    spread = (
        "UPDATE product_devices SET last_handshake_ms = :now - rowid * 1000, "
        "firmware_version = rowid % 7, name_key = 'box ' || (rowid * 7919 % 999983)"
    )
    conn.execute(text(spread), {"now": NOW_MS})
    conn.execute(text("UPDATE devices SET serial_number = 'SN' || rowid WHERE rowid % 2 = 0"))
    for name, step in (("small", max(1, fleet // SMALL_GROUP)), ("half", 2)):
        ids = [_id(number) for number in range(0, fleet, step)]
        group_id = f"{len(ids):024d}"
        group = DeviceGroup(id=group_id, product_id=1000, name=name, created_at=NOW, updated_at=NOW)
        group_store.insert_group(conn, group)
        for start in range(0, len(ids), 500):
            group_store.add_members(conn, group_id, ids[start : start + 500])
    rows: list[dict[str, Any]] = [
        {
            "product_id": 1000,
            "device_id": f"ffffffff{number:016x}",
            "standing": "quarantined",
            "development": False,
            "last_handshake_ms": NOW_MS - number,
            "firmware_version": 1,
            "name_key": "",
            "updated_at": NOW,
        }
        for number in range(5000)
    ]
    conn.execute(product_devices.insert(), rows)
    conn.execute(text("UPDATE products SET quarantined_count = 5000"))
    conn.execute(text("ANALYZE"))


def _id(number: int) -> str:
    # Spread over the range of ids, as a factory's are not; the harder case for an index.
    return f"{(number * 0x9E3779B97F4A7C15) % (1 << 64):016x}e00fce68"


async def _import(folder: Path, lines: int) -> None:
    url = f"sqlite:///{folder / 'roadstead.db'}"
    migrate.upgrade(url)
    database = await open_database(url)
    clock, access = SystemClock(), OwnerAccess()

    def nothing() -> None: ...

    gatekeeper = Gatekeeper(Journal(database), access)
    registry = DeviceRegistry(database, clock, LocalBus(), nothing, gatekeeper)
    importer = Importer(access, Unlimited())
    imports = DeviceImports(database, clock, nothing, importer, access, registry, gatekeeper)
    service = ProductService(database, clock, nothing, access)
    draft = ProductDraft(name="Bench", platform_id=13)
    product = await service.create(OWNER, Owner(user_id=OWNER.user_id), draft)
    path = folder / "devices.txt"
    with path.open("w") as file:
        file.writelines(f"{_id(number)}\n" for number in range(lines))
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.perf_counter()
    with path.open("rb") as source:
        one = await imports.start(OWNER, product, ImportOrder(), read_lines(source))
    while await imports.work_on_next():
        pass
    seconds = time.perf_counter() - began
    done = await imports.get(product, one.id)
    assert done.counts == {"imported": lines}, done.counts
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    await database.close()
    told = {"seconds": seconds, "peak_mb": peak_mb - before_mb, "before_mb": before_mb}
    print(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(_import(Path(sys.argv[1]), int(sys.argv[2])))
