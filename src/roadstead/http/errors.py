"""From error codes to HTTP: the one table of statuses, and the body shapes that clients read.

Every error body is a JSON object. The usual shape is ``{"ok":false,"error":CODE,
"error_description":SENTENCE}``; a few codes have the shape that the official tools look for.
Only a refused token answers 401, and only there do the words "access token" occur: the official
command line forgets its login when it meets either.

Source: particle cloud notes §2.0.1, §2.0.2; clients notes §3.
"""

from collections.abc import Callable

from roadstead.kit.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    NotOffered,
    TimedOut,
    TooMany,
    Unavailable,
)

STATUS_BY_CLASS: dict[type[DomainError], int] = {
    Invalid: 400,
    Forbidden: 403,
    NotFound: 404,
    TimedOut: 408,
    Conflict: 409,
    TooMany: 429,
    NotOffered: 501,
    Unavailable: 503,
}
"""Status of an error by its class, for codes that the next table does not name."""

STATUS_BY_CODE: dict[str, int] = {
    "device_owned": 403,
    "invalid_token": 401,
    "token_missing": 401,
    "credentials_missing": 401,
    "method_not_allowed": 405,
    "body_timeout": 408,
    "body_too_large": 413,
    "upload_too_large": 413,
    "path_too_long": 414,
    "unsupported_media_type": 415,
    "headers_too_large": 431,
}
"""Status of the codes whose class alone does not say it."""


class TokenRefused(DomainError):
    """No token, or one that is unknown, expired or revoked; the only 401 of the API.

    Attributes:
        scheme: the scheme of ``WWW-Authenticate``.
    """

    def __init__(self, code: str, message: str, scheme: str = "Bearer") -> None:
        super().__init__(code, message)
        self.scheme = scheme


def token_missing() -> TokenRefused:
    """The request carries no token where one is needed."""
    return TokenRefused("token_missing", "The access token was not found")


def invalid_token() -> TokenRefused:
    """The token is unknown, expired or revoked."""
    return TokenRefused("invalid_token", "The access token provided is invalid.")


def credentials_missing() -> TokenRefused:
    """The request needs a username and password by HTTP Basic, or a token."""
    return TokenRefused("credentials_missing", "The access token was not found", "Basic")


def permission_denied() -> Forbidden:
    """The caller is known and may not do this."""
    return Forbidden("permission_denied", "Permission denied: your account may not do this.")


def program_refused() -> Forbidden:
    """An API user asks for what only people have; the official tools know the sentence."""
    return Forbidden("unauthorized", "API users are not allowed to call this endpoint")


def status_of(error: DomainError) -> int:
    """The HTTP status of an error."""
    status = STATUS_BY_CODE.get(error.code)
    if status is not None:
        return status
    for kind in type(error).__mro__:
        if kind in STATUS_BY_CLASS:
            return STATUS_BY_CLASS[kind]
    return 400


def body_of(error: DomainError) -> dict[str, object]:
    """The JSON body of an error."""
    shape = _SHAPES.get(error.code, _usual)
    return shape(error)


def headers_of(error: DomainError) -> dict[str, str]:
    """Headers that an error adds to its answer."""
    headers: dict[str, str] = {}
    if isinstance(error, TokenRefused):
        headers["WWW-Authenticate"] = f'{error.scheme} realm="roadstead"'
    if "retry_after_s" in error.detail:
        headers["Retry-After"] = str(error.detail["retry_after_s"])
    if "allowed" in error.detail:
        headers["Allow"] = ", ".join(_names(error.detail["allowed"]))
    return headers


def internal_error(incident: str) -> dict[str, object]:
    """The body of a fault of the server itself; ``incident`` finds it in the log."""
    return {
        "ok": False,
        "error": "internal_error",
        "error_description": f"The server failed to answer this request. Incident {incident}.",
        "incident": incident,
    }


def _names(value: object) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list | tuple) else [str(value)]


def _usual(error: DomainError) -> dict[str, object]:
    return {
        "ok": False,
        "error": error.code,
        "error_description": error.message,
        **error.detail,
    }


def _oauth(error: DomainError) -> dict[str, object]:
    return {"error": error.code, "error_description": error.message, **error.detail}


def _token_missing(error: DomainError) -> dict[str, object]:
    return {"error": "invalid_request", "error_description": error.message}


def _unknown_device(error: DomainError) -> dict[str, object]:
    return {
        "ok": False,
        "error": "Permission Denied",
        "code": error.code,
        "info": "I didn't recognize that device name or ID, try opening /v1/devices",
    }


def _owned_device(error: DomainError) -> dict[str, object]:
    return {"ok": False, "errors": [error.message], "code": error.code}


def _prefix_required(error: DomainError) -> dict[str, object]:
    return {"ok": False, "error": error.message, "code": error.code}


def _bad_request(error: DomainError) -> dict[str, object]:
    return {**_usual(error), "description": error.message}


_SHAPES: dict[str, Callable[[DomainError], dict[str, object]]] = {
    "invalid_token": _oauth,
    "token_missing": _token_missing,
    "credentials_missing": _token_missing,
    "invalid_grant": _oauth,
    "invalid_client": _oauth,
    "unauthorized_client": _oauth,
    "mfa_required": _oauth,
    "unsupported_grant_type": _oauth,
    "unauthorized": _oauth,
    "device_not_found": _unknown_device,
    "device_owned": _owned_device,
    "event_prefix_required": _prefix_required,
    "bad_request": _bad_request,
}
