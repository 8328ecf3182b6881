"""The event value: what a device or a program published, on its way to everybody who may see it."""

from typing import Literal

import msgspec

Source = Literal["device", "api", "system"]
"""Who made it: the device's own publish, the API, or the server itself about a device."""


class Event(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One event. Built once at the edge where it arrives and never changed once it is committed.

    Attributes:
        id: 63-bit number, milliseconds of its acceptance and a counter. Strictly growing in the
            order of commits: the store raises it where another process, or a clock that was set
            back, has used later numbers already. Final after the commit.
        name: 1 to 64 bytes of UTF-8.
        payload: bytes as published, at most 1024 unless by the system; None without data.
        content_format: CoAP Content-Format number of ``payload``; None or 0 is text.
        ttl_s: seconds, as published; shown to readers, not used for storage.
        published_at_ms: Unix milliseconds when the server accepted it.
        source: who made it.
        device_id: 24-hex id of the device it is from or about; None when the API published it.
        owner_id: user id of the device's owner (or of the publishing user); None when unclaimed.
        product_id: product of the device, None outside products.
        firmware_version: product firmware version of the device at that time, 0 if none.
        message_id: CoAP message id of the device's CON, kept to recognise a repeat after a restart.
    """

    id: int
    name: str
    payload: bytes | None = None
    content_format: int | None = None
    ttl_s: int = 60
    published_at_ms: int
    source: Source = "device"
    device_id: str | None = None
    owner_id: str | None = None
    product_id: int | None = None
    firmware_version: int = 0
    message_id: int | None = None
