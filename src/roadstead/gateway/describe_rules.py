"""What a device can do and what it runs: describes, posted by it or asked for. Pure.

A device that is acknowledged a describe never sends it again on a kept session, so the
acknowledgement follows the commit. A describe that cannot be read is acknowledged all the same:
the device would only repeat it, and give up its session in the end.
Source: device protocol notes §3.5.
"""

from roadstead.gateway.effects import (
    Acknowledge,
    Ask,
    Count,
    Effect,
    Fail,
    Purpose,
    Respond,
    StoreApplication,
    StoreSystem,
    StoreVitals,
)
from roadstead.gateway.state import DeviceState
from roadstead.kit.errors import DomainError, Unavailable
from roadstead.protocol.coap import codes
from roadstead.protocol.coap.blockwise import Block, BlockReceiver
from roadstead.protocol.coap.events import Request
from roadstead.protocol.coap.message import Draft, Message
from roadstead.protocol.messages.application import parse_application
from roadstead.protocol.messages.describe import (
    Describe,
    DescribeAnswer,
    DescribeFlag,
    continue_options,
    decode_describe,
    decode_describe_answer,
    describe_request,
)
from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.hello import Hello, HelloFlag
from roadstead.protocol.messages.modules import parse_modules
from roadstead.protocol.messages.vitals import decode_vitals

ALL_IN_ONE = 0
"""Flag of a describe that was asked for without one and tells system and application together."""


def after_hello(state: DeviceState) -> list[Effect]:
    """What to ask a device that has just said Hello.

    Devices that do not post their describes are asked: those before 3.0 for all in one, others
    for each alone, as a sum of flags makes them disconnect. Vitals are asked of those that have
    them, as the field's cloud does at each handshake.
    """
    hello = state.hello
    if hello is None or state.stranger:
        return []
    asks: list[Effect] = []
    if not hello.has(HelloFlag.POSTS_DESCRIBES):
        asks += _ask_describes(hello)
    if hello.has(HelloFlag.DIAGNOSTICS):
        asks.append(_ask(DescribeFlag.METRICS, Purpose("vitals", flag=DescribeFlag.METRICS)))
    return asks


def ask_again(state: DeviceState) -> list[Effect]:
    """Asks for describes that the server does not know although the device told them once."""
    if state.hello is None or state.stranger or not state.online:
        return []
    return _ask_describes(state.hello)


def on_describe(state: DeviceState, request: Request) -> list[Effect]:
    """A describe, or one block of it, that the device posts."""
    try:
        describe = decode_describe(request.message)
    except MessageFormatError:
        return [Respond(request, Draft(codes.BAD_REQUEST)), Count("malformed")]
    if describe.block is None:
        return _take(state, request, None, describe.flag, describe.payload, describe.content_format)
    return _take_block(state, request, describe, describe.block)


def on_answer(state: DeviceState, purpose: Purpose, message: Message) -> list[Effect]:
    """The answer to a describe that was asked for; the next block is asked for if there is one."""
    try:
        answer = decode_describe_answer(message)
        body = _join(purpose, answer)
    except MessageFormatError as error:
        return [Count("malformed"), *_fail(purpose, str(error))]
    if answer.block is not None and answer.block.more:
        block = Block(answer.block.number + 1, False, answer.block.szx)
        return [Ask(purpose, describe_request(_flag(purpose), block))]
    return _take(state, None, purpose.call, purpose.flag, body, answer.content_format)


def _ask_describes(hello: Hello) -> list[Effect]:
    if hello.system_version == 0:
        return [Ask(Purpose("describe", flag=ALL_IN_ONE), describe_request(None))]
    return [
        _ask(flag, Purpose("describe", flag=flag))
        for flag in (DescribeFlag.SYSTEM, DescribeFlag.APPLICATION)
    ]


def _ask(flag: DescribeFlag, purpose: Purpose) -> Ask:
    return Ask(purpose, describe_request(flag))


def _flag(purpose: Purpose) -> DescribeFlag | None:
    return None if purpose.flag == ALL_IN_ONE else DescribeFlag(purpose.flag)


def _take_block(
    state: DeviceState, request: Request, describe: Describe, block: Block
) -> list[Effect]:
    if state.stranger:
        if block.more:
            return [Respond(request, Draft(codes.CONTINUE, continue_options(describe)))]
        return [Acknowledge(request)]
    uploads = state.uploads = state.uploads or {}
    receiver = uploads.setdefault(describe.flag, BlockReceiver())
    verdict = receiver.receive(block, describe.payload)
    if verdict == "too_large" or verdict == "incomplete":
        del uploads[describe.flag]
        code = codes.REQUEST_ENTITY_TOO_LARGE
        if verdict == "incomplete":
            code = codes.REQUEST_ENTITY_INCOMPLETE
        return [Respond(request, Draft(code)), Count("malformed")]
    if block.more:
        return [Respond(request, Draft(codes.CONTINUE, continue_options(describe)))]
    del uploads[describe.flag]
    body = receiver.body
    return _take(state, request, None, describe.flag, body, describe.content_format)


def _join(purpose: Purpose, answer: DescribeAnswer) -> bytes:
    if answer.block is None:
        return answer.payload
    purpose.body = purpose.body or BlockReceiver()
    verdict = purpose.body.receive(answer.block, answer.payload)
    if verdict in ("too_large", "incomplete"):
        raise MessageFormatError(f"describe in blocks is {verdict}")
    return purpose.body.body


def _take(
    state: DeviceState,
    request: Request | None,
    call: object,
    flag: int,
    payload: bytes,
    content_format: int | None,
) -> list[Effect]:
    receipt: tuple[Effect, ...] = () if request is None else (Acknowledge(request),)
    if state.stranger:
        return list(receipt)
    try:
        return _read(state, request, call, flag, payload, content_format, receipt)
    except MessageFormatError as error:
        failed = [] if call is None else [Fail(call, _unreadable(str(error)))]
        return [*receipt, Count("malformed"), *failed]


def _read(
    state: DeviceState,
    request: Request | None,
    call: object,
    flag: int,
    payload: bytes,
    content_format: int | None,
    receipt: tuple[Effect, ...],
) -> list[Effect]:
    if flag == DescribeFlag.METRICS:
        return [StoreVitals(decode_vitals(payload), request, call)]
    effects: list[Effect] = []
    if flag in (DescribeFlag.APPLICATION, ALL_IN_ONE):
        application = parse_application(payload)
        state.functions, state.variables = application.functions, application.variables
        then = receipt if flag == DescribeFlag.APPLICATION else ()
        effects.append(
            StoreApplication(request, application.functions, application.variables, then)
        )
    if flag in (DescribeFlag.SYSTEM, ALL_IN_ONE):
        state.description = parse_modules(payload, content_format)
        if state.hello is not None:
            state.description.setdefault("p", state.hello.platform_id)
        effects.append(StoreSystem(request, state.description, receipt))
    return effects


def _fail(purpose: Purpose, reason: str) -> list[Effect]:
    return [] if purpose.call is None else [Fail(purpose.call, _unreadable(reason))]


def _unreadable(reason: str) -> DomainError:
    return Unavailable("device_error", f"The device's answer cannot be used: {reason}.")
