import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.vectors import dtls_fixed as fixed

from roadstead.protocol.dtls import handshake_messages as messages
from roadstead.protocol.dtls import hellos
from roadstead.protocol.dtls.client_hello import is_supported, parse_hello
from roadstead.protocol.dtls.handshake_messages import Fragment, decode_fragments
from roadstead.protocol.dtls.reader import DtlsFormatError

DECODERS: list[Callable[[bytes], object]] = [
    decode_fragments,
    hellos.decode_client_hello,
    hellos.decode_hello_verify_request,
    hellos.decode_server_hello,
    messages.decode_server_key_exchange,
    messages.decode_certificate,
    messages.decode_client_key_exchange,
    messages.decode_certificate_verify,
]
SEEDS = [
    record[13:]
    for record in (
        fixed.CLIENT_HELLO,
        fixed.CLIENT_HELLO_WITH_COOKIE,
        fixed.HELLO_VERIFY_REQUEST,
        fixed.SERVER_FLIGHT[:131],
        fixed.SERVER_FLIGHT[131:301],
        fixed.CLIENT_FLIGHT[:119],
    )
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A real message with a few bytes changed, cut or added."""
    content = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 4))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.integers(0, len(content)))]) + draw(st.binary(max_size=4))


@pytest.mark.parametrize("decode", DECODERS, ids=lambda decode: decode.__name__)
@given(content=st.one_of(st.binary(max_size=150), mutated(), mutated().map(lambda m: m[12:])))
def test_a_decoder_gives_a_value_or_says_that_the_form_is_wrong(
    decode: Callable[[bytes], object], content: bytes
) -> None:
    with contextlib.suppress(DtlsFormatError):
        decode(content)


@given(
    st.integers(0, 255),
    st.integers(0, 65535),
    st.binary(max_size=100),
)
def test_a_message_decodes_to_what_was_encoded(kind: int, sequence: int, content: bytes) -> None:
    [fragment] = decode_fragments(messages.encode_message(kind, sequence, content))
    assert fragment == Fragment(kind, len(content), sequence, 0, content)


@given(
    st.builds(
        hellos.ClientHello,
        random=st.binary(min_size=32, max_size=32),
        session_id=st.binary(max_size=32),
        cookie=st.binary(max_size=255),
        suites=st.lists(st.integers(0, 65535), max_size=8).map(tuple),
        compressions=st.binary(max_size=4),
        extensions=st.dictionaries(st.integers(0, 65535), st.binary(max_size=20), max_size=6),
    )
)
def test_a_client_hello_decodes_to_what_was_encoded(hello: hellos.ClientHello) -> None:
    [fragment] = decode_fragments(hellos.encode_client_hello(1, hello))
    assert hellos.decode_client_hello(fragment.content) == hello


def test_a_hello_without_extensions_is_whole_and_not_supported() -> None:
    [fragment] = decode_fragments(fixed.CLIENT_HELLO[13:])
    hello = hellos.decode_client_hello(fragment.content[:44])
    assert hello.extensions == {}
    assert not is_supported(hello)


@pytest.mark.parametrize(
    ("number", "content"),
    [
        (254, b"\x04abcd"),
        (10, b"\0\x02\0\x18"),
        (11, b"\x01\x01"),
        (13, b"\0\x02\x02\x03"),
        (19, b"\x01\0"),
        (20, b"\x01\0"),
        (19, None),
        (20, None),
    ],
)
def test_a_hello_that_offers_something_else_is_not_supported(
    number: int, content: bytes | None
) -> None:
    hello = hellos.decode_client_hello(decode_fragments(fixed.CLIENT_HELLO[13:])[0].content)
    assert is_supported(hello)
    extensions = {key: value for key, value in hello.extensions.items() if key != number}
    if content is not None:
        extensions[number] = content
    assert not is_supported(hello._replace(extensions=extensions))


@pytest.mark.parametrize(("extra", "missing"), [({}, 13), ({}, 10), ({}, 11), ({}, 254)])
def test_a_hello_may_leave_out_what_has_only_one_value(extra: object, missing: int) -> None:
    hello = hellos.decode_client_hello(decode_fragments(fixed.CLIENT_HELLO[13:])[0].content)
    left = {key: value for key, value in hello.extensions.items() if key != missing}
    assert is_supported(hello._replace(extensions=left))


@pytest.mark.parametrize("message_seq", [65528, 65534, 65535])
def test_a_hello_near_the_end_of_message_numbers_is_refused(message_seq: int) -> None:
    [fragment] = decode_fragments(fixed.CLIENT_HELLO[13:])
    with pytest.raises(DtlsFormatError):
        parse_hello(fragment._replace(message_seq=message_seq), 0)


def test_a_hello_near_the_end_of_record_numbers_is_refused() -> None:
    [fragment] = decode_fragments(fixed.CLIENT_HELLO[13:])
    with pytest.raises(DtlsFormatError):
        parse_hello(fragment, 2**48 - 1)


def test_an_empty_certificate_of_either_form_names_no_key() -> None:
    assert messages.decode_certificate(b"\0\0\0") == b""
    assert messages.decode_certificate(bytes(6)) == b""


def test_a_key_of_another_curve_is_no_key() -> None:
    with pytest.raises(DtlsFormatError):
        messages.decode_certificate(b"\0\0\x5b" + bytes(91))
    with pytest.raises(DtlsFormatError):
        messages.decode_certificate(b"\0\0\x5c" + fixed.DEVICE_SPKI + b"\0")
