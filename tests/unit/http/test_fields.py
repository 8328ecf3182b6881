import asyncio
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.http import fields
from roadstead.http.fields import Body, ClientGone, convert, parse_form, parse_json, read_body
from roadstead.kit.errors import DomainError, Invalid, TimedOut


class Wanted(msgspec.Struct):
    name: str
    ttl: int = 60
    private: bool = True


def receiver(*chunks: bytes):
    messages = [
        {"type": "http.request", "body": chunk, "more_body": index < len(chunks) - 1}
        for index, chunk in enumerate(chunks)
    ]

    async def receive():
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    return receive


async def read(media_type: str, *chunks: bytes) -> Body:
    return await read_body(receiver(*chunks), {"content-type": media_type} if media_type else {})


async def test_json_and_form_give_the_same_fields():
    as_json = await read("application/json; charset=utf-8", b'{"name":"a b","ttl":5}')
    as_form = await read("application/x-www-form-urlencoded", b"name=a+b&ttl=5")
    assert convert(as_json, Wanted) == convert(as_form, Wanted) == Wanted("a b", 5)


async def test_chunks_are_joined():
    body = await read("application/json", b'{"na', b'me":"x"', b"}")
    assert body.fields == {"name": "x"}


@pytest.mark.parametrize("content", [b'{"name":"x"}', b"name=x"])
async def test_a_body_without_a_type_is_read_by_its_look(content):
    assert (await read("", content)).fields == {"name": "x"}


async def test_files_are_named_and_not_read():
    body = await read("multipart/form-data; boundary=x", b"--x", b"never read")
    assert body.has_files and set(body.fields) == {"file"}


async def test_another_type_is_refused():
    with pytest.raises(Invalid, match="text/csv") as caught:
        await read("text/csv", b"a,b")
    assert caught.value.code == "unsupported_media_type"


async def test_an_announced_size_over_the_limit_is_refused_before_it_is_read():
    headers = {"content-type": "application/json", "content-length": str(fields.MAX_BODY_BYTES + 1)}
    with pytest.raises(Invalid) as caught:
        await read_body(receiver(), headers)
    assert caught.value.code == "body_too_large"


async def test_a_size_over_the_limit_is_refused_when_it_was_not_announced():
    with pytest.raises(Invalid) as caught:
        await read("application/json", b" " * fields.MAX_BODY_BYTES, b" ")
    assert caught.value.code == "body_too_large"


async def test_a_caller_who_leaves_is_no_error():
    async def leave():
        return {"type": "http.disconnect"}

    with pytest.raises(ClientGone):
        await read_body(leave, {"content-type": "application/json"})


async def test_a_body_that_does_not_come_ends_the_wait(monkeypatch):
    monkeypatch.setattr(fields, "BODY_TIMEOUT_S", 0.01)

    async def never():
        await asyncio.Event().wait()

    with pytest.raises(TimedOut, match="did not arrive"):
        await read_body(never, {"content-type": "application/json"})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[1]", "must be a JSON object"),
        (b"{", "not valid JSON"),
        (b'{"a":"\xff"}', "not valid JSON"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "deeper than 32"),
        (b'{"a":' * 9_000, "not valid JSON|deeper than 32"),
        (b'{"a":' + b"[" * 9_000 + b"]" * 9_000 + b"}", "deeper than 32"),
        (b'{"a":[' + b"[]," * 200_000 + b"[]]}", "more than 20000 values"),
        (b'{"a":[' + b"1," * 200_000 + b"1]}", "more than 20000 values"),
    ],
)
def test_what_is_wrong_with_json_is_said(content, said):
    with pytest.raises(Invalid, match=said):
        parse_json(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a=1&a=2", "'a' is given twice"),
        (b"a[b]=1&a[b]=2", r"'a\[b\]' is given twice"),
        (b"a=1&a[b]=2", "'a' is given twice"),
        (b"a=%ff", "not valid UTF-8"),
        (b"a=\xff", "not valid UTF-8"),
        (b"a=" + b"x" * 70_000, "'a' is longer than 65536"),
        (b"&".join(b"f%d=1" % n for n in range(101)), "more than 100 fields"),
    ],
)
def test_what_is_wrong_with_a_form_is_said(content, said):
    with pytest.raises(Invalid, match=said):
        parse_form(content)


def test_brackets_in_a_form_nest():
    assert parse_form(b"account_info[first_name]=Jo&account_info[last_name]=&x=") == {
        "account_info": {"first_name": "Jo", "last_name": ""},
        "x": "",
    }


@pytest.mark.parametrize(
    ("given_fields", "said"),
    [
        ({}, "'name' is missing"),
        ({"name": 5}, "'name'"),
        ({"name": "x", "ttl": "soon"}, "'ttl'"),
        ({"name": "x", "ttl": [1]}, "'ttl'"),
        ({"name": "x", "private": "perhaps"}, "'private'"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(given_fields, said):
    with pytest.raises(Invalid, match=said):
        convert(Body(given_fields), Wanted)


def test_texts_of_a_form_become_numbers_and_truths():
    assert convert(Body({"name": "x", "ttl": "7", "private": "false"}), Wanted) == Wanted(
        "x", 7, False
    )


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.text() | st.integers(), st.lists)))
def test_any_object_is_read_or_refused_by_name(document):
    try:
        assert parse_json(json.dumps(document).encode()) is not None
    except Invalid as error:
        assert error.code == "invalid_request"


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_named_refusal(content):
    for parse in (parse_json, parse_form):
        try:
            parse(content)
        except DomainError as error:
            assert error.code == "invalid_request" and error.message
