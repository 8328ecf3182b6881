"""Answers become events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.events import make_event
from tests.builders.hooks import make_hook

from roadstead.integrations.model import Owner
from roadstead.integrations.replies import answer_replies, chunks, error_replies
from roadstead.outbound.http_messages import HttpAnswer

USER, PRODUCT = Owner("user", "1" * 24), Owner("product", "30301")
DEVICE = "a" * 24


def replies(body: bytes, owner=USER, *, cut=False, content_type="text/plain", **settings):
    answer = HttpAnswer(200, {"content-type": content_type}, body, cut)
    return answer_replies(make_hook(**settings).settings, owner, make_event("temp"), answer)


def test_topics():
    assert replies(b"hi").events == [("hook-response/temp/0", b"hi")]
    assert replies(b"hi", PRODUCT).events == [(f"{DEVICE}/hook-response/temp/0", b"hi")]
    own = "{{PARTICLE_DEVICE_ID}}/got/{{PARTICLE_EVENT_NAME}}"
    assert replies(b"hi", response_topic=own).events == [(f"{DEVICE}/got/temp/0", b"hi")]


def test_an_empty_answer_gives_none():
    assert replies(b"").events == []
    assert replies(b"", response_template="x").events == []


def test_long_answers_come_in_pieces():
    found = replies(b"x" * 1200)
    assert [(name, len(data)) for name, data in found.events] == [
        ("hook-response/temp/0", 512),
        ("hook-response/temp/1", 512),
        ("hook-response/temp/2", 176),
    ]
    assert found.problem is None
    assert "cut" in replies(b"x", cut=True).problem


def test_unchunked():
    assert replies(b"x" * 1024, unchunked=True).events == [("hook-response/temp", b"x" * 1024)]
    dropped = replies(b"x" * 1025, unchunked=True)
    assert dropped.events == []
    assert "1025 bytes" in dropped.problem


def test_the_response_template():
    body = b'{"main": {"temp": 21.5}, "list": [{"a": 1}]}'
    template = "{{main.temp}}/{{list.0.a}}/{{PARTICLE_EVENT_NAME}}"
    assert replies(body, response_template=template).events[0][1] == b"21.5/1/temp"
    listed = replies(b'[{"a": 1}, {"a": 2}]', response_template="{{1.a}}")
    assert listed.events[0][1] == b"2"
    assert "passed on" in replies(body, response_template="{{#a}}").problem


def test_a_data_url():
    found = replies(b"\x00\xff", data_url_response=True, content_type="image/png; x=y")
    assert found.events[0][1] == b"data:image/png;base64,AP8="


def test_errors():
    hook = make_hook()
    found = error_replies(hook.settings, USER, make_event("temp"), "error status 404 from host")
    assert found.events == [("hook-error/temp/0", b"error status 404 from host")]
    hook = make_hook(error_response_topic="oops/{{PARTICLE_EVENT_NAME}}")
    found = error_replies(hook.settings, PRODUCT, make_event("temp"), "no")
    assert found.events == [("oops/temp/0", b"no")]
    found = error_replies(None, PRODUCT, make_event("temp"), "no")
    assert found.events == [(f"{DEVICE}/hook-error/temp/0", b"no")]


def test_a_topic_cannot_break_a_stream():
    event = make_event(payload=b"a\nb")
    hook = make_hook(response_topic="{{{PARTICLE_EVENT_VALUE}}}")
    answer = HttpAnswer(200, {}, b"x")
    assert answer_replies(hook.settings, USER, event, answer).events == [("a b/0", b"x")]
    long = make_hook(response_topic="x" * 161)
    assert "topic" in answer_replies(long.settings, USER, event, answer).problem


@given(st.text(max_size=2000))
def test_pieces_join_to_the_whole_and_cut_no_character(text):
    pieces = chunks(text.encode())
    assert b"".join(pieces).decode() == text
    for piece in pieces:
        assert 0 < len(piece) <= 512
        piece.decode()


@pytest.mark.parametrize("data", [b"\x80" * 3000, b"\xff" * 700, b"x" * 511 + b"\x80" * 600])
def test_pieces_of_what_is_no_text(data):
    pieces = chunks(data)
    assert b"".join(pieces) == data
    assert all(0 < len(piece) <= 512 for piece in pieces)
