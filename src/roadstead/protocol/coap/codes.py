"""Request and response codes, one byte each: three bits of class, five of detail.

Spec: RFC 7252 §12.1; device protocol notes appendix A.
"""

from typing import Final

EMPTY: Final = 0x00
GET: Final = 0x01
POST: Final = 0x02
PUT: Final = 0x03

CREATED: Final = 0x41
CHANGED: Final = 0x44
CONTENT: Final = 0x45
"""2.05: towards a device only as the answer to its request for the time; it takes every other one
for the time, too. Source: device protocol notes §3.1."""
CONTINUE: Final = 0x5F

BAD_REQUEST: Final = 0x80
UNAUTHORIZED: Final = 0x81
BAD_OPTION: Final = 0x82
FORBIDDEN: Final = 0x83
NOT_FOUND: Final = 0x84
METHOD_NOT_ALLOWED: Final = 0x85
REQUEST_ENTITY_INCOMPLETE: Final = 0x88
REQUEST_ENTITY_TOO_LARGE: Final = 0x8D
UNSUPPORTED_CONTENT_FORMAT: Final = 0x8F
TOO_MANY_REQUESTS: Final = 0x9D

INTERNAL_SERVER_ERROR: Final = 0xA0
NOT_IMPLEMENTED: Final = 0xA1
SERVICE_UNAVAILABLE: Final = 0xA3
GATEWAY_TIMEOUT: Final = 0xA4


def is_request(code: int) -> bool:
    """True for 0.01 to 0.31."""
    return 0 < code < 0x20


def is_response(code: int) -> bool:
    """True for the classes 2, 4 and 5."""
    return 0x40 <= code < 0x60 or 0x80 <= code < 0xC0


def is_success(code: int) -> bool:
    """True for the class 2."""
    return 0x40 <= code < 0x60


def code_text(code: int) -> str:
    """The code as people write it, for example ``2.05``."""
    return f"{code >> 5}.{code & 0x1F:02d}"
