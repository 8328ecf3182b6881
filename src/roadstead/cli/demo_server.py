"""The server of `roadstead demo`: a child process with its data in a temporary folder."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

PREFERRED_HTTP_PORT = 8080
PREFERRED_UDP_PORT = 5684

READY_TIMEOUT_S = 30.0
"""Longest wait for the server's ready line: a cold start with migrations on a slow disk."""

STOP_TIMEOUT_S = 12.0
"""The server promises to end within 10 s of SIGTERM; then it is killed."""

LOG_TAIL_LINES = 15

_READY = re.compile(rb"^ready http=(\S+):(\d+) udp=(\S+):(\d+)")
_COMMAND = (sys.executable, "-c", "from roadstead.cli import main; main()")


class DemoFailure(Exception):
    """The demo cannot go on; the text is for people."""


@dataclass(frozen=True, slots=True)
class DemoPorts:
    """Ports to ask for; 0 is any free one."""

    http: int
    udp: int


def choose_ports(wanted_http: int | None) -> DemoPorts:
    """The preferred ports where they are free, any others where they are not.

    Raises:
        DemoFailure: ``wanted_http`` was asked for and is taken.
    """
    if wanted_http is not None and not _is_free(socket.SOCK_STREAM, wanted_http):
        raise DemoFailure(
            f"port {wanted_http} is taken; leave --port out to use any free one, or choose another"
        )
    http = PREFERRED_HTTP_PORT if wanted_http is None else wanted_http
    return DemoPorts(
        http=http if _is_free(socket.SOCK_STREAM, http) else 0,
        udp=PREFERRED_UDP_PORT if _is_free(socket.SOCK_DGRAM, PREFERRED_UDP_PORT) else 0,
    )


def _is_free(kind: socket.SocketKind, port: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class DemoServer:
    """A running `roadstead serve`.

    Attributes:
        url: where its API and pages are.
    """

    def __init__(self, folder: Path, process: asyncio.subprocess.Process) -> None:
        self._folder = folder
        self._process = process
        self.url = ""

    @classmethod
    async def start(cls, folder: Path, ports: DemoPorts) -> "DemoServer":
        """Starts the server in ``folder`` and waits until it serves.

        Raises:
            DemoFailure: it did not start; the text carries the end of its log.
        """
        with (folder / "server.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *_COMMAND,
                "serve",
                *("--data-dir", str(folder / "data"), "--http", f"127.0.0.1:{ports.http}"),
                *("--udp", f"127.0.0.1:{ports.udp}", "--tcp", "off"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=_environment(),
                start_new_session=True,  # Ctrl-C goes to the demo alone, which stops the server
            )
        server = cls(folder, process)
        try:
            server.url = await asyncio.wait_for(server._read_ready(), READY_TIMEOUT_S)
        except TimeoutError:
            await server.stop()
            text = f"the server was not ready within {READY_TIMEOUT_S:.0f} s"
            raise server.failure(text) from None
        except BaseException:
            await server.stop()
            raise
        return server

    async def _read_ready(self) -> str:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            if ready := _READY.match(line):
                return f"http://{ready[1].decode()}:{int(ready[2])}"
        code = await self._process.wait()
        raise self.failure(f"the server did not start (exit code {code})")

    def failure(self, text: str) -> DemoFailure:
        """The error with the last lines of the server's log."""
        log = (self._folder / "server.log").read_text(errors="replace").splitlines()
        tail = "\n".join(f"  {line}" for line in log[-LOG_TAIL_LINES:])
        return DemoFailure(f"{text}; the end of its log:\n{tail}" if tail else text)

    async def wait(self) -> int:
        """The exit code, when the server has ended by itself."""
        return await self._process.wait()

    async def stop(self) -> None:
        """Ends the server in an orderly way, or by force when it does not."""
        await _end(self._process, signal.SIGTERM)

    async def create_user(self, email: str, password: str) -> None:
        """Creates an account by the operator's command.

        Raises:
            DemoFailure: the command refused.
        """
        process = await asyncio.create_subprocess_exec(
            *_COMMAND,
            *("user", "create", email, "--password-stdin"),
            *("--data-dir", str(self._folder / "data")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
            start_new_session=True,
        )
        try:
            _, errors = await process.communicate(password.encode())
        finally:
            await _end(process, signal.SIGKILL)
        if process.returncode:
            raise DemoFailure(f"no account could be created: {errors.decode().strip()}")

    async def log_in(self, email: str, password: str) -> str:
        """An access token of the account.

        Raises:
            DemoFailure: the server refused.
        """
        form = {
            "grant_type": "password",
            "client_id": "particle",
            "client_secret": "particle",
            "username": email,
            "password": password,
        }
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=20) as client:
            try:
                answer = await client.post("/oauth/token", data=form)
                return str(answer.raise_for_status().json()["access_token"])
            except (httpx.HTTPError, ValueError, KeyError) as error:
                raise DemoFailure(f"the login failed: {error}") from error


async def _end(process: asyncio.subprocess.Process, first: signal.Signals) -> None:
    """Ends a child that still runs; gives it STOP_TIMEOUT_S to follow the first signal."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(first)
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()


def _environment() -> dict[str, str]:
    """The environment of the children: the demo is the same whatever ROADSTEAD_* says here.

    The largest plan, because releases to groups and to all are part of what is shown.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ROADSTEAD_")}
    return kept | {"ROADSTEAD_DEFAULT_PLAN": "enterprise"}
