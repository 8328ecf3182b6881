"""particle-api-js as a process: its methods by name, its errors, its event streams."""

import asyncio
import contextlib
import itertools
import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.clients.installing import NODE
from tests.clients.promised_types import broken_promises

DRIVER = Path(__file__).parent / "api_js.cjs"
ANSWER_TIMEOUT_S = 30.0
LINE_LIMIT_BYTES = 1 << 20


class ParticleError(Exception):
    """The client threw: what its error carries.

    Attributes:
        status: the HTTP status.
        body: the answer as the client parsed it.
        description: the client's ``errorDescription``.
        short: the client's ``shortErrorDescription``, which programs show to people.
    """

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(json.dumps(error))
        self.status = error.get("statusCode")
        self.body = error.get("body")
        self.description = error.get("errorDescription")
        self.short = error.get("shortErrorDescription")


class EventStream:
    """An open event stream of the client."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.troubles: list[str] = []
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def next(self, timeout_s: float = 10.0) -> dict[str, Any]:
        """The next event as the client gives it."""
        return await asyncio.wait_for(self._events.get(), timeout_s)

    @property
    def waiting(self) -> int:
        """Events that came and were not taken yet."""
        return self._events.qsize()

    def take(self, line: dict[str, Any]) -> None:
        if "event" in line:
            self._events.put_nowait(line["event"])
        else:
            self.troubles.append(line["trouble"])


class ParticleApi:
    """One particle-api-js client in a Node process of its own; use as async context.

    Args:
        api_url: where the server is.
        home: the HOME of the process.
        options: of the client (``clientId``, ``clientSecret``).
    """

    def __init__(self, api_url: str, home: Path, **options: str) -> None:
        self._api_url, self._home, self._options = api_url, home, options
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._streams: dict[int, EventStream] = {}

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            NODE,
            str(DRIVER),
            self._api_url,
            json.dumps(self._options),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={"HOME": str(self._home)},
            limit=LINE_LIMIT_BYTES,
        )
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await self._reader

    async def answer(self, method: str, auth: str | None = None, /, **arguments: Any) -> Any:
        """Calls a method of the client; gives the status and the body of its answer.

        Raises:
            ParticleError: the client threw.
        """
        if auth is not None:
            arguments["auth"] = auth
        line = await self._ask(call=method, args=arguments)
        body = line.get("body")
        broken = broken_promises(method, body)
        assert not broken, f"{method} promises its callers more: {broken}"
        return line["status"], body

    async def call(self, method: str, auth: str | None = None, /, **arguments: Any) -> Any:
        """Calls a method of the client; gives the body of its answer.

        Raises:
            ParticleError: the client threw.
        """
        return (await self.answer(method, auth, **arguments))[1]

    async def refusal(
        self, method: str, auth: str | None = None, /, **arguments: Any
    ) -> ParticleError:
        """What the client throws; it is a failure if it does not throw."""
        try:
            body = await self.call(method, auth, **arguments)
        except ParticleError as error:
            return error
        raise AssertionError(f"{method} was not refused: {body}")

    async def stream(self, token: str, **arguments: Any) -> EventStream:
        """Opens an event stream.

        Raises:
            ParticleError: the server refused it.
        """
        number = next(self._numbers)
        stream = self._streams[number] = EventStream(number)
        await self._ask(number, stream={**arguments, "auth": token})
        return stream

    async def close(self, stream: EventStream) -> None:
        """Ends a stream from the client's side."""
        await self._ask(close=stream.number)

    async def _ask(self, number: int | None = None, **request: Any) -> dict[str, Any]:
        number = number or next(self._numbers)
        answered = asyncio.get_running_loop().create_future()
        self._waiting[number] = answered
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"id": number, **request}).encode() + b"\n")
        line = await asyncio.wait_for(answered, ANSWER_TIMEOUT_S)
        if "error" in line:
            raise ParticleError(line["error"])
        return line

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for text in self._process.stdout:
            line = json.loads(text)
            if "stream" in line:
                self._streams[line["stream"]].take(line)
            else:
                self._waiting.pop(line["id"]).set_result(line)
