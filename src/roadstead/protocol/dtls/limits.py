"""How much an unproven peer may make the server keep and compute."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Bounds of a DtlsServer; each protects established devices from a storm of new ones.

    Attributes:
        half_open: handshakes in progress; about 4 kB each, so 40 MB at most.
        half_open_per_host: of these from one host (in IPv6 from one /64 network), so that one
            machine cannot take all places; a large site behind one address is still far below it.
            When all places are taken, the host with the most gives one up to a host with fewer.
        crypto_jobs: jobs handed out and not finished, above which no new handshake is admitted;
            at 0.2 ms each a device waits for less than its first timer (3 s).
        handshake_lifetime_s: a device gives up after 45 s. Spec: device protocol notes §1.3.
        flight_resends: answers to repeats in one handshake; a device repeats three times.
        sequence_block: record numbers that a new session may use before its owner reserves more.
        bad_tags_per_source: forged records from one address within ``noise_window_s`` after which
            its protected records are ignored, but for the session that is at home there; a device
            never sends one.
        noise_window_s: how long forged records are remembered and a noisy source is ignored.
        noisy_sources: addresses remembered; the oldest is forgotten first.
    """

    half_open: int = 10_000
    half_open_per_host: int = 5_000
    crypto_jobs: int = 2_000
    handshake_lifetime_s: float = 60.0
    flight_resends: int = 16
    sequence_block: int = 1024
    bad_tags_per_source: int = 32
    noise_window_s: float = 60.0
    noisy_sources: int = 4096


MAX_HANDSHAKE_MESSAGE_BYTES = 512
"""Body of one message; the largest of a device is a ClientHello of about 123 bytes."""

MESSAGES_AHEAD = 4
"""Messages kept that arrive before their turn; a flight of a device has three in clear."""

EARLY_RECORDS = 4
"""Protected records kept until the keys are there: the Finished and its repeats."""

EARLY_RECORD_BYTES = 128
"""A protected Finished has 69 bytes."""

REPLAY_WINDOW = 64
"""Record numbers below the highest that may still arrive once. Spec: RFC 6347 §4.1.2.6."""
