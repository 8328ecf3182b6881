import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.protocol.messages import ledger
from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.ledger import (
    Ledger,
    LedgerOperation,
    LedgerRequest,
    LedgerResponse,
    LedgerResult,
)
from roadstead.protocol.messages.protobuf import encode_zigzag, varint_field

SCOPE = bytes.fromhex("e00fce680102030405060708")
UPDATED_MS = int.from_bytes(bytes.fromhex("0068e5cf8b010000"), "little")
CHANGED_MS = int.from_bytes(bytes.fromhex("e86be5cf8b010000"), "little")


def test_information_is_asked_for_by_name() -> None:
    payload = bytes.fromhex("0801 1211 0a0873657474696e6773 0a057374617473")
    request = ledger.decode_ledger_request(payload)
    assert request == LedgerRequest(LedgerOperation.GET_INFO, (Ledger("settings"), Ledger("stats")))
    assert ledger.encode_ledger_request(request) == payload


def test_information_is_given_in_ascending_fields() -> None:
    payload = bytes.fromhex(
        "1a42"
        "0a25 0a0873657474696e6773 120ce00fce680102030405060708 1801 2002 290068e5cf8b010000"
        "0a19 0a057374617473 120ce00fce680102030405060708 1801 2001"
    )
    ledgers = (
        Ledger("settings", SCOPE, 1, 2, UPDATED_MS),
        Ledger("stats", SCOPE, 1, 1),
    )
    assert ledger.encode_info(ledgers) == payload
    assert ledger.decode_ledger_response(payload) == LedgerResponse(
        0, LedgerOperation.GET_INFO, ledgers
    )


def test_a_server_without_ledgers_gives_an_empty_list() -> None:
    assert ledger.encode_empty_info() == b"\x1a\x00"
    response = ledger.decode_ledger_response(ledger.encode_empty_info())
    assert response == LedgerResponse(0, LedgerOperation.GET_INFO)


def test_answers_have_the_bytes_that_devices_take() -> None:
    subscribed = ledger.encode_subscribed([Ledger("settings", updated_ms=UPDATED_MS)])
    assert subscribed.hex() == "32150a130a0873657474696e6773110068e5cf8b010000"
    document = ledger.encode_document(Ledger(updated_ms=UPDATED_MS, document=b"\xa1aa\x01"))
    assert document.hex() == "2a0f090068e5cf8b0100005204a1616101"
    assert ledger.encode_stored().hex() == "2200"
    assert ledger.encode_failure(LedgerResult.LEDGER_NOT_FOUND).hex() == "0804"


def test_a_missing_document_is_given_as_an_empty_map() -> None:
    response = ledger.decode_ledger_response(ledger.encode_document(Ledger("settings")))
    assert response.ledgers == (Ledger(document=b"\xa0"),)


def test_a_notification_has_the_bytes_that_devices_take() -> None:
    request = LedgerRequest(
        LedgerOperation.NOTIFY_UPDATE, (Ledger("settings", updated_ms=CHANGED_MS),)
    )
    payload = ledger.encode_ledger_request(request)
    assert payload.hex() == "080532150a130a0873657474696e677311e86be5cf8b010000"
    assert ledger.decode_ledger_request(payload) == request


@pytest.mark.parametrize(
    "request_",
    [
        LedgerRequest(LedgerOperation.GET_INFO),
        LedgerRequest(LedgerOperation.SUBSCRIBE, (Ledger("a", SCOPE), Ledger("b", SCOPE))),
        LedgerRequest(LedgerOperation.SUBSCRIBE),
        LedgerRequest(LedgerOperation.GET_DATA, (Ledger("a", SCOPE),)),
        LedgerRequest(
            LedgerOperation.SET_DATA,
            (Ledger("a", SCOPE, updated_ms=UPDATED_MS, document=b"\xa0"),),
        ),
        LedgerRequest(LedgerOperation.RESET_INFO),
    ],
)
def test_requests_survive_encoding(request_: LedgerRequest) -> None:
    assert ledger.decode_ledger_request(ledger.encode_ledger_request(request_)) == request_


@given(st.integers(-(1 << 31), (1 << 31) - 1))
def test_results_are_read_as_signed_numbers(result: int) -> None:
    payload = varint_field(1, encode_zigzag(result))
    assert ledger.decode_ledger_response(payload).result == result


def test_a_failure_tells_its_words() -> None:
    payload = ledger.encode_failure(LedgerResult.TOO_LARGE_DATA, "too large")
    assert ledger.decode_ledger_response(payload) == LedgerResponse(6, text="too large")


def test_an_empty_response_is_a_success() -> None:
    assert ledger.decode_ledger_response(b"") == LedgerResponse()


@pytest.mark.parametrize(
    "payload", ["", "0807", "08", "0801120a", "0a00", "08011001", "0803220201"]
)
def test_requests_that_are_none_are_refused(payload: str) -> None:
    with pytest.raises(MessageFormatError):
        ledger.decode_ledger_request(bytes.fromhex(payload))
