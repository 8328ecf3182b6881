import itertools

from hypothesis import given
from hypothesis import strategies as st

from roadstead.protocol.dtls.handshake_messages import Fragment
from roadstead.protocol.dtls.limits import MAX_HANDSHAKE_MESSAGE_BYTES
from roadstead.protocol.dtls.reassembly import MessageQueue


def whole(sequence: int, content: bytes = b"abc", kind: int = 11) -> Fragment:
    return Fragment(kind, len(content), sequence, 0, content)


def take_all(queue: MessageQueue) -> list[Fragment]:
    found = []
    while (message := queue.take()) is not None:
        found.append(message)
    return found


@given(st.permutations([whole(2), whole(3), whole(4), whole(2), whole(4), whole(1)]))
def test_messages_come_in_order_and_once_however_they_arrive(arrived: list[Fragment]) -> None:
    queue = MessageQueue(2)
    found = []
    for fragment in arrived:
        queue.add(fragment)
        found += take_all(queue)
    assert [message.message_seq for message in found] == [2, 3, 4]


@given(st.binary(min_size=1, max_size=100), st.data())
def test_fragments_that_overlap_in_any_order_make_the_message(
    content: bytes, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(content)), max_size=5)) | {0, len(content)})
    parts = [
        Fragment(11, len(content), 0, begin, content[begin : end + data.draw(st.integers(0, 3))])
        for begin, end in itertools.pairwise(cuts)
    ]
    queue = MessageQueue(0)
    for part in data.draw(st.permutations(parts)):
        queue.add(part)
    assert queue.take() == whole(0, content)


def test_a_message_far_ahead_or_too_long_is_not_kept() -> None:
    queue = MessageQueue(0)
    queue.add(whole(4))
    queue.add(whole(65535))
    queue.add(whole(0, bytes(MAX_HANDSHAKE_MESSAGE_BYTES + 1)))
    queue.add(Fragment(11, 2**24 - 1, 0, 0, b"x"))
    assert queue._whole == queue._partial == {}


def test_fragments_of_another_length_or_kind_do_not_mix() -> None:
    queue = MessageQueue(0)
    queue.add(Fragment(11, 4, 0, 0, b"ab"))
    queue.add(Fragment(12, 4, 0, 2, b"xx"))
    queue.add(Fragment(11, 5, 0, 2, b"xxx"))
    assert queue.take() is None
    queue.add(Fragment(11, 4, 0, 2, b"cd"))
    assert queue.take() == whole(0, b"abcd")


def test_an_empty_message_needs_no_content() -> None:
    queue = MessageQueue(0)
    queue.add(whole(0, b"", kind=14))
    assert queue.take() == whole(0, b"", kind=14)


def test_of_bytes_that_arrive_twice_the_first_ones_stay() -> None:
    queue = MessageQueue(0)
    queue.add(Fragment(11, 3, 0, 0, b"ab"))
    queue.add(Fragment(11, 3, 0, 1, b"Xc"))
    assert queue.take() == whole(0, b"abc")
