"""The sign-in of a browser: a cookie that carries a token where no script can read it.

The console signs in like every client, for a token, and trades the sight of it for this cookie. A
request with the cookie is taken only from a page of this server: the cookie is ``SameSite=Strict``,
and what changes something must say by ``Sec-Fetch-Site`` or ``Origin`` that it comes from here.
Spec: RFC 6265bis §4.1.2.7, §4.1.3.2; Fetch Metadata §2.3.
"""

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

import msgspec
from starlette.responses import Response

from roadstead.http import credentials
from roadstead.http.callers import Caller
from roadstead.http.operation import Access, Call, Operation
from roadstead.identity.permissions import Permission
from roadstead.kit.errors import Invalid

_TAG = "Sign in"

PLAIN_COOKIE = "roadstead_session"
SECURE_COOKIE = "__Host-roadstead_session"
"""Under HTTPS: a browser takes it from this very host only, and never without encryption."""

SAFE_METHODS = frozenset({"GET", "HEAD"})


def find_cookie_token(headers: Mapping[str, str], caller: Caller, method: str) -> str | None:
    """The token in the cookie, if this request may use it."""
    text = headers.get("cookie")
    if text is None or not _is_from_here(headers, caller, method):
        return None
    try:
        cookies = SimpleCookie(text)
    except CookieError:
        return None
    found = cookies.get(SECURE_COOKIE if caller.scheme == "https" else PLAIN_COOKIE)
    return found.value[: credentials.MAX_TOKEN_CHARS] if found else None


def _is_from_here(headers: Mapping[str, str], caller: Caller, method: str) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None:
        # "none" is a person who typed the address or opened a bookmark.
        return site == "same-origin" or (site == "none" and method in SAFE_METHODS)
    # Browsers leave it out for addresses without encryption, but name the origin of a write.
    origin = headers.get("origin")
    if origin is None:
        return method in SAFE_METHODS
    return urlsplit(origin).netloc == caller.authority


async def begin(call: Call) -> Response:
    """Puts the token of this request into the cookie."""
    token = credentials.find_bearer(call.headers, {})
    if not token:
        raise Invalid("invalid_request", "Send the token in the Authorization header.")
    described = await call.parts.identity.describe_token(call.actor)
    age_s = None
    if described.expires_at is not None:
        age_s = max(0, int((described.expires_at - call.parts.clock.now()).total_seconds()))
    return _with_cookie(call, token, age_s)


async def end(call: Call) -> Response:
    """Ends the token that the cookie carries, and takes the cookie away."""
    await call.parts.identity.revoke_current(call.actor)
    return _with_cookie(call, "", 0)


def _with_cookie(call: Call, token: str, age_s: int | None) -> Response:
    secure = call.caller.scheme == "https"
    answer = Response(msgspec.json.encode({"ok": True}), media_type="application/json")
    answer.set_cookie(
        SECURE_COOKIE if secure else PLAIN_COOKIE,
        token,
        max_age=age_s,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )
    return answer


OPERATIONS = (
    Operation(
        name="begin_browser_session",
        method="POST",
        path="/v1/browser_session",
        tag=_TAG,
        summary="Keep the token of this request in a cookie that scripts cannot read",
        handler=begin,
        access=Access.BEARER,
        permission=Permission.ACCOUNT_GET,
        answer=dict[str, bool],
    ),
    Operation(
        name="end_browser_session",
        method="DELETE",
        path="/v1/browser_session",
        tag=_TAG,
        summary="Sign a browser out: end the token of its cookie",
        handler=end,
        access=Access.BEARER,
        permission=Permission.ACCOUNT_TOKENS_REVOKE,
        answer=dict[str, bool],
    ),
)
