"""Key schedule of the one cipher suite. Spec: RFC 5246 §5, §6.3, §8.1; classic master secret."""

import hmac

MASTER_BYTES = 48

KEY_BLOCK_BYTES = 40
"""client key (16), server key (16), client iv (4), server iv (4); the suite has no MAC keys."""

CLIENT_KEY = slice(0, 16)
SERVER_KEY = slice(16, 32)
CLIENT_IV = slice(32, 36)
SERVER_IV = slice(36, 40)


def prf(secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
    """``length`` bytes of the pseudo-random function with SHA-256. Spec: RFC 5246 §5."""
    seed = label + seed
    chained, output = seed, b""
    while len(output) < length:
        chained = hmac.digest(secret, chained, "sha256")
        output += hmac.digest(secret, chained + seed, "sha256")
    return output[:length]


def derive_master(premaster: bytes, client_random: bytes, server_random: bytes) -> bytes:
    """The 48-byte master secret from the X coordinate (32 bytes) that both sides agreed on."""
    return prf(premaster, b"master secret", client_random + server_random, MASTER_BYTES)


def derive_key_block(master: bytes, client_random: bytes, server_random: bytes) -> bytes:
    """The 40-byte key block; cut it with the slices of this module."""
    return prf(master, b"key expansion", server_random + client_random, KEY_BLOCK_BYTES)


def client_verify_data(master: bytes, transcript_hash: bytes) -> bytes:
    """The 12 bytes of the client's Finished."""
    return prf(master, b"client finished", transcript_hash, 12)


def server_verify_data(master: bytes, transcript_hash: bytes) -> bytes:
    """The 12 bytes of the server's Finished."""
    return prf(master, b"server finished", transcript_hash, 12)
