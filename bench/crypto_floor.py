"""The floor under a handshake: the four P-256 operations that the server cannot avoid."""

import os
import time

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from bench import machine
from bench.report import Figure

CURVE = ec.SECP256R1()
SIGNATURE = ec.ECDSA(SHA256())


def measure(rounds: int, round_s: float) -> Figure:
    """One key made, one agreement, one signature made and one checked, per second of a core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {machine.SERVER_CORE})
    try:
        values = [_round(round_s) for _ in range(rounds)]
    finally:
        os.sched_setaffinity(0, cores)
    return Figure("a", "crypto floor: P-256 keygen + ECDH + sign + verify", values, "/s")


def _round(round_s: float) -> float:
    own, peer = ec.generate_private_key(CURVE), ec.generate_private_key(CURVE)
    peer_public, message = peer.public_key(), os.urandom(64)
    signature = peer.sign(message, SIGNATURE)
    count, began = 0, time.perf_counter()
    while (elapsed_s := time.perf_counter() - began) < round_s:
        for _ in range(20):
            ec.generate_private_key(CURVE).exchange(ec.ECDH(), peer_public)
            own.sign(message, SIGNATURE)
            peer_public.verify(signature, message, SIGNATURE)
        count += 20
    return count / elapsed_s
