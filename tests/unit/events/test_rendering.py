import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders.events import make_event

from roadstead.events.rendering import core_id, data_text, to_json, to_sse

CBOR_21_5 = bytes.fromhex("a16174f94d60")  # {"t": 21.5}


def test_an_event_is_written_as_the_official_client_reads_it():
    event = make_event("temp", b"21.5", id=77, ttl_s=30)
    assert to_sse(event) == (
        b"id: 77\nevent: temp\n"
        b'data: {"data":"21.5","ttl":30,"published_at":"2026-01-01T00:00:00.123Z",'
        b'"coreid":"aaaaaaaaaaaaaaaaaaaaaaaa"}\n\n'
    )


@pytest.mark.parametrize(
    ("payload", "content_format", "text"),
    [
        (None, None, ""),
        (b"", None, ""),
        ("21,5 °C".encode(), None, "21,5 °C"),
        ("21,5 °C".encode(), 0, "21,5 °C"),
        (b'{"a":1}', 50, '{"a":1}'),
        (b"\xff\xfe", None, "��"),
        (CBOR_21_5, 60, '{"t":21.5}'),
        (CBOR_21_5, 65001, '{"t":21.5}'),
        (b"\xa1\x61", 60, "data:application/cbor;base64,oWE="),
        (b"\x89PNG", 23, "data:image/png;base64,iVBORw=="),
        (b"\xff\xd8", 22, "data:image/jpeg;base64,/9g="),
        (b"\0\1", 42, "data:application/octet-stream;base64,AAE="),
        (b"\0\1", 999, "data:application/octet-stream;base64,AAE="),
    ],
)
def test_data_is_always_one_string(payload, content_format, text):
    event = make_event(payload=payload, content_format=content_format)
    assert data_text(event) == text
    assert to_json(event)["data"] == text


def test_the_core_id_says_who_it_was():
    assert core_id(make_event()) == "a" * 24
    assert core_id(make_event(source="system")) == "a" * 24
    assert core_id(make_event(device_id=None, source="api")) == "api"
    assert core_id(make_event(device_id=None, source="system")) == "particle-internal"


@settings(max_examples=150, deadline=None)
@given(
    name=st.text(max_size=70),
    payload=st.none() | st.binary(max_size=80),
    content_format=st.sampled_from([None, 0, 22, 42, 50, 60, 65001, 12345]),
)
def test_whatever_is_in_an_event_it_stays_one_event_of_three_lines(name, payload, content_format):
    event = make_event(name, payload, content_format=content_format)
    lines = to_sse(event).split(b"\n")
    assert len(lines) == 5
    assert lines[3:] == [b"", b""]
    assert b"\r" not in lines[1]
    shown = json.loads(lines[2].removeprefix(b"data: "))
    assert shown["data"] == data_text(event)
    if content_format == 42 and payload:
        assert base64.b64decode(shown["data"].partition(",")[2]) == payload
