"""One endpoint and a peer whose messages are written by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.protocol.coap import codes
from roadstead.protocol.coap.endpoint import CoapEndpoint
from roadstead.protocol.coap.events import (
    Acknowledged,
    CoapEvent,
    Failed,
    Malformed,
    Ping,
    Request,
    Reset,
    Response,
)
from roadstead.protocol.coap.message import (
    ACK,
    CON,
    NON,
    RST,
    Message,
    decode_message,
    encode_message,
)
from roadstead.protocol.coap.parameters import ExchangeParameters

EVENT = ((11, b"E"), (11, b"door"))
VARIABLE = ((11, b"v"), (11, b"temperature"))


def make_endpoint(
    first_message_id: int = 100, first_token: int = 7, share: bytes = b"\0\0", **parameters: float
) -> CoapEndpoint:
    return CoapEndpoint(
        first_message_id=first_message_id,
        first_token=first_token,
        random=lambda length: share[:length],
        parameters=ExchangeParameters(**parameters),  # type: ignore[arg-type]
    )


def receive(endpoint: CoapEndpoint, message: Message, now: float = 0.0) -> list[CoapEvent]:
    return endpoint.receive(encode_message(message), now)


def sent(endpoint: CoapEndpoint) -> list[Message]:
    return [decode_message(datagram) for datagram in endpoint.to_send()]


def event_message(message_id: int, kind: int = CON) -> Message:
    return Message(kind, codes.POST, message_id, options=EVENT, payload=b"open")


class TestRequestsOfThePeer:
    def test_a_request_is_told_once_and_answered_when_the_owner_says_so(self) -> None:
        endpoint, message = make_endpoint(), event_message(1)
        assert receive(endpoint, message) == [Request(message)]
        assert sent(endpoint) == []
        assert receive(endpoint, message, 4.0) == []
        assert sent(endpoint) == []
        endpoint.acknowledge(message)
        assert sent(endpoint) == [Message(ACK, codes.EMPTY, 1)]

    def test_a_repeated_request_gets_the_same_answer_again(self) -> None:
        endpoint = make_endpoint()
        message = Message(CON, codes.GET, 9, b"\x2a", ((11, b"t"),))
        [told] = receive(endpoint, message)
        assert isinstance(told, Request)
        assert endpoint.respond(told, codes.CONTENT, payload=b"1234") is None
        answer = Message(ACK, codes.CONTENT, 9, b"\x2a", payload=b"1234")
        assert sent(endpoint) == [answer]
        for now in (4.0, 12.0, 42.0):
            assert receive(endpoint, message, now) == []
            assert sent(endpoint) == [answer]

    def test_an_unconfirmed_request_is_told_once_and_never_acknowledged(self) -> None:
        endpoint, message = make_endpoint(), event_message(1, NON)
        assert receive(endpoint, message) == [Request(message)]
        endpoint.acknowledge(message)
        assert receive(endpoint, message) == []
        assert sent(endpoint) == []

    def test_an_unconfirmed_request_is_answered_without_confirmation(self) -> None:
        endpoint = make_endpoint()
        message = Message(NON, codes.POST, 1, b"\x09", EVENT)
        receive(endpoint, message)
        assert endpoint.respond(message, codes.CHANGED) is None
        assert sent(endpoint) == [Message(NON, codes.CHANGED, 100, b"\x09")]

    def test_a_ping_is_acknowledged_each_time(self) -> None:
        endpoint, ping = make_endpoint(), Message(CON, codes.EMPTY, 5)
        for _ in range(2):
            assert receive(endpoint, ping) == [Ping(5)]
            assert sent(endpoint) == [Message(ACK, codes.EMPTY, 5)]

    def test_a_separate_answer_follows_an_empty_acknowledgement(self) -> None:
        endpoint = make_endpoint()
        message = Message(CON, codes.POST, 1, b"\x09", ((11, b"f"), (11, b"led"), (15, b"")))
        receive(endpoint, message)
        handle = endpoint.respond(message, codes.CHANGED, payload=b"\0\0\0\1", separate=True)
        assert handle is not None
        answer = Message(CON, codes.CHANGED, 100, b"\x09", payload=b"\0\0\0\1")
        assert sent(endpoint) == [Message(ACK, codes.EMPTY, 1), answer]
        assert receive(endpoint, Message(ACK, codes.EMPTY, 100)) == [Acknowledged(handle)]

    def test_an_answer_after_the_acknowledgement_is_separate(self) -> None:
        endpoint = make_endpoint()
        message = Message(CON, codes.GET, 1, b"\x09", VARIABLE)
        receive(endpoint, message)
        endpoint.acknowledge(message)
        endpoint.respond(message, codes.CONTENT, payload=b"x")
        assert sent(endpoint)[1] == Message(CON, codes.CONTENT, 100, b"\x09", payload=b"x")

    def test_the_timer_of_a_separate_answer_starts_when_time_is_told(self) -> None:
        endpoint = make_endpoint()
        message = Message(CON, codes.GET, 1, b"\x09", VARIABLE)
        receive(endpoint, message, 10.0)
        endpoint.respond(message, codes.CONTENT, separate=True)
        sent(endpoint)
        due = endpoint.next_timeout()
        assert due is not None
        assert due <= 10.0
        assert endpoint.handle_timeout(25.0) == []
        assert sent(endpoint) == []
        assert endpoint.next_timeout() == 29.0

    def test_a_request_answered_before_a_restart_is_acknowledged_again_and_not_told(self) -> None:
        endpoint = make_endpoint()
        endpoint.seed_seen([41, 42])
        assert receive(endpoint, event_message(42), 1000.0) == []
        assert sent(endpoint) == [Message(ACK, codes.EMPTY, 42)]
        assert receive(endpoint, event_message(43), 1001.0) == [Request(event_message(43))]

    def test_an_id_may_come_again_after_two_periods(self) -> None:
        endpoint = make_endpoint(seen_period_s=60)
        receive(endpoint, event_message(1), 0.0)
        endpoint.acknowledge(event_message(1))
        assert receive(endpoint, event_message(1), 59.0) == []
        assert receive(endpoint, event_message(1), 125.0) != []

    @given(st.floats(0, 130), st.floats(0, 45), st.integers(0, 30))
    def test_a_repeat_within_45_seconds_is_never_told(
        self, start: float, later: float, between: int
    ) -> None:
        endpoint = make_endpoint()
        receive(endpoint, event_message(500), 0.0)
        receive(endpoint, event_message(1), start)
        for index in range(between):
            receive(endpoint, event_message(2 + index), start + later * index / between)
        assert receive(endpoint, event_message(1), start + later) == []

    def test_remembered_ids_are_bounded_by_their_number(self) -> None:
        endpoint = make_endpoint(seen_limit=10)
        for message_id in range(30):
            receive(endpoint, event_message(message_id))
        assert receive(endpoint, event_message(29)) == []
        assert receive(endpoint, event_message(5)) != []

    def test_garbage_is_told_and_answered_with_nothing(self) -> None:
        endpoint = make_endpoint()
        [told] = endpoint.receive(b"\x00garbage", 0.0)
        assert isinstance(told, Malformed)
        assert receive(endpoint, Message(CON, 0xE1, 3)) == [Malformed("reserved code")]
        assert sent(endpoint) == []


class TestRequestsToThePeer:
    def test_a_request_has_a_token_of_one_byte_and_is_confirmable(self) -> None:
        endpoint = make_endpoint()
        endpoint.request(codes.GET, VARIABLE, now=0.0)
        endpoint.request(codes.GET, VARIABLE, now=0.0)
        assert sent(endpoint) == [
            Message(CON, codes.GET, 100, b"\x07", VARIABLE),
            Message(CON, codes.GET, 101, b"\x08", VARIABLE),
        ]
        assert endpoint.next_message_id == 102

    def test_an_answer_within_the_acknowledgement_ends_the_request(self) -> None:
        endpoint = make_endpoint()
        handle = endpoint.request(codes.GET, VARIABLE, now=0.0)
        answer = Message(ACK, codes.CONTENT, 100, b"\x07", payload=b"\1")
        assert receive(endpoint, answer) == [Response(handle, answer)]
        assert receive(endpoint, answer) == []
        assert endpoint.next_timeout() is None

    def test_a_separate_answer_is_acknowledged_and_ends_the_request(self) -> None:
        endpoint = make_endpoint()
        handle = endpoint.request(codes.GET, VARIABLE, now=0.0)
        sent(endpoint)
        assert receive(endpoint, Message(ACK, codes.EMPTY, 100)) == [Acknowledged(handle)]
        assert endpoint.next_timeout() is None
        answer = Message(CON, codes.CONTENT, 12, b"\x07", payload=b"\1")
        assert receive(endpoint, answer) == [Response(handle, answer)]
        assert receive(endpoint, answer, 4.0) == []
        assert sent(endpoint) == [Message(ACK, codes.EMPTY, 12)] * 2

    def test_a_separate_answer_makes_up_for_a_lost_acknowledgement(self) -> None:
        endpoint = make_endpoint()
        handle = endpoint.request(codes.GET, VARIABLE, now=0.0)
        answer = Message(NON, codes.CONTENT, 12, b"\x07")
        assert receive(endpoint, answer) == [Response(handle, answer)]
        assert endpoint.next_timeout() is None
        assert receive(endpoint, Message(ACK, codes.EMPTY, 100)) == []

    def test_a_late_answer_is_acknowledged_and_not_told(self) -> None:
        endpoint = make_endpoint()
        handle = endpoint.request(codes.GET, VARIABLE, now=0.0)
        receive(endpoint, Message(ACK, codes.EMPTY, 100))
        endpoint.cancel(handle)
        sent(endpoint)
        assert receive(endpoint, Message(CON, codes.CONTENT, 12, b"\x07")) == []
        assert sent(endpoint) == [Message(ACK, codes.EMPTY, 12)]

    def test_a_request_without_token_ends_with_its_acknowledgement(self) -> None:
        endpoint = make_endpoint()
        handle = endpoint.request(codes.POST, EVENT, b"x", token=False, now=0.0)
        assert sent(endpoint) == [Message(CON, codes.POST, 100, b"", EVENT, b"x")]
        assert receive(endpoint, Message(ACK, codes.EMPTY, 100)) == [Acknowledged(handle)]
        assert receive(endpoint, Message(ACK, codes.EMPTY, 100)) == []

    def test_it_is_sent_four_times_then_given_up(self) -> None:
        endpoint = make_endpoint(share=b"\x80\0")
        handle = endpoint.request(codes.GET, VARIABLE, now=0.0)
        [first] = endpoint.to_send()
        times = []
        while (due := endpoint.next_timeout()) is not None:
            times.append(due)
            events = endpoint.handle_timeout(due)
            repeats = endpoint.to_send()
            assert repeats == ([] if events else [first])
        assert times == [5.0, 15.0, 35.0, 75.0]
        assert events == [Failed(handle, "timeout")]

    @given(st.binary(min_size=2, max_size=2))
    def test_the_first_timeout_is_four_to_six_seconds(self, share: bytes) -> None:
        endpoint = make_endpoint(share=share)
        endpoint.request(codes.GET, VARIABLE, now=100.0)
        due = endpoint.next_timeout()
        assert due is not None
        assert 104.0 <= due < 106.0

    def test_a_look_before_time_sends_nothing(self) -> None:
        endpoint = make_endpoint()
        endpoint.request(codes.GET, VARIABLE, now=0.0)
        sent(endpoint)
        assert endpoint.handle_timeout(3.9) == []
        assert sent(endpoint) == []

    def test_a_reset_fails_the_request(self) -> None:
        endpoint = make_endpoint()
        handle = endpoint.request(codes.GET, VARIABLE, now=0.0)
        assert receive(endpoint, Message(RST, codes.EMPTY, 100)) == [Failed(handle, "reset")]
        assert endpoint.next_timeout() is None
        assert receive(endpoint, Message(RST, codes.EMPTY, 200)) == [Reset(200)]

    def test_what_is_not_confirmable_has_no_outcome_unless_it_has_a_token(self) -> None:
        endpoint = make_endpoint()
        endpoint.request(codes.POST, EVENT, token=False, confirmable=False, now=0.0)
        assert endpoint.next_timeout() is None
        handle = endpoint.request(codes.GET, VARIABLE, confirmable=False, now=0.0)
        assert [message.type for message in sent(endpoint)] == [NON, NON]
        answer = Message(NON, codes.CONTENT, 12, b"\x07")
        assert receive(endpoint, answer) == [Response(handle, answer)]

    def test_an_untracked_request_is_sent_once_and_its_wrong_acknowledgement_means_nothing(
        self,
    ) -> None:
        endpoint = make_endpoint()
        key_change = ((11, b"k"), (15, b"\1"))
        endpoint.request(codes.PUT, key_change, token=False, tracked=False, now=0.0)
        assert sent(endpoint) == [Message(CON, codes.PUT, 100, b"", key_change)]
        assert endpoint.next_timeout() is None
        assert receive(endpoint, Message(ACK, codes.EMPTY, 12)) == []

    def test_an_acknowledgement_of_nothing_is_passed_over(self) -> None:
        endpoint = make_endpoint()
        assert receive(endpoint, Message(ACK, codes.EMPTY, 1)) == []
        assert receive(endpoint, Message(ACK, codes.CONTENT, 1, b"\x07")) == []
        assert sent(endpoint) == []

    def test_discarding_names_what_is_not_acknowledged_and_stops_it(self) -> None:
        endpoint = make_endpoint()
        answered = endpoint.request(codes.GET, VARIABLE, now=0.0)
        receive(endpoint, Message(ACK, codes.EMPTY, 100))
        lost = endpoint.request(codes.POST, EVENT, token=False, now=0.0)
        assert endpoint.unacknowledged == 1
        assert endpoint.discard_pending() == [lost]
        assert endpoint.next_timeout() is None
        answer = Message(CON, codes.CONTENT, 12, b"\x07")
        assert receive(endpoint, answer) == [Response(answered, answer)]


class TestTokens:
    def test_tokens_in_flight_are_not_given_twice(self) -> None:
        endpoint = make_endpoint(first_token=250)
        handles = [endpoint.request(codes.GET, VARIABLE, now=0.0) for _ in range(256)]
        tokens = [message.token for message in sent(endpoint)]
        assert len(set(tokens)) == 256
        assert tokens[6] == b"\0"
        receive(endpoint, Message(ACK, codes.CHANGED, 100 + 10, tokens[10]))
        endpoint.request(codes.GET, VARIABLE, now=0.0)
        assert [message.token for message in sent(endpoint)] == [tokens[10]]
        assert len(set(handles)) == 256

    def test_the_257th_request_is_busy(self) -> None:
        endpoint = make_endpoint()
        for _ in range(256):
            endpoint.request(codes.GET, VARIABLE, now=0.0)
        sent(endpoint)
        handle = endpoint.request(codes.GET, VARIABLE, now=1.0)
        assert sent(endpoint) == []
        due = endpoint.next_timeout()
        assert due is not None
        assert due <= 1.0
        assert endpoint.handle_timeout(1.0) == [Failed(handle, "busy")]
        assert endpoint.handle_timeout(1.0) == []

    def test_an_answer_that_never_came_gives_its_token_back_in_time(self) -> None:
        endpoint = make_endpoint()
        for index in range(256):
            endpoint.request(codes.GET, VARIABLE, now=0.0)
            receive(endpoint, Message(ACK, codes.EMPTY, 100 + index), 0.0)
        endpoint.request(codes.GET, VARIABLE, now=246.0)
        assert endpoint.handle_timeout(246.0) != []
        sent(endpoint)
        endpoint.request(codes.GET, VARIABLE, now=247.0)
        assert len(sent(endpoint)) == 1


class TestMessageIds:
    def test_ids_go_around(self) -> None:
        endpoint = make_endpoint(first_message_id=0xFFFF)
        for _ in range(2):
            endpoint.request(codes.POST, EVENT, token=False, now=0.0)
        assert [message.message_id for message in sent(endpoint)] == [0xFFFF, 0]

    @pytest.mark.parametrize("pause_s", [0.0, 44.0])
    def test_no_id_of_a_confirmable_message_comes_again_within_45_seconds(
        self, pause_s: float
    ) -> None:
        endpoint = make_endpoint(first_message_id=0)
        endpoint.request(codes.POST, EVENT, token=False, tracked=False, now=0.0)
        for _ in range(0xFFFF):
            endpoint.request(codes.POST, EVENT, token=False, confirmable=False, now=pause_s)
        sent(endpoint)
        handle = endpoint.request(codes.POST, EVENT, token=False, now=pause_s)
        assert endpoint.handle_timeout(pause_s) == [Failed(handle, "busy")]
        endpoint.request(codes.POST, EVENT, token=False, now=pause_s + 45.0)
        assert [message.message_id for message in sent(endpoint)] == [0]


@given(st.lists(st.binary(max_size=40), max_size=30))
def test_no_peer_can_make_an_endpoint_raise_or_reset(garbage: list[bytes]) -> None:
    endpoint = make_endpoint()
    for index, datagram in enumerate(garbage):
        endpoint.request(codes.GET, VARIABLE, now=float(index))
        endpoint.receive(datagram, float(index))
        endpoint.receive(b"\x41\x45\x00\x01" + datagram, float(index))
        assert all(message.type != RST for message in sent(endpoint))
