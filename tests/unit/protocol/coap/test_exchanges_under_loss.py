"""Server and device talk over a channel that loses, repeats and reorders; time is moved by hand."""

from dataclasses import dataclass, field
from random import Random

import pytest

from roadstead.protocol.coap import codes
from roadstead.protocol.coap.endpoint import CoapEndpoint
from roadstead.protocol.coap.events import Acknowledged, CoapEvent, Failed, Request, Response

REQUESTS = 60
STEP_S = 0.25
VARIABLE = ((11, b"v"), (11, b"x"))
EVENT = ((11, b"E"), (11, b"e"))


@dataclass
class Side:
    endpoint: CoapEndpoint
    told: list[CoapEvent] = field(default_factory=list)
    inbox: list[tuple[float, int, bytes]] = field(default_factory=list)


def make_side(random: Random) -> Side:
    return Side(
        CoapEndpoint(
            first_message_id=random.randrange(0x10000),
            first_token=random.randrange(256),
            random=random.randbytes,
        )
    )


class Channel:
    def __init__(self, seed: int, loss: float) -> None:
        self.random = Random(seed)
        self.loss = loss
        self.now = 0.0
        self.count = 0
        self.server, self.device = make_side(self.random), make_side(self.random)

    def carry(self, side: Side, other: Side) -> None:
        for datagram in side.endpoint.to_send():
            copies = 0 if self.random.random() < self.loss else self.random.choice((1, 1, 1, 2))
            for _ in range(copies):
                self.count += 1
                due = self.now + self.random.random() * 2.0
                other.inbox.append((due, self.count, datagram))

    def step(self) -> None:
        self.now += STEP_S
        for side, other in ((self.server, self.device), (self.device, self.server)):
            due = sorted(item for item in side.inbox if item[0] <= self.now)
            side.inbox = [item for item in side.inbox if item[0] > self.now]
            for _, _, datagram in due:
                self.take(side, side.endpoint.receive(datagram, self.now))
            timeout = side.endpoint.next_timeout()
            if timeout is not None and timeout <= self.now:
                self.take(side, side.endpoint.handle_timeout(self.now))
            self.carry(side, other)

    def take(self, side: Side, events: list[CoapEvent]) -> None:
        side.told += events
        for told in events:
            if isinstance(told, Request):
                if told.message.code == codes.GET:
                    separate = self.random.random() < 0.5
                    number = told.message.payload
                    side.endpoint.respond(told, codes.CONTENT, (), number, separate)
                else:
                    side.endpoint.acknowledge(told)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("loss", [0.0, 0.2, 0.5])
def test_each_request_is_told_at_most_once_and_has_exactly_one_outcome(
    seed: int, loss: float
) -> None:
    channel = Channel(seed, loss)
    asked: dict[int, bytes] = {}
    published: dict[int, bytes] = {}
    for number in range(REQUESTS):
        payload = bytes((number,))
        handle = channel.server.endpoint.request(codes.GET, VARIABLE, payload, now=channel.now)
        asked[handle] = payload
        handle = channel.device.endpoint.request(
            codes.POST, EVENT, payload, token=False, now=channel.now
        )
        published[handle] = payload
        channel.step()
    for _ in range(int(200 / STEP_S)):
        channel.step()

    heard = [one.message for one in channel.server.told if isinstance(one, Request)]
    assert len({one.payload for one in heard}) == len(heard)
    outcomes = [
        one for one in channel.device.told if isinstance(one, Acknowledged | Failed)
        and one.handle in published
    ]  # fmt: skip
    acknowledged = {published[one.handle] for one in outcomes if isinstance(one, Acknowledged)}
    assert len(outcomes) == REQUESTS
    assert acknowledged <= {one.payload for one in heard}

    answers = [one for one in channel.server.told if isinstance(one, Response)]
    assert len({one.handle for one in answers}) == len(answers)
    assert all(asked[one.handle] == one.message.payload for one in answers)
    if loss == 0.0:
        assert len(answers) == REQUESTS
        assert len(acknowledged) == REQUESTS
    else:
        assert len(acknowledged) > REQUESTS / 2
    assert channel.server.endpoint.next_timeout() is None
    assert channel.device.endpoint.next_timeout() is None
