"""Which transfer a device gets, by what it said of itself."""

import hashlib

import pytest
from tests.builders.talk import OLD_HELLO, make_hello

from roadstead.devices.updates import UpdateFile, UpdateResult, UpdateStep
from roadstead.gateway.update_rules import broken_off, choose_transfer, result_of, step_of
from roadstead.protocol.coap.message import CON, Message
from roadstead.protocol.messages.classic_update import decode_update_begin
from roadstead.protocol.messages.server_request import ServerRequest, kind_of_server_request
from roadstead.protocol.messages.update import decode_update_start
from roadstead.protocol.transfer.classic_server import ClassicServerTransfer
from roadstead.protocol.transfer.current_server import CurrentServerTransfer
from roadstead.protocol.transfer.steps import Aborted, Accepted, Progressed, Transferred

CONTENT = bytes(range(256)) * 40
FILE = UpdateFile(CONTENT, hashlib.sha256(CONTENT).digest())


def first_message(chosen: object) -> Message:
    assert not isinstance(chosen, UpdateResult)
    chosen.start(0.0)
    [sending] = chosen.to_send(0.0)
    code, options, payload = sending.draft
    return Message(CON, code, 1, b"a", options, payload)


def test_the_current_transfer_is_for_devices_that_say_so() -> None:
    chosen = choose_transfer(make_hello(flags=0xF6), FILE)
    assert isinstance(chosen, CurrentServerTransfer)
    start = decode_update_start(first_message(chosen))
    assert (start.file_bytes, start.chunk_bytes) == (len(CONTENT), 1136)
    assert start.sha256 == FILE.sha256  # so that it can go on
    assert start.module_function is None


def test_a_device_with_small_messages_gets_small_chunks() -> None:
    small = choose_transfer(make_hello(max_message_bytes=800), FILE)
    assert decode_update_start(first_message(small)).chunk_bytes == 784
    asset = UpdateFile(CONTENT, FILE.sha256, module_function=9)
    start = decode_update_start(first_message(choose_transfer(make_hello(), asset)))
    assert start.module_function == 9


def test_all_others_get_the_classic_one() -> None:
    chosen = choose_transfer(make_hello(flags=0x76, ota_chunk_bytes=256), FILE)
    assert isinstance(chosen, ClassicServerTransfer)
    begin = decode_update_begin(first_message(chosen))
    assert (begin.file_bytes, begin.chunk_bytes, begin.fast) == (len(CONTENT), 256, True)
    old = decode_update_begin(first_message(choose_transfer(OLD_HELLO, FILE)))
    assert old.chunk_bytes == 512


def test_a_chunk_never_exceeds_the_messages_of_a_device() -> None:
    chosen = choose_transfer(make_hello(flags=0, max_message_bytes=800, ota_chunk_bytes=4096), FILE)
    assert decode_update_begin(first_message(chosen)).chunk_bytes == 776
    chosen = choose_transfer(make_hello(flags=0, ota_chunk_bytes=3), FILE)
    assert decode_update_begin(first_message(chosen)).chunk_bytes == 512


def test_a_classic_transfer_that_goes_on_asks_before_it_offers() -> None:
    chosen = choose_transfer(OLD_HELLO, FILE, continues=True)
    assert kind_of_server_request(first_message(chosen)) is ServerRequest.UPDATE_DONE


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (UpdateFile(b"", b"d" * 32), "empty"),
        (UpdateFile(bytes(1025), b"d" * 32), "the device takes 1024"),
    ],
)
def test_what_a_device_cannot_have_is_never_offered(file: UpdateFile, words: str) -> None:
    for flags in (0xF6, 0):
        chosen = choose_transfer(make_hello(flags=flags, max_binary_bytes=1024), file)
        assert isinstance(chosen, UpdateResult)
        assert chosen.end == "unsuitable"
        assert words in chosen.text


def test_steps_and_ends_in_the_words_of_the_port() -> None:
    accepted = step_of(Accepted(512))
    assert accepted == UpdateStep(512, accepted=True)
    assert step_of(Progressed(1024)) == UpdateStep(1024)
    assert step_of(Transferred()) is None
    delivered = result_of(Transferred(), UpdateStep(1024), FILE, 2000)
    assert delivered == UpdateResult("delivered", 0, "", len(CONTENT), 2000, True)
    refused = result_of(Aborted("refused", -1380, "no"), None, FILE, 0)
    assert refused == UpdateResult("refused", -1380, "no", 0, 0, False)
    assert broken_off("went_offline", accepted, 9) == UpdateResult(
        "went_offline", 0, "", 512, 9, True
    )
