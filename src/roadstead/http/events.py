"""Events: published through the API, and streamed to whoever may see them.

Source: particle cloud notes §2.8, §3.6; clients notes §5.
"""

import msgspec

from roadstead.http.access_tokens import Ok
from roadstead.http.operation import Call, Operation, QueryParameter
from roadstead.http.sse import StreamAnswer
from roadstead.identity.permissions import Permission
from roadstead.kit.errors import Invalid

_TAG = "Events"

DEFAULT_TTL_S = 60
"""Time to live shown with an event whose publisher named none."""

_STREAM = "text/event-stream"
_NONCE = (QueryParameter("nonce", "Sent by the official client; changes nothing."),)


class PublishBody(msgspec.Struct):
    """An event to publish. ``private`` is taken and means nothing: every event is private."""

    name: str
    data: str | None = None
    private: bool | str | None = None
    ttl: int = DEFAULT_TTL_S
