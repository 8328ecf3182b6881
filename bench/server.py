"""`roadstead serve` on the core of the program under test."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from base64 import b64decode
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from bench import machine, seeding

_ROADSTEAD = (sys.executable, "-c", "from roadstead.cli import main; main()")
_READY = re.compile(r"^ready http=(\S+):(\d+) udp=(\S+):(\d+) ", re.MULTILINE)
_EMAIL, _PASSWORD = "bench@example.com", "a long bench password"
_NOT_PASSED = ("ROADSTEAD_", "PYTHONDONTWRITEBYTECODE")
"""Of the environment: settings, and what would have every start compile the program anew."""

READY_TIMEOUT_S = 60.0


class Server:
    """A server on a new data folder with one account; ends and leaves nothing behind.

    Args:
        settings: further settings by their names.

    Attributes:
        folder: its data.
        owner_id: of the account.
        email: its name.
        http_port: after ``start``, the same after every later one.
        udp_port: likewise.
    """

    def __init__(self, **settings: str) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="roadstead-bench-"))
        self.folder = self._root / "data"
        self.email = _EMAIL
        self.http_port = self.udp_port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(_NOT_PASSED)},
            "ROADSTEAD_RATE_LIMITS": "off",
            "ROADSTEAD_EVENTS_SIZE": "0",
            **{f"ROADSTEAD_{name.upper()}": value for name, value in settings.items()},
        }
        subprocess.run(
            [*_ROADSTEAD, "user", "create", _EMAIL, "--password-stdin", "--data-dir", self.folder],
            input=_PASSWORD.encode(),
            env=self._environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        self.owner_id = seeding.find_user_id(self.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self.kill()
        shutil.rmtree(self._root, ignore_errors=True)

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    @property
    def api_url(self) -> str:
        """Where its API is."""
        return f"http://127.0.0.1:{self.http_port}"

    def launch(self) -> None:
        """Starts the process and returns at once."""
        out = self._root / "out"
        out.write_bytes(b"")
        argv = [*_ROADSTEAD, "serve", "--data-dir", str(self.folder), "--tcp", "off"]
        argv += ["--http", f"127.0.0.1:{self.http_port}", "--udp", f"127.0.0.1:{self.udp_port}"]
        with out.open("ab") as stdout, (self._root / "log").open("ab") as stderr:
            self._process = machine.start_on_core(
                machine.SERVER_CORE, argv, stdout=stdout, stderr=stderr, env=self._environment
            )

    def wait_until_ready(self) -> None:
        """Returns when it has said that it serves.

        Raises:
            RuntimeError: it ended, or said nothing in time; with its log.
        """
        assert self._process is not None
        deadline = time.monotonic() + READY_TIMEOUT_S
        while (found := _READY.search((self._root / "out").read_text())) is None:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"no ready line:\n{(self._root / 'log').read_text()[-3000:]}")
            time.sleep(0.002)
        self.http_port, self.udp_port = int(found[2]), int(found[4])

    def start(self) -> None:
        """Starts and waits."""
        self.launch()
        self.wait_until_ready()

    def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        """SIGTERM, so that everything is in the database afterwards."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(20)
        self._process = None

    def log_in(self) -> str:
        """An access token."""
        credentials = {"username": _EMAIL, "password": _PASSWORD, "grant_type": "password"}
        client = {"client_id": "particle", "client_secret": "particle"}
        url = f"{self.api_url}/oauth/token"
        answer = httpx.post(url, data=credentials | client, trust_env=False)
        return str(answer.raise_for_status().json()["access_token"])

    def public_key(self) -> bytes:
        """The key by which devices know it, SPKI DER."""
        answer = httpx.get(f"{self.api_url}/v1/server_keys", trust_env=False).raise_for_status()
        return b64decode(answer.json()["udp"]["public_key_der"])
