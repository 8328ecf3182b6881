import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders.devices import encode_der, encode_pem, make_key, make_rsa_key

from roadstead.devices.keys import parse_algorithm, parse_public_key
from roadstead.kit.errors import Invalid

ID = "e00fce680000000000000001"


def test_pem_and_der_of_one_key_are_one_key():
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    der, pem = encode_der(key), encode_pem(key)
    parsed = [parse_public_key(ID, text, "ecc") for text in (der, pem, pem.encode(), f"\n{pem}\n")]
    assert all(one == parsed[0] for one in parsed)
    assert parsed[0].spki == der
    assert parsed[0].spki_digest == hashlib.sha256(der).digest()


def test_a_key_with_a_compressed_point_is_brought_into_the_form_that_devices_send():
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    compressed = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    der = encode_der(key)
    header = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
    assert parse_public_key(ID, header + compressed).spki == der


def test_an_rsa_key_of_the_older_generation_is_taken():
    assert parse_public_key(ID, make_rsa_key(1024), "rsa").algorithm == "rsa"


def test_a_key_of_another_kind_than_named_is_refused():
    with pytest.raises(Invalid, match="of the kind ecc, not rsa"):
        parse_public_key(ID, make_key(), "rsa")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        b"\0" * 10_000,
        encode_der(ec.generate_private_key(ec.SECP384R1()).public_key()),
        encode_der(ed25519.Ed25519PrivateKey.generate().public_key()),
    ],
)
def test_what_no_device_has_is_refused(content):
    with pytest.raises(Invalid) as refused:
        parse_public_key(ID, content)
    assert refused.value.code == "bad_public_key"


@settings(max_examples=100, deadline=None)
@given(cut=st.integers(0, 90), flip=st.binary(max_size=8), at=st.integers(0, 90))
def test_a_damaged_key_is_refused_or_a_key(cut, flip, at):
    der = bytearray(_KEY)
    der[at : at + len(flip)] = flip
    try:
        parse_public_key(ID, bytes(der[: 91 - cut]))
    except Invalid as error:
        assert error.code == "bad_public_key"


_KEY = make_key()


@pytest.mark.parametrize(("text", "kind"), [("ecc", "ecc"), ("RSA", "rsa"), (" ec ", "ecc")])
def test_algorithms_are_named_as_the_official_tools_do(text, kind):
    assert parse_algorithm(text) == kind
    with pytest.raises(Invalid):
        parse_algorithm("dsa")
