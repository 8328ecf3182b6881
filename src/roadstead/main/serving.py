"""Starts the server, waits for a signal, and stops it in order."""

import asyncio
import contextlib
import fcntl
import logging
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from roadstead import __version__
from roadstead.config import Address, Settings
from roadstead.gateway import operator_socket
from roadstead.gateway.server import Gateway
from roadstead.http.certificate import load_certificate
from roadstead.kit.errors import Unavailable
from roadstead.main.services import Services, build_services
from roadstead.main.web import (
    WebServer,
    address_in_use,
    allow_open_files,
    bind_http,
    origin_of,
    uvicorn_config,
)
from roadstead.storage import migrate
from roadstead.storage.database import Database
from roadstead.storage.opening import open_database

log = logging.getLogger("roadstead")

STOP_DEADLINE_S = 8.0
"""Seconds that an orderly stop may take before what is left is cancelled; SIGTERM promises 10."""


async def serve(settings: Settings) -> None:
    """Runs the server until SIGTERM or SIGINT; prints one ``ready`` line when it serves.

    Raises:
        Unavailable: ``data_folder_in_use`` when another server runs on the same folder,
            ``address_in_use`` when a port is taken, ``database_unavailable``.
    """
    for chatty in ("alembic", "uvicorn.error"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    allow_open_files()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, log.info, "no certificate to read again")
    with _folder_lock(settings.data_dir):
        await asyncio.to_thread(migrate.upgrade, settings.database_url)
        database = await open_database(settings.database_url)
        try:
            await _run(settings, database, stop)
        finally:
            await database.close()


async def _run(settings: Settings, database: Database, stop: asyncio.Event) -> None:
    services = build_services(settings, database)
    with contextlib.closing(bind_http(settings)) as http_socket:
        await services.follower.start()
        await services.integrating.start()
        await services.alerting.start()
        await services.events.start()
        await services.quiet.start()
        await services.http.fleet_metrics.start()
        if settings.udp is not None:
            services.http.udp_address = await _start_gateway(services.gateway, settings.udp)
            await services.deliveries.start()
        services.http.bound_origin = origin_of(settings, http_socket)
        web = WebServer(uvicorn_config(services.http, settings))
        if settings.tls_cert is not None and settings.tls_key is not None:
            reload = load_certificate(web.config, settings.tls_cert, settings.tls_key)
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
        bound = services.http.bound_origin
        questions = {
            "device": services.gateway.trace,
            "server": lambda _: {"http": bound, "version": __version__},
        }
        async with (
            operator_socket.serving(settings.data_dir, questions),
            asyncio.TaskGroup() as tasks,
        ):
            kept = _start_background(tasks, services)
            serving = tasks.create_task(web.serve(sockets=[http_socket]), name="http")
            _announce_ready(http_socket, services.http.udp_address)
            await _first_of(stop, serving)
            try:
                async with asyncio.timeout(STOP_DEADLINE_S):
                    await _stop_in_order(services, web, serving)
            except TimeoutError:
                log.warning("stopping took over %g s; what is left is cut short", STOP_DEADLINE_S)
                serving.cancel()
            for task in kept:
                task.cancel()
        services.gateway.close_socket()
        await services.http.resets.close()
        await services.client.close()
        services.identity.close()


async def _start_gateway(gateway: Gateway, address: Address) -> tuple[str, int]:
    try:
        host, port = (await gateway.start(address))[:2]
    except OSError as error:
        raise address_in_use("udp", address, error) from error
    return host, port


def _start_background(tasks: asyncio.TaskGroup, services: Services) -> list[asyncio.Task[None]]:
    parts = [
        ("journal", services.journal.run()),
        ("outbox", services.follower.run()),
        ("presence", services.presence.run()),
        ("gateway", services.gateway.run()),
        ("firmware deliveries", services.deliveries.run()),
        ("files that no row names", services.http.firmware.orphans.run()),
        ("mail", services.mail.run()),
        ("sweeper", services.sweeper.run()),
        ("quiet products", services.quiet.run()),
        *services.integrating.background().items(),
        *services.rollouts.background().items(),
        *services.alerting.background().items(),
        ("notices", services.noticing.courier.run()),
        ("history index", services.events.indexer.run()),
        *services.fleet.background().items(),
        ("event retention", services.events.retention.run()),
        ("event subscriptions", services.events.reading.subscriptions.run()),
        ("imports", services.http.product.imports.run()),
        ("products that end", services.http.product.endings.run()),
        ("deleted groups", services.http.product.groups.empty_deleted()),
    ]
    names = [name for name, _ in parts]
    assert len(set(names)) == len(names), "each background part has a name of its own"
    return [tasks.create_task(work, name=name) for name, work in parts]


async def _stop_in_order(
    services: Services, web: uvicorn.Server, serving: asyncio.Task[None]
) -> None:
    """Takes no new work first, then lets what was accepted reach the database."""
    log.info("stopping")
    services.http.stopping.set()
    services.trials.close()
    web.should_exit = True
    await serving
    services.deliveries.stop()
    await services.gateway.stop()
    await services.integrating.parts.engine.stop()
    await services.journal.close()


async def _first_of(stop: asyncio.Event, serving: asyncio.Task[None]) -> None:
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({waiting, serving}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


def _announce_ready(http_socket: socket.socket, udp: tuple[str, int] | None) -> None:
    """The one line on stdout that tells programs the real ports; logs go to stderr."""
    http = Address(*http_socket.getsockname()[:2])
    udp_text = str(Address(*udp)) if udp else "off"
    print(f"ready http={http} udp={udp_text} tcp=off", flush=True)


@contextlib.contextmanager
def _folder_lock(folder: Path) -> Iterator[None]:
    """Holds the data folder for one serving process; the kernel lets go when it dies."""
    with (folder / "serve.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Unavailable(
                "data_folder_in_use",
                f"Another server is running on {folder}. Stop it, or choose another --data-dir.",
            ) from None
        yield
