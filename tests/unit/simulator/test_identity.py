from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_public_key,
)

from roadstead.simulator.identity import load_identity, make_identity, parse_platform


def test_the_same_seed_gives_the_same_device_and_another_seed_another():
    first, again, other = (make_identity(12, Random(seed)) for seed in (1, 1, 2))
    assert (first.device_id, first.private_der) == (again.device_id, again.private_der)
    assert first.device_id != other.device_id
    assert first.public_der != other.public_der


def test_a_device_id_is_24_lower_case_hex_digits():
    identity = make_identity(12, Random(1))
    assert len(identity.device_id) == 12
    assert identity.text_id == identity.text_id.lower()
    assert len(identity.text_id) == 24


def test_the_public_key_is_given_as_pem_and_as_91_bytes_of_spki():
    identity = make_identity(12, Random(1))
    assert len(identity.public_der) == 91
    loaded = load_pem_public_key(identity.public_pem.encode())
    assert isinstance(loaded, ec.EllipticCurvePublicKey)
    assert isinstance(loaded.curve, ec.SECP256R1)


def test_a_kept_identity_is_the_same():
    identity = make_identity(13, Random(7))
    loaded = load_identity(identity.device_id, identity.private_der, 13)
    assert loaded.public_der == identity.public_der


def test_a_key_of_another_kind_is_no_device_key():
    key = rsa.generate_private_key(65537, 2048)
    der = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    with pytest.raises(ValueError, match="P-256"):
        load_identity(bytes(12), der, 12)


def test_cellular_platforms_keep_alive_far_less_often():
    assert make_identity(32, Random(1)).keep_alive_s == 25
    assert make_identity(13, Random(1)).keep_alive_s == 23 * 60


@pytest.mark.parametrize(("text", "number"), [("boron", 13), (" Argon ", 12), ("32", 32)])
def test_a_platform_is_given_by_name_or_number(text, number):
    assert parse_platform(text) == number


@pytest.mark.parametrize("text", ["photon", "6", "", "-1", "1e1"])
def test_an_unknown_platform_is_refused_with_the_known_ones(text):
    with pytest.raises(ValueError, match=r"boron \(13\)"):
        parse_platform(text)
