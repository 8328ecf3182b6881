"""Templates over JSON values."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.integrations.template import (
    MAX_TEMPLATE_CHARS,
    TemplateFailure,
    check,
    render,
    render_tree,
    texts_of,
)

VALUES = {
    "t": 21.5,
    "n": 3,
    "yes": True,
    "no": False,
    "none": None,
    "text": 'a<b & "c"',
    "list": [{"x": 1}, {"x": 2}],
    "deep": {"a": {"b": ["zero", "one"]}},
    "empty": [],
    "zero": 0,
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("{{t}}|{{{t}}}|{{n}}", "21.5|21.5|3"),
        ("{{yes}}|{{no}}|{{none}}|", "true|false||"),
        ("{{text}}", "a&lt;b &amp; &quot;c&quot;"),
        ("{{{text}}}|{{& text}}", 'a<b & "c"|a<b & "c"'),
        ("{{missing}}|{{missing.more}}|", "||"),
        ("{{deep.a.b.1}}|{{deep.a.b.2}}|{{list.0.x}}", "one||1"),
        ("{{#list}}[{{x}}]{{/list}}", "[1][2]"),
        ("{{#deep.a.b}}{{.}},{{/deep.a.b}}", "zero,one,"),
        ("{{^empty}}none{{/empty}}{{#yes}}!{{/yes}}{{#no}}?{{/no}}", "none!"),
        ("{{{list}}}|{{{deep}}}", '[{"x":1},{"x":2}]|{"a":{"b":["zero","one"]}}'),
        ("{{! a remark }}x", "x"),
        ("{{=<% %>=}}<%n%>{{n}}", "3{{n}}"),
        ("{{> /etc/passwd}}{{> template}}", ""),
        ("{{t.__class__}}{{list.__class__}}{{list.append}}{{text.upper}}{{deep.keys}}", ""),
        ("{{list._values}}{{list.__len__}}{{list._budget}}", ""),
    ],
)
def test_rendering(template, text):
    assert render(template, VALUES) == text


@pytest.mark.parametrize("template", ["{{#a}}", "{{/a}}", "{{#a}}{{/b}}"])
def test_malformed_templates(template):
    with pytest.raises(TemplateFailure):
        check(template)
    with pytest.raises(TemplateFailure):
        render(template, {})


def test_sections_within_sections_do_not_run_away():
    template = "{{#a}}" * 8 + "x" + "{{/a}}" * 8
    with pytest.raises(TemplateFailure, match="repeat"):
        render(template, {"a": list(range(1, 500))})


def test_results_are_bounded():
    template = "{{#a}}" + "x" * 10_000 + "{{/a}}"
    with pytest.raises(TemplateFailure, match="longer"):
        render(template, {"a": list(range(1, 500))})


def test_templates_are_bounded():
    with pytest.raises(TemplateFailure, match="longer"):
        check("{{a}}" + "x" * MAX_TEMPLATE_CHARS)


def test_a_deep_template_is_its_authors_mistake():
    template = "{{#a}}" * 1300 + "{{/a}}" * 1300
    with pytest.raises(TemplateFailure):
        render(template, {"a": {"a": 1}})


def test_every_text_of_a_tree_is_rendered():
    tree = {"{{n}}": ["{{t}}", 5, True, None, {"x": "{{{list}}}"}]}
    assert render_tree(tree, VALUES) == {"3": ["21.5", 5, True, None, {"x": '[{"x":1},{"x":2}]'}]}
    assert sorted(texts_of(tree)) == ["x", "{{n}}", "{{t}}", "{{{list}}}"]


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
_pieces = st.sampled_from(
    ["{{", "}}", "{{{", "}}}", "a", "b", ".", "#", "/", "^", "!", ">", "=", "&", " ", "0", "<% %>"]
)


@given(st.lists(_pieces, max_size=20).map("".join), st.dictionaries(st.sampled_from("ab"), _json))
def test_whatever_it_is_it_renders_or_fails_as_its_authors_mistake(template, values):
    with contextlib.suppress(TemplateFailure):
        assert isinstance(render(template, values), str)
