"""Endpoints replay the server's side of the recorded sessions."""

import pytest
from tests.vectors.coap_recordings import NAMES, recorded

from roadstead.protocol.coap import codes
from roadstead.protocol.coap.endpoint import CoapEndpoint
from roadstead.protocol.coap.events import Acknowledged, CoapEvent, Request, Response
from roadstead.protocol.coap.message import ACK, CON, Message, decode_message
from roadstead.protocol.messages import time
from roadstead.protocol.messages.device_request import DeviceRequest, kind_of_device_request


def make_endpoint(first_message_id: int = 0, first_token: int = 0) -> CoapEndpoint:
    return CoapEndpoint(first_message_id=first_message_id, first_token=first_token, random=bytes)


def ask(endpoint: CoapEndpoint, message: Message) -> int:
    """Sends a recorded request of the server anew."""
    return endpoint.request(
        message.code,
        message.options,
        message.payload,
        token=bool(message.token),
        confirmable=message.type == CON,
        now=0.0,
    )


def answer(endpoint: CoapEndpoint, told: CoapEvent, unix_s: int) -> None:
    """Answers a recorded request of the device as the laboratory server did."""
    if not isinstance(told, Request):
        return
    if kind_of_device_request(told.message) is DeviceRequest.TIME:
        endpoint.respond(told, *time.time_response(unix_s))
    else:
        endpoint.acknowledge(told)


@pytest.mark.parametrize("name", NAMES)
def test_an_endpoint_acknowledges_byte_for_byte_as_recorded(name: str) -> None:
    endpoint, sent, expected = make_endpoint(), [], []
    for side, encoded in recorded(name):
        message = decode_message(encoded)
        if side == "D":
            for told in endpoint.receive(encoded, 0.0):
                answer(endpoint, told, 0)
            sent += endpoint.to_send()
        elif message.type == ACK:
            expected.append(encoded)
    without_time = [one for one in sent if one[1] != codes.CONTENT]
    assert without_time == [one for one in expected if one[1] != codes.CONTENT]
    assert len(sent) == len(expected)


@pytest.mark.parametrize("name", NAMES)
def test_an_endpoint_asks_byte_for_byte_as_recorded(name: str) -> None:
    for side, encoded in recorded(name):
        message = decode_message(encoded)
        if side == "S" and message.type != ACK:
            endpoint = make_endpoint(message.message_id, (message.token or b"\0")[0])
            ask(endpoint, message)
            assert endpoint.to_send() == [encoded]


def test_one_endpoint_holds_the_whole_basic_session() -> None:
    """Every message of the server leaves at its place, and every request has its outcome."""
    endpoint = make_endpoint(0x0F5F, 0x21)
    sent: list[bytes] = []
    open_requests: dict[int, Message] = {}
    answers: list[CoapEvent] = []
    for side, encoded in recorded("basic"):
        message = decode_message(encoded)
        if side == "D":
            for told in endpoint.receive(encoded, 0.0):
                answer(endpoint, told, 0x6B03E21C)
                if isinstance(told, Response) or (
                    isinstance(told, Acknowledged) and not open_requests[told.handle].token
                ):
                    del open_requests[told.handle]
                    answers.append(told)
        elif message.type != ACK:
            open_requests[ask(endpoint, message)] = message
        sent += endpoint.to_send()
    assert sent == [encoded for side, encoded in recorded("basic") if side == "S"]
    assert endpoint.next_timeout() is None
    # Four messages without a token and all requests with one but the call of an unknown function,
    # which a device never answers.
    assert [one.list_options(11) for one in open_requests.values()] == [[b"f", b"nofunction"]]
    assert len([one for one in answers if isinstance(one, Acknowledged)]) == 4
