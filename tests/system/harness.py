"""A real server for system tests: a `roadstead serve` process on free ports in a temporary folder.

    with RoadsteadServer(tmp_path) as server:
        server.create_user("jo@example.com", "correct horse")
        token = server.log_in("jo@example.com", "correct horse")
        server.kill()           # SIGKILL
        server.start()          # same data folder, same ports

Calls block; in async tests they are short enough not to matter, except start().
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

READY = re.compile(r"^ready http=(\S+):(\d+) udp=(\S+) tcp=(\S+)$", re.MULTILINE)
ROADSTEAD = (sys.executable, "-c", "from roadstead.cli import main; main()")
"""The command as a prefix of argv; does not depend on where the script was installed."""


class ServerDied(AssertionError):
    """The server ended or did not become ready; the text carries its log."""


class RoadsteadServer:
    """One server on one data folder; it can be killed and started again on the same ports.

    Args:
        folder: an empty folder; data lies in ``folder/data``, the log in ``folder/server.log``.
        settings: further ROADSTEAD_* settings, without the prefix and in any case.

    Attributes:
        extra_environment: variables of its processes that are no settings.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self._log = folder / "server.log"
        self._out = folder / "server.out"
        self._settings = {f"ROADSTEAD_{key.upper()}": value for key, value in settings.items()}
        self.extra_environment: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self.http_port = 0
        self.udp_port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every process of this server; none of the caller's ROADSTEAD_*."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("ROADSTEAD_")}
        return (
            kept
            | self.extra_environment
            | self._settings
            | {"ROADSTEAD_DATA_DIR": str(self.data_dir)}
        )

    def start(self, timeout_s: float = 30.0) -> None:
        """Starts the server and waits for its ready line; the first time on free ports."""
        assert self._process is None, "the server runs already"
        self._out.write_bytes(b"")
        arguments = ("serve", "--data-dir", str(self.data_dir), "--tcp", "off")
        ports = (
            "--http",
            f"127.0.0.1:{self.http_port}",
            "--udp",
            f"127.0.0.1:{self.udp_port}",
        )
        with self._log.open("ab") as log, self._out.open("ab") as out:
            self._process = subprocess.Popen(
                [*ROADSTEAD, *arguments, *ports],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                env=self.environment,
                cwd=self.folder,
            )
        self._wait_until_ready(timeout_s)

    def _wait_until_ready(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            ready = READY.search(self._out.read_text())
            if ready:
                self.http_port = int(ready[2])
                self.udp_port = 0 if ready[3] == "off" else int(ready[3].rpartition(":")[2])
                return
            assert self._process is not None
            if self._process.poll() is not None:
                code, self._process = self._process.returncode, None
                raise ServerDied(f"the server ended with {code}\n{self.read_log()[-4000:]}")
            time.sleep(0.02)
        self.kill()
        raise ServerDied(f"no ready line in {timeout_s} s\n{self.read_log()[-4000:]}")

    def kill(self) -> None:
        """Ends the server at once (SIGKILL), as a power cut would; nothing if it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self, timeout_s: float = 15.0) -> int:
        """Asks the server to end (SIGTERM); gives its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerDied(f"no end in {timeout_s} s\n{self.read_log()[-4000:]}") from None
        self._process = None
        return code

    def restart(self) -> None:
        """SIGKILL, then a start on the same ports."""
        self.kill()
        self.start()

    def read_log(self) -> str:
        """What all runs of this server wrote to stderr."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def command(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Runs `roadstead ARGUMENTS` on this server's data folder."""
        return subprocess.run(
            [*ROADSTEAD, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=self.folder,
            timeout=60,
            check=False,
        )

    def create_user(self, email: str, password: str, *, admin: bool = False) -> None:
        """Creates an account by the operator's command."""
        flags = ["--admin"] if admin else []
        done = self.command("user", "create", email, "--password-stdin", *flags, stdin=password)
        assert done.returncode == 0, done.stderr

    def log_in(self, email: str, password: str) -> str:
        """An access token by the password grant."""
        answer = httpx.post(
            f"{self.api_url}/oauth/token",
            data={
                "grant_type": "password",
                "client_id": "particle",
                "client_secret": "particle",
                "username": email,
                "password": password,
            },
            trust_env=False,
        )
        assert answer.status_code == 200, answer.text
        token = answer.json()["access_token"]
        assert isinstance(token, str)
        return token

    def client(self, token: str) -> httpx.Client:
        """An HTTP client that acts for the token's user."""
        return httpx.Client(
            base_url=self.api_url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=40,
            trust_env=False,
        )
