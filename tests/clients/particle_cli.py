"""particle-cli as people run it: one process for each command, a HOME of its own."""

import asyncio
import contextlib
import json
import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clients.installing import NODE, PARTICLE_CLI

COMMAND_TIMEOUT_S = 30.0

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended and what it said, without escape codes."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return f"{self.out}\n{self.err}"

    def events(self) -> list[dict[str, Any]]:
        """The lines of `subscribe` that are events."""
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]


class Running:
    """A command that was started and has not ended."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._out = ""

    async def says(self, words: str, timeout_s: float = COMMAND_TIMEOUT_S) -> str:
        """Waits for these words on stdout; gives all that was said so far."""
        assert self._process.stdout is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while words not in self._out and (chunk := await self._process.stdout.read(65536)):
                    self._out += _plain(chunk)
        assert words in self._out, f"said {self._out!r} without {words!r}"
        return self._out

    def type(self, text: str) -> None:
        """Types a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode() + b"\n")

    async def end(self, timeout_s: float = COMMAND_TIMEOUT_S) -> Said:
        """Waits for the end."""
        out, err = await asyncio.wait_for(self._process.communicate(), timeout_s)
        return Said(self._process.returncode or 0, self._out + _plain(out), _plain(err))

    async def interrupt(self) -> Said:
        """Ends it as Ctrl-C does."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)
        return await self.end()


class ParticleCli:
    """The command line of one person.

    Args:
        home: their HOME; created.
        api_url: where their profile points to; None leaves it untouched.
    """

    def __init__(self, home: Path, api_url: str | None = None) -> None:
        self.home = home
        self._folder = home / ".particle"
        self._folder.mkdir(parents=True, exist_ok=True)
        if api_url is not None:
            self.keep({"apiUrl": api_url})

    @property
    def _profile(self) -> Path:
        return self._folder / "particle.config.json"

    @property
    def profile(self) -> dict[str, Any]:
        """What the CLI keeps: apiUrl, access_token, username …"""
        kept = json.loads(self._profile.read_text())
        assert isinstance(kept, dict)
        return kept

    def keep(self, profile: dict[str, str]) -> None:
        """Writes the profile as the CLI itself does."""
        self._profile.write_text(json.dumps(profile))

    async def start(self, *arguments: str) -> Running:
        """Starts `particle ARGUMENTS`."""
        process = await asyncio.create_subprocess_exec(
            NODE,
            PARTICLE_CLI,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self.home,
            # Nothing of the caller's: no proxy, no account, no check for a newer CLI.
            env={
                "HOME": str(self.home),
                "PATH": os.environ["PATH"],
                "PARTICLE_DISABLE_UPDATE": "1",
            },
        )
        return Running(process)

    async def run(self, *arguments: str) -> Said:
        """Runs `particle ARGUMENTS` to its end."""
        return await (await self.start(*arguments)).end()

    async def ok(self, *arguments: str) -> str:
        """Runs a command that must succeed; gives its stdout."""
        said = await self.run(*arguments)
        assert said.code == 0, f"particle {' '.join(arguments)} ended with {said.code}: {said.all}"
        return said.out

    async def fails(self, *arguments: str) -> str:
        """Runs a command that must fail; gives all it said."""
        said = await self.run(*arguments)
        assert said.code != 0, f"particle {' '.join(arguments)} did not fail: {said.all}"
        return said.all


def _plain(text: bytes) -> str:
    return _ESCAPES.sub("", text.decode(errors="replace"))
