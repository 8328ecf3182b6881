"""Devices, keys and people to start tests from."""

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from roadstead.devices.model import Registration
from roadstead.identity.model import Actor

ADMIN = Actor(user_id=f"{0xAD:024x}", username="admin@example.com", is_admin=True)
JO = Actor(user_id=f"{1:024x}", username="jo@example.com", address="203.0.113.7")
KIM = Actor(user_id=f"{2:024x}", username="kim@example.com")


def make_device_id(number: int = 1) -> str:
    return f"e00fce68{number:016x}"


def make_key() -> bytes:
    """A fresh P-256 public key, SPKI DER."""
    return encode_der(ec.generate_private_key(ec.SECP256R1()).public_key())


def make_rsa_key(bits: int = 1024) -> bytes:
    return encode_der(rsa.generate_private_key(65537, bits).public_key())


def encode_der(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def encode_pem(key: PublicKeyTypes) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def make_registration(
    number: int = 1, key: bytes | None = None, platform_id: int = 13, **fields
) -> Registration:
    return Registration(make_device_id(number), key or make_key(), platform_id, **fields)
