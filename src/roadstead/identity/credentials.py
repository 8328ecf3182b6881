"""The rules of user names, passwords, account facts and token lifetimes. Pure.

Each rule gives the value in its one stored form, or raises ``Invalid`` with its own code.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from roadstead.kit.errors import Invalid

MAX_USERNAME_CHARS = 254
"""Longest e-mail address that fits a mail path. Spec: RFC 5321 §4.5.3.1.3 (256 with brackets)."""

MAX_LOCAL_PART_CHARS = 64
"""Longest part before the @. Spec: RFC 5321 §4.5.3.1.1."""

MIN_PASSWORD_BYTES = 8
"""Shortest password. Source: NIST SP 800-63B §5.1.1.2."""

MAX_PASSWORD_BYTES = 1024
"""Longest password: far above any passphrase, and no way to keep the hashing threads busy."""

DEFAULT_TOKEN_LIFETIME_S = 90 * 24 * 3600
"""Lifetime of a token when the caller names none. Source: particle cloud notes §1.11."""

MAX_TOKEN_LIFETIME_S = 10 * 365 * 24 * 3600
"""Longest lifetime that can be asked for (ten years); whoever wants longer asks for 0, never."""

MAX_ACCOUNT_TEXT_CHARS = 256
"""Longest name of a person or a company in the account facts."""

MAX_ACCOUNT_INFO_BYTES = 4096
"""Largest account facts as JSON; they are read with every look at the account."""

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_EMAIL = re.compile(rf"[a-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*")

_ACCOUNT_TEXTS = ("first_name", "last_name", "company_name")


def parse_username(text: str) -> str:
    """An e-mail address in lower case. Spec: HTML Living Standard, valid e-mail address.

    Raises:
        Invalid: ``bad_username``.
    """
    username = text.strip().lower()
    local = username.partition("@")[0]
    if len(username) > MAX_USERNAME_CHARS or len(local) > MAX_LOCAL_PART_CHARS:
        raise Invalid(
            "bad_username",
            f"The username has {len(username)} characters; an e-mail address has at most "
            f"{MAX_USERNAME_CHARS}, {MAX_LOCAL_PART_CHARS} of them before the @.",
        )
    # Lowering turns a few letters of other scripts into ASCII, so the text itself is looked at too.
    if not (text.isascii() and _EMAIL.fullmatch(username)):
        raise Invalid("bad_username", f"The username {text!r} is not an e-mail address.")
    return username


def parse_new_password(text: str, username: str) -> str:
    """A password that may be set for this user name.

    Raises:
        Invalid: ``weak_password``.
    """
    length_bytes = password_bytes(text)
    if length_bytes is None:
        raise Invalid("weak_password", "The password is not valid Unicode text.")
    if not MIN_PASSWORD_BYTES <= length_bytes <= MAX_PASSWORD_BYTES:
        raise Invalid(
            "weak_password",
            f"The password has {length_bytes} bytes; it must have {MIN_PASSWORD_BYTES} "
            f"to {MAX_PASSWORD_BYTES}.",
        )
    if text.lower() == username or len(set(text)) == 1:
        raise Invalid(
            "weak_password", "The password must be neither the username nor one repeated character."
        )
    return text


def password_bytes(text: str) -> int | None:
    """Length of the password in UTF-8, or None when it cannot be written in it."""
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return None


def merge_account_info(
    stored: Mapping[str, object], changes: Mapping[str, object]
) -> dict[str, object]:
    """The account facts after these changes; facts that are not named stay.

    Raises:
        Invalid: ``bad_account_info``.
    """
    for name in _ACCOUNT_TEXTS:
        text = changes.get(name)
        if text is not None and not (isinstance(text, str) and _is_account_text(text)):
            raise Invalid(
                "bad_account_info",
                f"{name} must be a text of at most {MAX_ACCOUNT_TEXT_CHARS} printable characters.",
            )
    if not isinstance(changes.get("business_account", False), bool):
        raise Invalid("bad_account_info", "business_account must be true or false.")
    merged = {**stored, **changes}
    if _json_bytes(merged) > MAX_ACCOUNT_INFO_BYTES:
        raise Invalid(
            "bad_account_info", f"account_info must fit {MAX_ACCOUNT_INFO_BYTES} bytes of JSON."
        )
    return merged


def token_expiry(lifetime_s: int | None, now: datetime) -> datetime | None:
    """When a token issued now ends; None for never.

    Args:
        lifetime_s: seconds; 0 for never; None for the default of 90 days.
        now: the wall-clock time.

    Raises:
        Invalid: ``invalid_request``.
    """
    seconds = DEFAULT_TOKEN_LIFETIME_S if lifetime_s is None else lifetime_s
    if not 0 <= seconds <= MAX_TOKEN_LIFETIME_S:
        raise Invalid(
            "invalid_request",
            f"expires_in is {seconds}; it must be 0 (never) to {MAX_TOKEN_LIFETIME_S} seconds.",
        )
    return now + timedelta(seconds=seconds) if seconds else None


def _is_account_text(text: str) -> bool:
    return len(text) <= MAX_ACCOUNT_TEXT_CHARS and (text.isprintable() or not text)


def _json_bytes(document: dict[str, object]) -> int:
    try:
        return len(msgspec.json.encode(document))
    except (TypeError, ValueError, RecursionError, UnicodeEncodeError) as error:
        raise Invalid("bad_account_info", "account_info cannot be written as JSON.") from error
