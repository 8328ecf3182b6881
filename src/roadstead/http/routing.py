"""Finds the target of a method and a path in one walk over the path's segments.

A path is a tree of segments, so a fixed name always wins over a parameter in the same place
(``/v1/devices/events`` over ``/v1/devices/{device}``), whatever the order of the table, and only
for the methods that it has: ``POST /v1/devices/{device}/ping`` reaches a function named ``ping``.
Segments are split before they are percent-decoded, so an encoded slash stays inside its segment.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import unquote_to_bytes

Target = TypeVar("Target")

ANY_METHOD = "*"
"""Stands for every method in a row of a route table."""


@dataclass(slots=True)
class _Node(Generic[Target]):
    fixed: "dict[str, _Node[Target]]" = field(default_factory=dict)
    parameter: "_Node[Target] | None" = None
    methods: "dict[str, _Leaf[Target]]" = field(default_factory=dict)
    rest_methods: "dict[str, _Leaf[Target]]" = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Leaf(Generic[Target]):
    target: Target
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found(Generic[Target]):
    """A row that fits.

    Attributes:
        target: what the table holds for it.
        parameters: decoded values of the path's parameters, by name.
    """

    target: Target
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class WrongMethod:
    """The path is known, but not with this method.

    Attributes:
        allowed: the methods it is known with, sorted.
    """

    allowed: tuple[str, ...]


class RouteTable(Generic[Target]):
    """Rows of (method, path, target).

    Paths are written ``/v1/devices/{device}``; a last segment ``{prefix*}`` takes one or more
    segments. A trailing slash of a request is ignored.
    """

    def __init__(self, rows: Iterable[tuple[str, str, Target]]) -> None:
        self._root: _Node[Target] = _Node()
        for method, path, target in rows:
            self._add(method, path, target)

    def find(self, method: str, raw_path: bytes) -> Found[Target] | WrongMethod | None:
        """The row for a request, or the methods that the path has, or None.

        Args:
            method: upper-case HTTP method.
            raw_path: path as it stood in the request line, still percent-encoded, without query.

        Raises:
            UnicodeDecodeError: a segment is not UTF-8 when decoded.
        """
        segments = [unquote_to_bytes(part).decode() for part in raw_path.strip(b"/").split(b"/")]
        allowed: set[str] = set()
        for leaves, values in self._candidates(self._root, segments, 0, ()):
            leaf = leaves.get(method) or leaves.get(ANY_METHOD)
            if leaf is not None:
                return Found(leaf.target, dict(zip(leaf.names, values, strict=True)))
            allowed.update(leaves)
        return WrongMethod(tuple(sorted(allowed))) if allowed else None

    def _candidates(
        self, node: _Node[Target], segments: list[str], index: int, values: tuple[str, ...]
    ) -> Iterator[tuple[dict[str, _Leaf[Target]], tuple[str, ...]]]:
        if index == len(segments):
            yield node.methods, values
            return
        segment = segments[index]
        fixed = node.fixed.get(segment)
        if fixed is not None:
            yield from self._candidates(fixed, segments, index + 1, values)
        if node.parameter is not None and segment:
            yield from self._candidates(node.parameter, segments, index + 1, (*values, segment))
        if node.rest_methods and segment:
            yield node.rest_methods, (*values, "/".join(segments[index:]))

    def _add(self, method: str, path: str, target: Target) -> None:
        node = self._root
        names: list[str] = []
        for segment in path.strip("/").split("/"):
            if not segment.startswith("{"):
                node = node.fixed.setdefault(segment, _Node())
                continue
            names.append(segment.strip("{}*"))
            if segment.endswith("*}"):
                self._put(node.rest_methods, method, path, target, names)
                return
            node.parameter = node.parameter or _Node()
            node = node.parameter
        self._put(node.methods, method, path, target, names)

    @staticmethod
    def _put(
        leaves: dict[str, _Leaf[Target]], method: str, path: str, target: Target, names: list[str]
    ) -> None:
        if method in leaves:
            raise ValueError(f"{method} {path} stands twice in the table")
        leaves[method] = _Leaf(target, tuple(names))
