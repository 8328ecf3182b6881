"""Who a virtual device is: its id, its key, its platform."""

from dataclasses import dataclass
from hashlib import sha256
from random import Random

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

PLATFORMS: dict[str, int] = {
    "gcc": 3,
    "electron": 10,
    "argon": 12,
    "boron": 13,
    "esomx": 15,
    "asom": 22,
    "bsom": 23,
    "b5som": 25,
    "tracker": 26,
    "trackerm": 28,
    "p2": 32,
    "msom": 35,
}
"""Platforms that use UDP, by name. Spec: device protocol notes §0, platform table."""

CELLULAR_PLATFORMS = frozenset({10, 13, 15, 23, 25, 26, 28})
"""Platforms whose first network is cellular; they keep alive every 23 minutes."""

WIFI_KEEP_ALIVE_S = 25.0
"""Silence after which a device on Wi-Fi or Ethernet pings. Spec: device protocol notes §1.10."""

CELLULAR_KEEP_ALIVE_S = 23 * 60.0
"""Silence after which a cellular device pings. Spec: device protocol notes §1.10."""

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order of the curve. Spec: FIPS 186-4, D.1.2.3."""

_ID_PREFIX = bytes.fromhex("e00fce68")


@dataclass(frozen=True, slots=True)
class VirtualIdentity:
    """A device id (12 bytes), its P-256 private key and its platform."""

    device_id: bytes
    private_key: ec.EllipticCurvePrivateKey
    platform_id: int

    @property
    def text_id(self) -> str:
        """The device id as 24 lower-case hex digits."""
        return self.device_id.hex()

    @property
    def public_pem(self) -> str:
        """The public key as PEM, as devices are registered."""
        key = self.private_key.public_key()
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def public_der(self) -> bytes:
        """The public key as SubjectPublicKeyInfo DER, as it is shown in the handshake."""
        key = self.private_key.public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def private_der(self) -> bytes:
        """The private key as DER, for keeping; secret."""
        return self.private_key.private_bytes(
            Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        )

    @property
    def keep_alive_s(self) -> float:
        """Silence in seconds after which this platform pings the server."""
        cellular = self.platform_id in CELLULAR_PLATFORMS
        return CELLULAR_KEEP_ALIVE_S if cellular else WIFI_KEEP_ALIVE_S


def make_identity(platform_id: int, random: Random) -> VirtualIdentity:
    """A new identity; the same seed gives the same device, key included.

    Keys of virtual devices are as guessable as their seed: they protect nothing but a simulation.
    """
    device_id = _ID_PREFIX + random.randbytes(8)
    scalar = int.from_bytes(sha256(random.randbytes(64)).digest()) % (P256_ORDER - 1) + 1
    return VirtualIdentity(device_id, ec.derive_private_key(scalar, ec.SECP256R1()), platform_id)


def load_identity(device_id: bytes, private_der: bytes, platform_id: int) -> VirtualIdentity:
    """The identity that was kept.

    Raises:
        ValueError: the key is no P-256 key.
    """
    key = load_der_private_key(private_der, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("the key of a virtual device must be a P-256 key")
    return VirtualIdentity(device_id, key, platform_id)


def parse_platform(text: str) -> int:
    """The platform id of a name (``boron``) or number (``13``).

    Raises:
        ValueError: no UDP platform is called so; the message lists them.
    """
    wanted = text.strip().lower()
    if wanted in PLATFORMS:
        return PLATFORMS[wanted]
    if wanted.isdecimal() and int(wanted) in PLATFORMS.values():
        return int(wanted)
    names = ", ".join(f"{name} ({number})" for name, number in PLATFORMS.items())
    raise ValueError(f"unknown platform {text!r}; a virtual device can be: {names}")
