"""Which devices a rollout is for: a filter over facts of one device. Pure.

The filter is a line of text: ``group = beta and firmware < 5 and not platform = photon``. It looks
at one device at a time, so that it can be asked again whenever that device changes and never needs
the whole fleet.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from roadstead.kit.errors import Invalid

MAX_FILTER_CHARS: Final = 1000
MAX_DEPTH: Final = 20
"""Limits of a filter: more than people write, and little to parse."""


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What a filter may ask of a device.

    Attributes:
        device_id: 24 lower-case hex digits.
        groups: names of its groups.
        firmware: product firmware version that it runs; None when it never said.
        device_os: number of its Device OS release; None when it never said.
        platform: name of its hardware, as ``argon``; empty when it is not known.
        name: its name.
        online: connected now.
        development: marked for development; such a device is in no rollout.
        member: an approved device of the product, neither in quarantine nor denied.
        locked: locked to a version; such a device is in no rollout.
    """

    device_id: str
    groups: frozenset[str] = frozenset()
    firmware: int | None = None
    device_os: int | None = None
    platform: str = ""
    name: str = ""
    online: bool = False
    development: bool = False
    member: bool = True
    locked: bool = False


Test = Callable[[DeviceFacts], bool]


@dataclass(frozen=True, slots=True)
class Audience:
    """Groups, of which a device must be in one, and a filter that it must pass.

    Attributes:
        groups: names; empty for the whole product.
        filter_text: as written; empty for no filter.
        version: version of the rollout: a device that runs it has nothing to gain.
    """

    version: int
    groups: frozenset[str] = frozenset()
    filter_text: str = ""


def why_not(audience: Audience, facts: DeviceFacts, test: Test | None = None) -> str | None:
    """Why a device is not in the audience, as a named reason; None when it is.

    Args:
        audience: of the rollout.
        facts: of the device.
        test: the parsed filter, where a caller asks for many devices.
    """
    if not facts.member:
        return "not_a_member"
    if facts.development:
        return "development"
    if facts.locked:
        return "locked"
    if facts.firmware == audience.version:
        return "up_to_date"
    if audience.groups and not audience.groups & facts.groups:
        return "other_group"
    if audience.filter_text:
        test = test or parse_filter(audience.filter_text)
        if not test(facts):
            return "filtered_out"
    return None


REASONS: Final[Mapping[str, str]] = {
    "not_a_member": "It is no approved device of the product.",
    "development": "It is marked for development, and so left alone.",
    "locked": "It is locked to a version.",
    "up_to_date": "It runs this version already.",
    "other_group": "It is in none of the groups of the rollout.",
    "filtered_out": "It does not pass the filter of the rollout.",
}


_TOKEN = re.compile(
    r"""\s*(?:(?P<mark>[()]|!=|<=|>=|=|<|>)|"(?P<quoted>[^"]*)"|(?P<word>[^\s()=<>!"]+))"""
)

_NUMBERS: Final[Mapping[str, Callable[[DeviceFacts], int | None]]] = {
    "firmware": lambda facts: facts.firmware,
    "device_os": lambda facts: facts.device_os,
}

_WORDS: Final[Mapping[str, Callable[[DeviceFacts], frozenset[str]]]] = {
    "group": lambda facts: facts.groups,
    "platform": lambda facts: frozenset({facts.platform}),
    "name": lambda facts: frozenset({facts.name}),
    "id": lambda facts: frozenset({facts.device_id}),
    "online": lambda facts: frozenset({"yes" if facts.online else "no"}),
}

_COMPARE: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def parse_filter(text: str) -> Test:
    """The test that a filter describes.

    Raises:
        Invalid: ``bad_filter``; the sentence says where.
    """
    if len(text) > MAX_FILTER_CHARS:
        raise Invalid("bad_filter", f"A filter has at most {MAX_FILTER_CHARS} characters.")
    return _Parser(_tokens(text)).parse()


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise Invalid("bad_filter", f"The filter cannot be read at {text[at : at + 20]!r}.")
        tokens.append(match["mark"] or match["word"] or f'"{match["quoted"]}')
        at = match.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def parse(self) -> Test:
        test = self._either()
        if self._at < len(self._tokens):
            raise _unexpected(self._tokens[self._at])
        return test

    def _peek(self) -> str:
        return self._tokens[self._at].lower() if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        if self._at >= len(self._tokens):
            raise Invalid("bad_filter", "The filter ends in the middle of a condition.")
        self._at += 1
        return self._tokens[self._at - 1]

    def _either(self) -> Test:
        tests = [self._all()]
        while self._peek() == "or":
            self._at += 1
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else lambda facts: any(one(facts) for one in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._peek() == "and":
            self._at += 1
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda facts: all(one(facts) for one in tests)

    def _one(self) -> Test:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Invalid("bad_filter", f"A filter is nested at most {MAX_DEPTH} deep.")
        try:
            return self._condition()
        finally:
            self._depth -= 1

    def _condition(self) -> Test:
        word = self._take()
        if word.lower() == "not":
            inner = self._one()
            return lambda facts: not inner(facts)
        if word == "(":
            inner = self._either()
            if self._take() != ")":
                raise Invalid("bad_filter", "The filter lacks a closing bracket.")
            return inner
        return _comparison(word.lower(), self._take(), self._take())


def _comparison(fact: str, operator: str, wanted: str) -> Test:
    wanted = wanted.removeprefix('"')
    if operator not in _COMPARE:
        raise _unexpected(operator)
    if fact in _NUMBERS:
        if not wanted.isdecimal() or len(wanted) > 9:
            raise Invalid("bad_filter", f"{fact} is compared with a number, not with {wanted!r}.")
        number, compare, read = int(wanted), _COMPARE[operator], _NUMBERS[fact]

        def by_number(facts: DeviceFacts) -> bool:
            value = read(facts)
            return value is not None and compare(value, number)

        return by_number
    if fact not in _WORDS:
        known = ", ".join([*_WORDS, *_NUMBERS])
        raise Invalid("bad_filter", f"{fact!r} is none of the facts: {known}.")
    if operator not in ("=", "!="):
        raise Invalid("bad_filter", f"{fact} is compared by = or !=.")
    read_words = _WORDS[fact]
    return lambda facts: (wanted in read_words(facts)) is (operator == "=")


def _unexpected(token: str) -> Invalid:
    shown = token.removeprefix('"')
    return Invalid("bad_filter", f"The filter is not understood at {shown!r}.")
