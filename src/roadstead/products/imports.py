"""Imports of devices: short lists at once, long ones as jobs that outlive the process.

A job is a row with a lease. Whoever has the lease imports one chunk after the other, each in a
transaction that renews the lease and writes the results; a process that dies loses nothing but the
time until its lease ends.
"""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from roadstead.devices.registry import DeviceRegistry
from roadstead.identity.model import Actor
from roadstead.identity.store import find_user_by_name
from roadstead.kit.clock import Clock, from_ms
from roadstead.kit.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, Unavailable
from roadstead.kit.ids import new_object_id
from roadstead.products import import_store
from roadstead.products.access import ProductAccess
from roadstead.products.device_lists import MAX_LINES, Line
from roadstead.products.gatekeeping import Gatekeeper
from roadstead.products.group_naming import parse_group_name
from roadstead.products.import_store import DeviceImport
from roadstead.products.importing import CHUNK_LINES, Importer, ImportOrder, LineResult
from roadstead.products.model import Product
from roadstead.storage.database import Database, Result

log = logging.getLogger(__name__)

LEASE_S = 30.0
"""Seconds for which a lease holds; renewed with every chunk, which takes some milliseconds."""

POLL_S = 5.0
"""Seconds between two looks for imports that another process left."""

PAUSE_S = 0.002
"""Between two chunks: others who write get their turn anyway, this lets readers in, too."""

LISTED_IMPORTS = 50

MAX_TRIES = 5
"""How often a chunk is tried again when another request was faster with one of its devices."""


class DeviceImports:
    """Imports into products.

    Args:
        database: where devices and jobs are kept.
        clock: for times.
        announce: called after a change was committed that other processes must hear of.
        importer: imports lines.
        access: who belongs to a product's team.
        registry: told of changes, so that the gateway knows them at once.
        gatekeeper: told whose membership changed.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        announce: Callable[[], None],
        importer: Importer,
        access: ProductAccess,
        registry: DeviceRegistry,
        gatekeeper: Gatekeeper,
    ) -> None:
        self._database = database
        self._clock = clock
        self._announce = announce
        self._importer = importer
        self._access = access
        self._registry = registry
        self._gatekeeper = gatekeeper
        self._name = new_object_id()
        self._wake = asyncio.Event()
        self._finished: dict[str, asyncio.Event] = {}

    async def parse_order(
        self,
        product: Product,
        *,
        claim_user: str = "",
        groups: Iterable[str] = (),
        move: bool = False,
    ) -> ImportOrder:
        """What somebody wants, checked.

        Args:
            product: into which the list goes.
            claim_user: user name of somebody of the product's team; empty for nobody.
            groups: names of groups.
            move: see ImportOrder.

        Raises:
            Forbidden: ``claim_user_not_in_team``.
            Invalid: ``bad_group_name``.
        """
        names = tuple(parse_group_name(name) for name in groups)
        if not claim_user:
            return ImportOrder(groups=names, move=move)
        wanted = claim_user.strip().lower()

        def work(conn: Connection) -> str:
            user = find_user_by_name(conn, wanted)
            if user is None or not self._access.in_team(conn, user.id, product):
                raise Forbidden(
                    "claim_user_not_in_team", f"{claim_user!r} is not of the product's team."
                )
            return user.id

        user_id = await self._database.read(work)
        return ImportOrder(claim_user_id=user_id, groups=names, move=move)

    async def import_now(
        self, actor: Actor, product: Product, order: ImportOrder, lines: Sequence[Line]
    ) -> list[LineResult]:
        """Imports at most ``CHUNK_LINES`` lines; gives what became of each.

        Raises:
            Invalid: ``too_many_groups``.
        """
        at = self._now_ms()

        def work(conn: Connection) -> list[LineResult]:
            return self._importer.import_lines(conn, product.id, actor, order, lines, at)

        results = await self._write(work)
        self._settle(results)
        self._announce()
        return results

    async def start(
        self, actor: Actor, product: Product, order: ImportOrder, lines: Iterator[Line]
    ) -> DeviceImport:
        """Stores a long list and begins to import it; gives the job as it stands.

        Args:
            actor: who imports.
            product: theirs.
            order: what they want.
            lines: read in another thread, a chunk at a time.

        Raises:
            Invalid: ``too_many_lines``; nothing was imported.
        """
        at = self._now_ms()
        one = DeviceImport(
            id=new_object_id(),
            product_id=product.id,
            actor=actor,
            order=order,
            total_lines=0,
            done_lines=0,
            created_at=at,
            finished_at=None,
            leased=False,
        )
        await self._database.write(lambda conn: import_store.insert_import(conn, one))
        total = await self._store_lines(one.id, lines)
        await self._database.write(
            lambda conn: import_store.complete(conn, one.id, total), durable=True
        )
        self._wake.set()
        return await self.get(product, one.id)

    async def get(self, product: Product, import_id: str) -> DeviceImport:
        """One import of the product.

        Raises:
            NotFound: ``import_not_found``.
        """
        found = await self._database.read(
            lambda conn: import_store.find_import(conn, product.id, import_id)
        )
        if found is None:
            raise NotFound("import_not_found", "The product has no such import, or not any more.")
        return found

    async def list_imports(self, product: Product) -> list[DeviceImport]:
        """The newest imports of the product."""
        return await self._database.read(
            lambda conn: import_store.list_imports(conn, product.id, LISTED_IMPORTS)
        )

    async def wait(self, product: Product, import_id: str) -> DeviceImport:
        """Waits until an import is done.

        Raises:
            NotFound: ``import_not_found``.
        """
        while True:
            one = await self.get(product, import_id)
            if one.finished_at is not None:
                return one
            done = self._finished.setdefault(import_id, asyncio.Event())
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await done.wait()

    async def results(self, one: DeviceImport) -> AsyncIterator[list[LineResult]]:
        """What became of the lines, in order, some at a time; so far, while it is running."""
        for number in itertools.count():

            def work(conn: Connection, number: int = number) -> list[LineResult] | None:
                return import_store.read_results(conn, one.id, number)

            found = await self._database.read(work)
            if found is None:
                return
            yield found

    async def run(self) -> None:
        """Works on imports until it is cancelled."""
        if self._database.dialect == "sqlite":
            # One process has the file, so whoever had a lease before is dead.
            await self._database.write(import_store.release_all)
        while True:
            try:
                while await self.work_on_next():
                    pass
            except Unavailable as error:
                log.warning("imports wait: %s", error.message)
            except Exception:
                log.exception("an import failed; it is tried again")
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()
            self._wake.clear()

    async def work_on_next(self) -> bool:
        """Takes the oldest import that nobody works on to its end; False if there is none."""
        now = self._clock.now()
        import_id = await self._database.write(
            lambda conn: import_store.take_next(conn, self._name, now, self._until())
        )
        if import_id is None:
            return False
        more = True
        while more:
            more = await self._work_on_chunk(import_id)
            await asyncio.sleep(PAUSE_S)
        done = self._finished.pop(import_id, None)
        if done is not None:
            done.set()
        return True

    async def _work_on_chunk(self, import_id: str) -> bool:
        """Imports the next chunk; False when there is none, or the lease was lost.

        Lines that cannot be imported together, for whatever reason, are accounted for as invalid,
        so that every import comes to its end.
        """
        try:
            return await self._try_chunk(import_id, None)
        except Unavailable:
            raise
        except DomainError as error:
            return await self._try_chunk(import_id, (error.code, error.message))
        except Exception:
            log.exception("some lines of import %s could not be imported", import_id)
            why = ("internal_error", "The server failed on these lines; import them again.")
            return await self._try_chunk(import_id, why)

    async def _try_chunk(self, import_id: str, refused: tuple[str, str] | None) -> bool:
        def work(conn: Connection) -> list[LineResult] | None:
            if not import_store.renew(conn, import_id, self._name, self._until()):
                return None
            one = import_store.find_any(conn, import_id)
            undone = import_store.find_undone(conn, import_id)
            if one is None:
                return None
            if undone is None:
                import_store.finish(conn, import_id, self._clock.now())
                return None
            if refused is not None:
                return _refuse_chunk(conn, one, *undone, refused)
            return self._import_chunk(conn, one, *undone)

        results = await self._write(work)
        if results is None:
            return False
        self._settle(results)
        self._announce()
        return True

    def _import_chunk(
        self, conn: Connection, one: DeviceImport, number: int, lines: Sequence[Line]
    ) -> list[LineResult]:
        order = ImportOrder(
            claim_user_id=one.order.claim_user_id,
            groups=one.order.groups,
            move=one.order.move,
            import_id=one.id,
            is_continued=number > 0,
        )
        results = self._importer.import_lines(
            conn, one.product_id, one.actor, order, lines, one.created_at
        )
        import_store.put_results(conn, one, number, results)
        return results

    async def _store_lines(self, import_id: str, lines: Iterator[Line]) -> int:
        total = 0
        for number in itertools.count():
            chunk = await asyncio.to_thread(lambda: list(itertools.islice(lines, CHUNK_LINES)))
            if not chunk:
                return total
            total += len(chunk)
            if total > MAX_LINES:
                raise Invalid("too_many_lines", f"A list has {MAX_LINES} lines at most.")

            def store(conn: Connection, number: int = number, chunk: list[Line] = chunk) -> None:
                import_store.insert_chunk(conn, import_id, number, chunk)

            await self._database.write(store)
        return total

    async def _write(self, work: Callable[[Connection], Result]) -> Result:
        for _ in range(MAX_TRIES - 1):
            try:
                return await self._database.write(work)
            except IntegrityError:
                continue  # a device that was unknown was registered meanwhile: look again
            except Conflict as error:
                if error.code != "device_moved":
                    raise
        return await self._database.write(work)

    def _settle(self, results: Sequence[LineResult]) -> None:
        for result in results:
            if result.result in ("imported", "moved"):
                self._registry.forget(result.device_id)
                self._gatekeeper.forget(result.device_id)

    def _now_ms(self) -> datetime:
        """Now, to the millisecond, as it reads back from the database."""
        return from_ms(self._clock.now_ms())

    def _until(self) -> datetime:
        return self._clock.now() + timedelta(seconds=LEASE_S)


def _refuse_chunk(
    conn: Connection,
    one: DeviceImport,
    number: int,
    lines: Sequence[Line],
    why: tuple[str, str],
) -> list[LineResult]:
    results = [
        LineResult(line.number, line.text, "", line.kind)
        if line.kind in ("comment", "blank")
        else LineResult(line.number, line.text, "", "invalid", *why)
        for line in lines
    ]
    import_store.put_results(conn, one, number, results)
    return results
