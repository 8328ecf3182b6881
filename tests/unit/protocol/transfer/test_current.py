"""The current transfer over good and bad networks, and through every kind of interruption."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.protocol.transfer.network import Link, Network

from roadstead.protocol.coap import codes
from roadstead.protocol.coap.message import CON, NON, Draft, Message, encode_message
from roadstead.protocol.messages.update import (
    UpdateAccepted,
    UpdateAck,
    UpdateStart,
    encode_chunk_body,
    update_accepted,
    update_ack,
)
from roadstead.protocol.transfer.current_device import CurrentDeviceTransfer
from roadstead.protocol.transfer.current_server import CurrentServerTransfer
from roadstead.protocol.transfer.replies import Dropped, Partial
from roadstead.protocol.transfer.steps import (
    Aborted,
    Accepted,
    Deadlines,
    Progressed,
    Transferred,
)
from roadstead.protocol.transfer.window import Pacing

FILE = bytes((index * 7 + index // 256) % 251 for index in range(20_000))
GOOD = Pacing(interval_s=0.005)


def make_server(
    file: bytes = FILE,
    *,
    chunk_bytes: int = 512,
    sha256: bytes | None = None,
    pacing: Pacing = GOOD,
    deadlines: Deadlines | None = None,
) -> CurrentServerTransfer:
    digest = hashlib.sha256(file).digest() if sha256 is None else sha256
    start = UpdateStart(len(file), chunk_bytes, digest)
    return CurrentServerTransfer(file, start, pacing, deadlines)


def make_device(
    *, partial: Partial | None = None, verdict: int = 0, accepts: bool = True, limit: int = 1 << 20
) -> CurrentDeviceTransfer:
    return CurrentDeviceTransfer(
        max_file_bytes=limit, validate=lambda file: verdict, partial=partial, accepts=accepts
    )


def as_message(draft: Draft, kind: int = NON, token: bytes = b"") -> Message:
    return Message(kind, draft.code, 1, token, draft.options, draft.payload)


def test_a_file_arrives_in_one_piece_and_is_applied() -> None:
    link = Link(make_server(), make_device(), Network())
    told = link.run()
    assert told[0] == Accepted(0)
    assert told[-2] == Progressed(len(FILE))
    assert isinstance(told[-1], Transferred)
    assert told[-1].statistics and told[-1].statistics.recv_chunks == 40
    assert link.applied == [FILE]
    assert link.chunks_sent == 40


def test_progress_only_grows() -> None:
    link = Link(make_server(), make_device(), Network(5, loss=0.2))
    done = [one.done_bytes for one in link.run() if isinstance(one, Progressed)]
    assert done == sorted(done)
    assert done[-1] == len(FILE)


@pytest.mark.parametrize("size", [1, 511, 512, 513, 1024, 20_000])
def test_a_file_of_any_size_arrives(size: int) -> None:
    link = Link(make_server(FILE[:size]), make_device(), Network())
    link.run()
    assert link.applied == [FILE[:size]]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1 << 32),
    loss=st.floats(0, 0.3),
    duplication=st.floats(0, 0.3),
    jitter_s=st.sampled_from([0.0, 0.05, 2.0]),
    chunk_bytes=st.sampled_from([512, 800, 1024, 1136]),
    interval_s=st.sampled_from([0.0, 0.01]),
)
def test_a_file_arrives_whatever_the_network_does(
    seed: int, loss: float, duplication: float, jitter_s: float, chunk_bytes: int, interval_s: float
) -> None:
    link = Link(
        make_server(chunk_bytes=chunk_bytes, pacing=Pacing(interval_s=interval_s)),
        make_device(),
        Network(seed, loss, duplication, jitter_s),
    )
    link.run()
    # Four transmissions of the offer, the end or the verdict can all be lost; then it says so.
    outcome = link.outcome()
    if isinstance(outcome, Transferred):
        # Four acknowledgements of the verdict can all be lost.
        assert link.applied == [FILE] or (link.applied == [] and loss > 0.1)
    else:
        # not_running: the end was repeated, and came after the device had restarted.
        assert outcome.reason == "no_answer" or outcome.code == -210
        assert loss > 0.05
    assert len(link.applied) <= 1


def test_a_fifth_of_all_datagrams_lost_costs_less_than_half_as_much_again() -> None:
    file = FILE * 10
    link = Link(make_server(file), make_device(), Network(3, loss=0.2))
    link.run()
    assert link.applied == [file]
    assert link.chunks_sent < 1.6 * (len(file) / 512)


@settings(max_examples=25, deadline=None)
@given(kill_after=st.integers(0, 45), seed=st.integers(0, 1 << 32), loss=st.sampled_from([0, 0.15]))
def test_a_server_killed_at_any_chunk_goes_on_where_the_device_is(
    kill_after: int, seed: int, loss: float
) -> None:
    link = Link(make_server(), make_device(), Network(seed, loss))
    link.run(until=lambda link: link.chunks_sent >= kill_after)
    if link.server.over:
        return
    link.exchange_server(make_server(chunk_bytes=1024))
    link.told.clear()
    told = link.run()
    # With losses, all answers to the end or all acknowledgements of the verdict can be lost.
    assert link.applied == [FILE] or (loss and not link.applied)
    assert isinstance(link.outcome(), Transferred) or loss
    offsets = [one.offset_bytes for one in told if isinstance(one, Accepted)] or [0]
    assert len(offsets) == 1 and offsets[0] % 512 in (0, len(FILE) % 512)
    if kill_after >= 30 and not loss:
        assert offsets[0] >= 10 * 512


@settings(max_examples=25, deadline=None)
@given(reset_after=st.integers(0, 40), seed=st.integers(0, 1 << 32))
def test_a_device_reset_at_any_chunk_goes_on_with_what_it_kept(reset_after: int, seed: int) -> None:
    link = Link(make_server(), make_device(), Network(seed))
    link.run(until=lambda link: link.chunks_sent >= reset_after)
    assert isinstance(link.device, CurrentDeviceTransfer)
    kept = link.device.partial()
    link.exchange_device(make_device(partial=kept))
    link.in_air.clear()
    link.exchange_server(make_server())
    link.run()
    assert link.applied == [FILE]
    if kept:
        assert Accepted(len(kept.content)) in link.told


def test_a_reset_device_refuses_chunks_and_the_transfer_ends() -> None:
    link = Link(make_server(), make_device(), Network())
    link.run(until=lambda link: link.chunks_sent >= 20)
    link.exchange_device(make_device())
    link.run()
    assert link.outcome() == Aborted("not_running")


def test_without_a_digest_nothing_is_resumed() -> None:
    link = Link(make_server(sha256=b""), make_device(), Network())
    link.run(until=lambda link: link.chunks_sent >= 30)
    link.exchange_server(make_server(sha256=b""))
    link.run()
    assert [one for one in link.told if isinstance(one, Accepted)] == [Accepted(0), Accepted(0)]
    assert link.applied == [FILE]


def test_another_file_begins_anew() -> None:
    partial = Partial(hashlib.sha256(FILE).digest(), len(FILE), FILE[:5120])
    other = FILE[::-1]
    link = Link(make_server(other), make_device(partial=partial), Network())
    link.run()
    assert link.told[0] == Accepted(0)
    assert link.applied == [other]


def test_a_device_that_has_the_whole_file_gets_no_chunk() -> None:
    partial = Partial(hashlib.sha256(FILE).digest(), len(FILE), FILE)
    link = Link(make_server(), make_device(partial=partial), Network())
    link.run()
    assert link.chunks_sent == 0
    assert link.applied == [FILE]


def test_a_device_with_updates_disabled_refuses_with_its_code() -> None:
    link = Link(make_server(), make_device(accepts=False), Network())
    link.run()
    outcome = link.outcome()
    assert isinstance(outcome, Aborted)
    assert (outcome.reason, outcome.code) == ("refused", -1380)
    assert link.chunks_sent == 0


def test_a_file_too_large_is_refused_with_its_code() -> None:
    link = Link(make_server(), make_device(limit=10_000), Network())
    link.run()
    outcome = link.outcome()
    assert isinstance(outcome, Aborted) and outcome.code == -1351


def test_a_file_that_fails_validation_is_told_and_dropped() -> None:
    link = Link(make_server(), make_device(verdict=-1340), Network())
    link.run()
    outcome = link.outcome()
    assert isinstance(outcome, Aborted)
    assert (outcome.reason, outcome.code) == ("validation_failed", -1340)
    assert link.dropped == [Dropped(-1340, True)]
    assert isinstance(link.device, CurrentDeviceTransfer) and link.device.partial() is None


def test_a_wrong_digest_is_found_by_the_device() -> None:
    link = Link(make_server(sha256=bytes(32)), make_device(), Network())
    link.run()
    outcome = link.outcome()
    assert isinstance(outcome, Aborted) and outcome.code == -1331
    assert not link.applied


@pytest.mark.parametrize("after", [0, 1, 20])
@pytest.mark.parametrize("discard", [False, True])
def test_a_cancelled_transfer_ends_on_both_sides(after: int, discard: bool) -> None:
    link = Link(make_server(), make_device(), Network())
    link.run(until=lambda link: link.chunks_sent >= after)
    assert isinstance(link.server, CurrentServerTransfer)
    link.server.cancel(link.now, discard=discard)
    link.run()
    assert link.outcome() == Aborted("cancelled")
    assert not link.applied
    assert isinstance(link.device, CurrentDeviceTransfer) and not link.device.running
    if discard:
        assert link.device.partial() is None


def test_silence_after_the_offer_ends_at_a_deadline() -> None:
    link = Link(make_server(), make_device(), Network(loss=1.0))
    link.run()
    assert link.outcome() == Aborted("no_answer")
    assert link.over_at and link.over_at <= 1000 + 181


def test_silence_amid_chunks_ends_at_a_deadline_and_the_device_gives_up_by_itself() -> None:
    link = Link(make_server(), make_device(), Network())
    link.run(until=lambda link: link.chunks_sent >= 20)
    link.network.loss = 1.0
    begin = link.now
    link.run()
    assert link.outcome() == Aborted("stalled")
    assert link.over_at and link.over_at - begin <= 241
    link.device.handle_timeout(begin + 301)
    assert link.device.next_event() == Dropped(0, True)


def test_a_gap_in_the_network_of_a_minute_is_survived() -> None:
    link = Link(make_server(), make_device(), Network())
    link.run(until=lambda link: link.chunks_sent >= 20)
    link.network.loss = 1.0
    resume_at = link.now + 60
    link.run(until=lambda link: link.now >= resume_at)
    link.network.loss = 0.0
    link.run()
    assert link.applied == [FILE]


def test_an_offer_that_got_no_answer_is_made_again() -> None:
    link = Link(make_server(), make_device(), Network(loss=1.0))
    link.run(until=lambda link: link.now >= 1100)
    assert not link.server.over
    link.network.loss = 0.0
    link.run()
    assert link.applied == [FILE]


def test_a_transfer_may_take_long_as_long_as_it_goes_on() -> None:
    link = Link(make_server(pacing=Pacing(interval_s=20.0)), make_device(), Network())
    link.run()
    assert link.applied == [FILE]
    assert link.now > 1000 + 39 * 20


def test_a_silent_wait_for_the_verdict_ends_at_a_deadline() -> None:
    transfer, exchange = finished_sending()
    transfer.handle_timeout(179.0)
    assert not transfer.over
    transfer.handle_timeout(200.0)
    assert transfer.over
    transfer.answered(exchange, as_message(Draft(codes.CHANGED), CON, b"a"), 201.0)
    told = []
    while (event := transfer.next_event()) is not None:
        told.append(event)
    assert told[-1] == Aborted("no_answer")


def finished_sending() -> tuple[CurrentServerTransfer, int]:
    transfer = make_server(FILE[:512])
    transfer.start(0.0)
    offer = transfer.to_send(0.0)[0].exchange
    assert offer is not None
    accepted = as_message(update_accepted(UpdateAccepted(256, 0)), CON, b"a")
    transfer.answered(offer, accepted, 0.0)
    assert transfer.next_bodies(0.0, 64) == ([encode_chunk_body(1, FILE[:512])], 512)
    transfer.receive(as_message(update_ack(UpdateAck(1))), 0.0)
    (finish,) = transfer.to_send(0.0)
    assert finish.exchange is not None
    return transfer, finish.exchange


@pytest.mark.parametrize(
    "answer",
    [
        UpdateAccepted(256, 20_001),
        UpdateAccepted(0, 0),
        UpdateAccepted(256, 1 << 31),
    ],
)
def test_an_acceptance_that_makes_no_sense_ends_the_transfer(answer: UpdateAccepted) -> None:
    transfer = make_server()
    transfer.start(0.0)
    (offer,) = transfer.to_send(0.0)
    assert offer.exchange is not None
    transfer.answered(offer.exchange, as_message(update_accepted(answer), CON, b"a"), 0.0)
    event = transfer.next_event()
    assert isinstance(event, Aborted) and event.reason == "misbehaved"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1 << 31), st.binary(max_size=40)), max_size=20))
def test_reports_that_lie_never_raise_and_never_finish(reports: list[tuple[int, bytes]]) -> None:
    transfer = make_server()
    transfer.start(0.0)
    (offer,) = transfer.to_send(0.0)
    assert offer.exchange is not None
    accepted = as_message(update_accepted(UpdateAccepted(256, 0)), CON, b"a")
    transfer.answered(offer.exchange, accepted, 0.0)
    for in_sequence, bitmap in reports:
        number = in_sequence.to_bytes((in_sequence.bit_length() + 7) // 8, "big")
        options = ((11, b"A"), (2049, number))
        message = Message(NON, codes.POST, 1, b"", options, bitmap)
        if not transfer.take_report(encode_message(message), 0.0):
            transfer.receive(message, 0.0)
    assert not transfer.to_send(0.0)


def test_only_so_many_chunks_are_given_as_asked_for() -> None:
    transfer = make_server(pacing=Pacing(flight_first=32))
    transfer.start(0.0)
    (offer,) = transfer.to_send(0.0)
    assert offer.exchange is not None
    accepted = as_message(update_accepted(UpdateAccepted(256, 0)), CON, b"a")
    transfer.answered(offer.exchange, accepted, 0.0)
    assert len(transfer.next_bodies(0.0, 3)[0]) == 3
    assert transfer.next_bodies(0.0, 0) == ([], 0)
    assert len(transfer.next_bodies(0.0, 64)[0]) == 29


def test_an_offer_of_another_length_than_the_file_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="length"):
        CurrentServerTransfer(FILE, UpdateStart(5, 512))
