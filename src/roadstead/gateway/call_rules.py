"""Somebody wants something of the device. Pure.

Names are checked against what the device registers before it is asked: an unknown function is
never answered by a device, only acknowledged. A message longer than the device takes is never sent:
the device would drop the connection, and again at each repetition.
Source: device protocol notes §3.1, §3.10 to §3.13.
"""

from roadstead.devices.errors import (
    argument_too_long,
    device_offline,
    device_timed_out,
    function_not_found,
    variable_not_found,
)
from roadstead.gateway.effects import Ask, Effect, Fail, Purpose, Succeed
from roadstead.gateway.state import DeviceState
from roadstead.kit.errors import DomainError, Unavailable
from roadstead.protocol.coap import codes
from roadstead.protocol.coap.message import Draft, Message
from roadstead.protocol.messages.describe import DescribeFlag, describe_request
from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.event import event_to_device
from roadstead.protocol.messages.function import decode_function_result, function_call
from roadstead.protocol.messages.limits import limits_for
from roadstead.protocol.messages.signal import signal_request
from roadstead.protocol.messages.variable import (
    decode_variable_response,
    variable_request,
    variable_type,
)

PING = Draft(codes.EMPTY)

FRAME_BYTES = 5
"""Header and token of a request."""

OPTION_BYTES = 5
"""Most that the header of one option takes."""

UNANSWERED_S = 93.0
"""Longest time until a confirmable request counts as failed: four transmissions, the first wait
up to 6 s and doubled each time."""


def offline(state: DeviceState) -> DomainError:
    """The error for whoever asks a device that is not connected."""
    return device_offline(state.device_id)


def call_function(state: DeviceState, call: object, name: str, argument: str) -> list[Effect]:
    """Calls a function; the call gets its 32-bit return value."""
    if state.hello is None or not state.online:
        return [Fail(call, offline(state))]
    if name not in (state.functions or ()):
        return [Fail(call, function_not_found(name))]
    limits = limits_for(state.hello)
    length = len(argument.encode())
    room = limits.confirmable - FRAME_BYTES - 3 * OPTION_BYTES - len(name.encode())
    if length > min(limits.data, room):
        return [Fail(call, argument_too_long(length, min(limits.data, room)))]
    return [Ask(Purpose("function", call, name), function_call(name, argument))]


def read_variable(state: DeviceState, call: object, name: str) -> list[Effect]:
    """Reads a variable; the call gets its value in its type."""
    if state.hello is None or not state.online:
        return [Fail(call, offline(state))]
    kind = (state.variables or {}).get(name)
    if kind is None:
        return [Fail(call, variable_not_found(name))]
    return [Ask(Purpose("variable", call, name, value_type=kind), variable_request(name))]


def signal(state: DeviceState, call: object, on: bool) -> list[Effect]:
    """Begins or ends the rainbow."""
    if not state.online:
        return [Fail(call, offline(state))]
    return [Ask(Purpose("signal", call), signal_request(on))]


def ping(state: DeviceState, call: object) -> list[Effect]:
    """Asks for a sign of life."""
    if not state.online:
        return [Fail(call, offline(state))]
    return [Ask(Purpose("ping", call), PING, token=False)]


def request_vitals(state: DeviceState, call: object) -> list[Effect]:
    """Asks for the vitals; the call returns when they are stored."""
    if not state.online:
        return [Fail(call, offline(state))]
    return [
        Ask(
            Purpose("vitals", call, flag=DescribeFlag.METRICS),
            describe_request(DescribeFlag.METRICS),
        )
    ]


def on_answer(purpose: Purpose, message: Message) -> list[Effect]:
    """The device's answer to a function, variable or signal."""
    if purpose.kind == "signal" and codes.is_success(message.code):
        return [Succeed(purpose.call)]
    try:
        if purpose.kind == "function":
            return [Succeed(purpose.call, decode_function_result(message))]
        if purpose.kind == "variable":
            kind = variable_type(purpose.value_type)
            return [Succeed(purpose.call, decode_variable_response(message, kind))]
    except MessageFormatError:
        pass
    return [Fail(purpose.call, _refusal(purpose, message))]


def on_failure(state: DeviceState, purpose: Purpose, reason: str) -> list[Effect]:
    """A request that the device never acknowledged, refused, or for which there was no room."""
    if purpose.call is None:
        return []
    if reason == "timeout":
        return [Fail(purpose.call, device_timed_out(state.device_id, UNANSWERED_S))]
    if reason == "busy":
        text = f"Device {state.device_id} has too many unanswered requests; try again later."
        return [Fail(purpose.call, Unavailable("device_busy", text))]
    text = f"Device {state.device_id} refused the request."
    return [Fail(purpose.call, Unavailable("device_refused", text))]


def tell_event(name: str, payload: bytes) -> Ask:
    """An event for this device alone; confirmable, so that it is repeated until it has it."""
    return Ask(Purpose("event", name=name), event_to_device(name, payload), token=False)


def _refusal(purpose: Purpose, message: Message) -> DomainError:
    if message.code == codes.NOT_FOUND and purpose.kind == "variable":
        return variable_not_found(purpose.name)
    if message.code == codes.NOT_FOUND and purpose.kind == "function":
        return function_not_found(purpose.name)
    answer = codes.code_text(message.code)
    text = f"The device answered {answer} to {purpose.kind} {purpose.name!r}."
    return Unavailable("device_error", text)
