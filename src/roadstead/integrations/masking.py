"""Secrets do not come back out: what is shown in place of them. Pure.

Source: particle cloud notes §3.9.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit, urlunsplit

MASK = "[[SENSITIVE]]"

MIN_SECRET_CHARS = 4
"""Shorter values are not looked for in logged requests: they would stand everywhere."""

_SENSITIVE = re.compile(
    r"auth|token|secret|passw|pwd|api[-_]?key|apikey|access[-_]?key|private[-_]?key|credential"
    r"|signature|cookie|session|^key$|^sig$|[-_]key$|^code$",
    re.IGNORECASE,
)


def is_sensitive(name: str) -> bool:
    """Whether a value of this name (a header, a field, a parameter) is likely a secret."""
    return _SENSITIVE.search(name) is not None


def masked(tree: Any, name: str = "") -> Any:
    """A JSON value with the likely secrets in it replaced.

    Args:
        tree: settings as their owner gave them.
        name: the name that the value stands under.
    """
    if isinstance(tree, dict):
        return {key: masked(one, key) for key, one in tree.items()}
    if isinstance(tree, list):
        return [masked(one, name) for one in tree]
    if name == "url" and isinstance(tree, str):
        return masked_url(tree)
    if isinstance(tree, str | int | float) and not isinstance(tree, bool) and is_sensitive(name):
        return MASK
    return tree


def masked_url(url: str) -> str:
    """A URL without its password and without the values of parameters that are likely secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    netloc = parts.netloc
    userinfo, at, host = netloc.rpartition("@")
    if at:
        netloc = f"{userinfo.partition(':')[0]}:{MASK}@{host}"
    query = "&".join(_masked_pair(pair) for pair in parts.query.split("&")) if parts.query else ""
    return urlunsplit((parts.scheme, netloc, parts.path, query, parts.fragment))


def _masked_pair(pair: str) -> str:
    name, equals, value = pair.partition("=")
    return f"{name}={MASK}" if equals and value and is_sensitive(unquote(name)) else pair


def unmasked(new: Any, old: Any, name: str = "") -> Any:
    """New settings with each mask in them replaced by what the old ones have in that place.

    So a client may read settings, change one thing, and send the whole back.
    """
    if isinstance(new, dict):
        known = old if isinstance(old, dict) else {}
        return {key: unmasked(one, known.get(key), key) for key, one in new.items()}
    if isinstance(new, list):
        before = old if isinstance(old, list) else []
        return [
            unmasked(one, before[index] if index < len(before) else None, name)
            for index, one in enumerate(new)
        ]
    if new == MASK and old is not None:
        return old
    if name == "url" and isinstance(new, str) and MASK in new and isinstance(old, str):
        return old if new == masked_url(old) else new
    return new


def secrets_of(tree: Any, name: str = "") -> Iterator[str]:
    """The likely secrets within settings, in the forms in which a request may contain them."""
    if isinstance(tree, dict):
        for key, one in tree.items():
            yield from secrets_of(one, key)
    elif isinstance(tree, list):
        for one in tree:
            yield from secrets_of(one, name)
    elif isinstance(tree, str):
        found = []
        if is_sensitive(name) and "{{" not in tree:
            found = [tree, tree.rpartition(" ")[2]]  # the second after a scheme, as in "Bearer …"
        if name == "url":
            found = list(_secrets_of_url(tree))
        for one in found:
            if len(one) >= MIN_SECRET_CHARS:
                yield from dict.fromkeys((one, quote(one, safe=""), quote_plus(one)))


def _secrets_of_url(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    userinfo, at, _ = parts.netloc.rpartition("@")
    if at and ":" in userinfo:
        yield unquote(userinfo.partition(":")[2])
    for pair in parts.query.split("&"):
        name, _, value = pair.partition("=")
        if value and is_sensitive(unquote(name)) and "{{" not in value:
            yield unquote(value)


def redacted(text: str, secrets: tuple[str, ...]) -> str:
    """A text of a log without these secrets."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text
