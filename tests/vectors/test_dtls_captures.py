"""The captures without keys: everything in clear parses, up to the ChangeCipherSpec."""

import pytest
from tests.vectors.dtls_recordings import DATA, KEYED
from tests.vectors.pcap import read_datagrams

from roadstead.protocol.dtls import hellos
from roadstead.protocol.dtls.constants import CHANGE_CIPHER_SPEC, HANDSHAKE, SPKI_BYTES
from roadstead.protocol.dtls.handshake_messages import (
    Fragment,
    decode_certificate,
    decode_certificate_verify,
    decode_client_key_exchange,
    decode_fragments,
    decode_server_key_exchange,
    encode_message,
)
from roadstead.protocol.dtls.records import HEADER_BYTES, find_end

DECODERS = {
    1: hellos.decode_client_hello,
    2: hellos.decode_server_hello,
    3: hellos.decode_hello_verify_request,
    11: decode_certificate,
    12: decode_server_key_exchange,
    15: decode_certificate_verify,
    16: decode_client_key_exchange,
}

FULL = [1, 3, 1, 2, 12, 13, 14, 11, 16, 15]


def clear_messages(name: str) -> list[Fragment]:
    """The messages before the first ChangeCipherSpec; each is decoded on the way."""
    found: list[Fragment] = []
    for datagram in read_datagrams(DATA / f"{name}.pcap"):
        offset = 0
        while offset < len(datagram.content):
            end = find_end(datagram.content, offset)
            assert end, "every record of a real device is whole"
            record = datagram.content[offset:end]
            offset = end
            if record[0] == CHANGE_CIPHER_SPEC:
                return found
            assert record[0] == HANDSHAKE
            for fragment in decode_fragments(record[HEADER_BYTES:]):
                assert fragment.is_whole
                assert record[HEADER_BYTES:] == encode_message(
                    fragment.kind, fragment.message_seq, fragment.content
                )
                if fragment.kind in DECODERS:
                    DECODERS[fragment.kind](fragment.content)
                found.append(fragment)
    raise AssertionError("no ChangeCipherSpec")


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("v_noclientauth", [1, 3, 1, 2, 12, 14, 16]),
        ("v_nocookie", [1, 2, 12, 13, 14, 11, 16, 15]),
        *((name, FULL) for name in KEYED),
    ],
)
def test_the_flights_in_clear_parse(name: str, kinds: list[int]) -> None:
    assert [message.kind for message in clear_messages(name)] == kinds


def test_message_numbers_follow_the_client_hello() -> None:
    assert [m.message_seq for m in clear_messages("v_nocookie")] == [0, 0, 1, 2, 3, 1, 2, 3]
    assert [m.message_seq for m in clear_messages("v_noclientauth")] == [0, 0, 1, 1, 2, 3, 2]


def test_the_device_names_a_bare_key() -> None:
    certificate = next(m for m in clear_messages("hs1") if m.kind == 11)
    assert len(decode_certificate(certificate.content)) == SPKI_BYTES
