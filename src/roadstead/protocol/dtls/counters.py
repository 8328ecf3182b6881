"""What happened at the server, as plain numbers for the metrics page."""

from dataclasses import dataclass


@dataclass(slots=True)
class ServerCounters:
    """Counts since the start; ``half_open`` alone is a gauge.

    Attributes:
        datagrams: datagrams received.
        records: protected records that authenticated.
        malformed: datagrams or records whose form is wrong.
        bad_tags: protected records that did not authenticate.
        replays: protected records seen before or too old.
        noise_ignored: protected records ignored because their source sends forged ones.
        unknown_cids: records with a connection id that nobody has.
        unknown_addresses: protected records without connection id that match no session.
        hello_verify_sent: cookies handed out.
        half_open: handshakes in progress now.
        handshakes_shed: ClientHellos with a valid cookie that were dropped at a limit.
        handshakes_done: handshakes completed.
        handshakes_failed: handshakes that ended otherwise.
        flights_resent: answers to repeated flights.
        sessions_moved: changes of a device's address.
    """

    datagrams: int = 0
    records: int = 0
    malformed: int = 0
    bad_tags: int = 0
    replays: int = 0
    noise_ignored: int = 0
    unknown_cids: int = 0
    unknown_addresses: int = 0
    hello_verify_sent: int = 0
    half_open: int = 0
    handshakes_shed: int = 0
    handshakes_done: int = 0
    handshakes_failed: int = 0
    flights_resent: int = 0
    sessions_moved: int = 0
