"""Timing and bounds of exchanges."""

from dataclasses import dataclass
from typing import Final

ACK_TIMEOUT_S: Final = 4.0
"""Seconds before a confirmable message is sent again, doubled each time. Devices use 4 s, and take
seconds when their application blocks; the server does the same. Device protocol notes §3.1."""

ACK_RANDOM_FRACTION: Final = 0.5
"""A timeout is lengthened by 0 to 50 %, so that a fleet does not resend in step. RFC 7252 §4.8."""

MAX_RETRANSMIT: Final = 3
"""Repetitions after the first transmission: four in all. Device protocol notes §3.1."""

SEEN_PERIOD_S: Final = 60.0
"""A message of the peer is remembered for one to two periods, 60 to 120 s. A device repeats one for
the last time at most 42 s after the first (6 + 12 + 24 s), and ids of its 16-bit
counter come again much later than 120 s. RFC 7252 §4.8.2 allows for 247 s because its datagrams may
be 100 s under way; here a datagram that the network duplicates is stopped by the replay window of
the session."""

SEEN_LIMIT: Final = 512
"""Messages remembered in one period; more begin a new one early. A device sends about 25 messages
when it connects and at most 4 events a second, 240 in a period."""

MESSAGE_ID_REUSE_S: Final = 45.0
"""A device answers a confirmable message whose id it saw within this time with its old
acknowledgement and does not look at it. Device protocol notes §3.1."""

TOKENS: Final = 256
"""Tokens towards a device are exactly one byte. Device protocol notes §3.1."""

RESPONSE_LIFETIME_S: Final = 247.0
"""A request that was acknowledged and never answered keeps its token for this long, then another
request may take it. EXCHANGE_LIFETIME of RFC 7252 §4.8.2."""


@dataclass(frozen=True, slots=True)
class ExchangeParameters:
    """Timing and bounds of one endpoint; the values as they stand suit server and device alike.

    Attributes:
        ack_timeout_s: see ACK_TIMEOUT_S.
        ack_random_fraction: see ACK_RANDOM_FRACTION.
        max_retransmit: see MAX_RETRANSMIT; 0 on a transport that is reliable itself.
        seen_period_s: see SEEN_PERIOD_S.
        seen_limit: see SEEN_LIMIT.
    """

    ack_timeout_s: float = ACK_TIMEOUT_S
    ack_random_fraction: float = ACK_RANDOM_FRACTION
    max_retransmit: int = MAX_RETRANSMIT
    seen_period_s: float = SEEN_PERIOD_S
    seen_limit: int = SEEN_LIMIT


DEFAULT_PARAMETERS: Final = ExchangeParameters()
