"""The base of errors that a user may see.

A domain error carries a stable ``code`` (lower-case words joined by ``_``) and one sentence that
says what was wrong, where, and what to do. It knows no HTTP status: one table in ``http/errors``
maps the classes below to statuses, and one in ``cli`` to exit codes.
"""


class DomainError(Exception):
    """Something that the caller did or asked cannot be done.

    Args:
        code: stable machine-readable name, for example ``device_offline``.
        message: the sentence shown to the person.
        detail: further JSON-able facts, for example the lines that were refused.
    """

    def __init__(self, code: str, message: str, detail: dict[str, object] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.detail = detail or {}


class Invalid(DomainError):
    """The input is malformed or outside its limits."""


class NotFound(DomainError):
    """The thing is unknown, or it belongs to someone else and so is unknown to this caller."""


class Forbidden(DomainError):
    """The thing is known to the caller, who may not do this to it."""


class Conflict(DomainError):
    """The thing is in a state that excludes the request (a name taken, an owner set)."""


class TimedOut(DomainError):
    """A device is not connected, or did not answer in time."""


class TooMany(DomainError):
    """A rate or a number was exceeded; ``detail['retry_after_s']`` says when to come back."""


class Unavailable(DomainError):
    """A part of the server cannot serve now (database gone, disk full); nothing was changed."""


class NotOffered(DomainError):
    """The operation exists in the field but not in this version of the server."""
