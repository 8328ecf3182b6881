"""What a virtual device answers to the server's requests. Spec: device protocol notes §3."""

import asyncio
import inspect
from collections.abc import Coroutine
from typing import Any, Protocol

from roadstead.protocol.coap.blockwise import Block, block_szx, cut_block
from roadstead.protocol.coap.codes import BAD_OPTION, BAD_REQUEST, NOT_FOUND
from roadstead.protocol.coap.message import Draft, Message
from roadstead.protocol.messages.describe import (
    DescribeAnswer,
    DescribeFlag,
    DescribeRequest,
    decode_describe_request,
    describe_answer,
)
from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.event import decode_event
from roadstead.protocol.messages.function import decode_function_call, function_result
from roadstead.protocol.messages.server_request import ServerRequest, kind_of_server_request
from roadstead.protocol.messages.signal import decode_signal_request, signal_response
from roadstead.protocol.messages.variable import decode_variable_request, variable_response
from roadstead.simulator.channel import Channel
from roadstead.simulator.description import Profile
from roadstead.simulator.greeting import DESCRIBE_OVERHEAD_BYTES


class Subject(Protocol):
    """What the answering needs of the device."""

    def now(self) -> float:
        """Monotonic seconds."""

    def on_event(self, name: str, payload: bytes) -> None:
        """The server sent an event."""

    def on_call(self, name: str, argument: str) -> None:
        """The server called a function, whether it exists or not."""

    def on_signal(self, on: bool) -> None:
        """The server asked for the light signal."""

    def shake_hands_anew(self) -> None:
        """The server wants a new session."""

    def drop_connection(self) -> None:
        """The device fails inside and connects again."""

    def touch(self) -> None:
        """Puts on the wire what was queued outside of a wake-up."""


class ServerRequests:
    """Answers one device's requests over its channel; what it does not know it ignores."""

    def __init__(self, subject: Subject, profile: Profile, channel: Channel) -> None:
        self._subject = subject
        self._profile = profile
        self._channel = channel
        self._calls: set[asyncio.Task[None]] = set()
        self._etag = 0

    def handle(self, request: Message) -> None:
        """Answers a request as a device does, which may be not at all."""
        try:
            self._dispatch(request)
        except MessageFormatError:
            self._channel.respond(request, Draft(BAD_REQUEST))

    def _dispatch(self, request: Message) -> None:
        match kind_of_server_request(request):
            case ServerRequest.HELLO:
                self._channel.acknowledge(request)
            case ServerRequest.EVENT:
                self._take_event(request)
            case ServerRequest.FUNCTION:
                self._call(request)
            case ServerRequest.VARIABLE:
                self._read_variable(request)
            case ServerRequest.DESCRIBE:
                self._describe(request, decode_describe_request(request))
            case ServerRequest.SIGNAL:
                self._subject.on_signal(decode_signal_request(request))
                self._channel.respond(request, signal_response())
            case ServerRequest.KEY_CHANGE:
                self._channel.acknowledge_with_own_id()
                self._subject.shake_hands_anew()

    def _take_event(self, request: Message) -> None:
        event = decode_event(request)
        self._channel.acknowledge(request)
        self._subject.on_event(event.name, event.payload or b"")

    def _call(self, request: Message) -> None:
        name, argument = decode_function_call(request)
        self._channel.acknowledge(request)
        self._subject.on_call(name, argument)
        handler = self._profile.firmware.functions.get(name)
        if handler is None:
            return
        result = handler(argument)
        if inspect.iscoroutine(result):
            task = asyncio.get_running_loop().create_task(self._finish_call(request, result))
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)
        elif isinstance(result, int):
            self._channel.respond(request, function_result(result), separate=True)

    async def _finish_call(self, request: Message, result: Coroutine[Any, Any, int | None]) -> None:
        value = await result
        if value is not None:
            self._channel.respond(request, function_result(value), separate=True)
            self._subject.touch()

    def _read_variable(self, request: Message) -> None:
        read = self._profile.firmware.variables.get(decode_variable_request(request))
        answer = Draft(NOT_FOUND) if read is None else variable_response(read())
        self._channel.respond(request, answer, separate=True)

    def _describe(self, request: Message, asked: DescribeRequest) -> None:
        if self._profile.generation.describe_form == "combined":
            answer = DescribeAnswer(self._profile.describe_all())
            self._channel.respond(request, describe_answer(answer))
            return
        if asked.flag is None:
            self._channel.respond(request, Draft(BAD_REQUEST))
            return
        try:
            flag = DescribeFlag(asked.flag)
        except ValueError:
            # Device OS 5.5 to 6.2 acknowledges such a question and then fails inside.
            self._channel.acknowledge(request)
            self._subject.drop_connection()
            return
        self._channel.respond(request, self._answer_describe(flag, asked.block), separate=True)

    def _answer_describe(self, flag: DescribeFlag, block: Block | None) -> Draft:
        payload, content_format = self._profile.describe(flag, self._subject.now())
        limit = self._profile.generation.max_message_bytes
        if block is None and len(payload) + DESCRIBE_OVERHEAD_BYTES <= limit:
            return describe_answer(DescribeAnswer(payload, content_format))
        szx = block_szx(limit)
        if block is not None and block.szx != szx:
            return Draft(BAD_OPTION)
        if block is None or block.number == 0:
            self._etag = (self._etag + 1) % 256
        cut = cut_block(payload, 0 if block is None else block.number, szx)
        if cut is None:
            return Draft(NOT_FOUND)
        etag = bytes((self._etag,))
        return describe_answer(DescribeAnswer(cut[1], content_format, cut[0], etag))
