"""Mustache templates over JSON values, safe to run for anybody. Pure.

Templates are data of tenants, so they get nothing but JSON: no functions are called, no files are
read for partials, lists repeat a bounded number of times, and the result has a bounded size.

Source: particle cloud notes §3.9; mustache(5).
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec
import pystache
from pystache.parser import ParsingError

MAX_TEMPLATE_CHARS = 16 * 1024
"""Longest template; the longest in the field's documentation has a few hundred characters."""

MAX_REPETITIONS = 2000
"""How often all lists of one rendering repeat together: sections within sections multiply."""

MAX_RESULT_CHARS = 1024 * 1024

_encode_json = msgspec.json.Encoder().encode


class TemplateFailure(Exception):
    """The template is malformed, or its result is too large; the text is fit for its author."""


class Items:
    """A list as templates see it: ``{{#a}}…{{/a}}`` repeats, ``{{a.0}}`` picks.

    It has no attributes but its indexes, because mustache looks names up as attributes.
    """

    __slots__ = ("_budget", "_values")

    def __init__(self, values: list[Any], budget: list[int]) -> None:
        object.__setattr__(self, "_values", values)
        object.__setattr__(self, "_budget", budget)

    def __getattribute__(self, name: str) -> Any:
        if name.isascii() and name.isdecimal() and len(name) <= 6:
            values = object.__getattribute__(self, "_values")
            if int(name) < len(values):
                return values[int(name)]
        raise AttributeError(name)

    def __bool__(self) -> bool:
        return bool(object.__getattribute__(self, "_values"))

    def __iter__(self) -> Iterator[Any]:
        budget = object.__getattribute__(self, "_budget")
        for value in object.__getattribute__(self, "_values"):
            budget[0] -= 1
            if budget[0] < 0:
                raise TemplateFailure(f"the lists repeat more than {MAX_REPETITIONS} times")
            yield value


def render(template: str, values: Mapping[str, Any]) -> str:
    """The template with its tags replaced.

    Args:
        template: text with ``{{name}}`` (escaped for HTML), ``{{{name}}}`` (as it is), sections.
        values: JSON values by name; what has no name here becomes empty.

    Raises:
        TemplateFailure: see there.
    """
    if "{{" not in template:
        return template
    budget = [MAX_REPETITIONS]
    seen = {name: _visible(value, budget) for name, value in values.items()}
    try:
        result = str(_RENDERER.render(_parsed(template), seen))
    except TemplateFailure:
        raise
    except Exception as error:
        # A strange template must end as its author's mistake, whatever it makes the library raise.
        raise TemplateFailure("the template cannot be rendered") from error
    if len(result) > MAX_RESULT_CHARS:
        raise TemplateFailure(f"the result is longer than {MAX_RESULT_CHARS} characters")
    return result


def check(template: str) -> None:
    """Refuses a malformed template.

    Raises:
        TemplateFailure: see there.
    """
    if "{{" in template:
        _parsed(template)


def render_tree(tree: Any, values: Mapping[str, Any]) -> Any:
    """A JSON value with every text in it rendered, names of objects included.

    Raises:
        TemplateFailure: see there.
    """
    if isinstance(tree, str):
        return render(tree, values)
    if isinstance(tree, list):
        return [render_tree(one, values) for one in tree]
    if isinstance(tree, dict):
        return {render(name, values): render_tree(one, values) for name, one in tree.items()}
    return tree


def texts_of(tree: Any) -> Iterator[str]:
    """All texts within a JSON value, names of objects included."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, list):
        for one in tree:
            yield from texts_of(one)
    elif isinstance(tree, dict):
        for name, one in tree.items():
            yield name
            yield from texts_of(one)


def as_text(value: Any) -> str:
    """A JSON value within a text: texts as they are, nothing for null, all else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else _encode_json(_plain(value)).decode()


def _visible(value: Any, budget: list[int]) -> Any:
    if isinstance(value, list):
        return Items([_visible(one, budget) for one in value], budget)
    if isinstance(value, dict):
        return {name: _visible(one, budget) for name, one in value.items()}
    return value


def _plain(value: Any) -> Any:
    if type(value) is Items:
        return [_plain(one) for one in object.__getattribute__(value, "_values")]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return value


@lru_cache(maxsize=2048)
def _parsed(template: str) -> Any:
    if len(template) > MAX_TEMPLATE_CHARS:
        raise TemplateFailure(f"the template is longer than {MAX_TEMPLATE_CHARS} characters")
    try:
        parsed = pystache.parse(template)
        if _is_open(template):
            raise TemplateFailure("the template is malformed: a section is not closed")
        return parsed
    except TemplateFailure:
        raise
    except ParsingError as error:
        raise TemplateFailure(f"the template is malformed: {error}") from error
    except Exception as error:
        raise TemplateFailure("the template is malformed") from error


def _is_open(template: str) -> bool:
    """Whether a section is not closed: the library drops what came before it without a word."""
    try:
        pystache.parse(template + "{{/ }}")
    except ParsingError as error:
        return "expected {{#" not in str(error)
    return False  # its delimiters were changed


_RENDERER = pystache.Renderer(
    partials={},  # otherwise they would be looked for in files
    missing_tags="ignore",
)
_RENDERER.str_coerce = as_text
