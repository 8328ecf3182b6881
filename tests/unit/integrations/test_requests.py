"""A webhook and an event become a request."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.builders.events import make_event
from tests.builders.hooks import make_hook

from roadstead.integrations.model import Batch, Credentials
from roadstead.integrations.requests import compose
from roadstead.integrations.template import TemplateFailure

DEVICE = "a" * 24
DEFAULTS = {
    "event": "temperature",
    "data": "21.5",
    "coreid": DEVICE,
    "published_at": "2026-01-01T00:00:00.123Z",
}


def composed(event=None, url="https://x.example/y", **settings):
    return compose(make_hook(url, **settings).settings, [event or make_event()])


def form_of(request):
    return dict(parse_qsl(request.body.decode(), keep_blank_values=True))


def test_the_default_is_a_form():
    request = composed()
    assert (request.method, request.url) == ("POST", "https://x.example/y")
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.headers["User-Agent"].startswith("ParticleBot/1.1")
    assert form_of(request) == DEFAULTS


def test_of_a_get_the_default_is_a_query():
    request = composed(method="GET", query={"q": "{{data}}", "event": "mine"})
    query = dict(parse_qsl(urlsplit(request.url).query))
    assert query == {**DEFAULTS, "q": "21.5", "event": "mine"}
    assert request.body == b""
    assert "Content-Type" not in request.headers


def test_without_defaults():
    assert form_of(composed(no_defaults=True, form={"a": "{{data}}"})) == {"a": "21.5"}
    assert composed(method="GET", no_defaults=True).url == "https://x.example/y"
    assert json.loads(composed(no_defaults=True, json={"a": 1}).body) == {"a": 1}


def test_json_keeps_its_kinds_and_gets_the_defaults():
    event = make_event(payload=b'{"t": 21.5, "say": "a \\"b\\""}')
    request = composed(event, json={"t": "{{{t}}}", "say": "{{{say}}}", "n": 5, "data": "mine"})
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body) == {
        **DEFAULTS,
        "t": "21.5",
        "say": 'a "b"',
        "n": 5,
        "data": "mine",
    }


def test_a_json_text_is_a_template_of_the_whole():
    event = make_event(payload=b'{"t": 21.5, "list": [1, 2]}')
    request = composed(event, json='{"t": {{t}}, "l": {{{list}}}}', no_defaults=True)
    assert json.loads(request.body) == {"t": 21.5, "l": [1, 2]}
    whole = composed(event, json="{{{PARTICLE_EVENT_VALUE}}}", no_defaults=True)
    assert json.loads(whole.body) == {"t": 21.5, "list": [1, 2]}
    with pytest.raises(TemplateFailure, match="no valid JSON"):
        composed(make_event(payload=b"x"), json='{"t": {{{data}}}}')


def test_a_body_is_sent_as_it_is():
    request = composed(body="<t>{{{data}}}</t>", headers={"content-type": "text/xml"})
    assert request.body == b"<t>21.5</t>"
    assert {k.lower(): v for k, v in request.headers.items()}["content-type"] == "text/xml"


def test_templates_everywhere():
    event = make_event(payload=b'{"h": "x.example", "u": "jo", "k": "K"}')
    request = composed(
        event,
        url="https://{{h}}/{{{PARTICLE_EVENT_NAME}}}?a=1#end",
        query={"{{u}}": "{{k}}"},
        headers={"X-{{k}}": "{{u}}"},
        auth=Credentials("{{u}}", "{{k}}"),
    )
    assert request.url == "https://x.example/temperature?a=1&jo=K#end"
    assert request.headers["X-K"] == "jo"
    assert request.headers["Authorization"] == "Basic am86Sw=="


def test_an_own_header_replaces_a_usual_one_in_any_case():
    request = composed(headers={"user-agent": "mine", "authorization": "Bearer t"})
    assert request.headers["user-agent"] == "mine"
    assert "User-Agent" not in request.headers


def test_a_url_is_made_valid():
    event = make_event(payload="ä b".encode())
    assert composed(event, url="https://x.example/{{{data}}}").url == "https://x.example/%C3%A4%20b"


def test_no_device_passes_itself_off_as_another():
    event = make_event(payload=b'{"PARTICLE_DEVICE_ID": "other", "coreid": "other"}')
    request = composed(event, json={"a": "{{PARTICLE_DEVICE_ID}}"}, no_defaults=True)
    assert json.loads(request.body) == {"a": DEVICE}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PARTICLE_DEVICE_ID", DEVICE),
        ("PARTICLE_EVENT_NAME", "temperature"),
        ("PARTICLE_EVENT_VALUE", "21.5"),
        ("PARTICLE_PUBLISHED_AT", "2026-01-01T00:00:00.123Z"),
        ("PARTICLE_EVENT_ID", "77"),
        ("PARTICLE_EVENT_JSON", "21.5"),
        ("PARTICLE_EVENT_BASE64", "MjEuNQ=="),
        ("PRODUCT_ID", "30301"),
        ("PRODUCT_USER_ID", "0" * 23 + "1"),
        ("PRODUCT_VERSION", "7"),
        ("SPARK_CORE_ID", DEVICE),
        ("SPARK_EVENT_NAME", "temperature"),
        ("SPARK_EVENT_VALUE", "21.5"),
        ("SPARK_PUBLISHED_AT", "2026-01-01T00:00:00.123Z"),
    ],
)
def test_predefined_names(name, value):
    event = make_event(id=77, product_id=30301, firmware_version=7)
    assert composed(event, body="{{{" + name + "}}}").body.decode() == value


def batch(format, **settings):
    hook = make_hook(batch=Batch(), format=format, **settings)
    events = [make_event(payload=str(number).encode()) for number in range(3)]
    return compose(hook.settings, events)


def test_batches():
    assert [one["data"] for one in json.loads(batch("json-array").body)] == ["0", "1", "2"]
    assert json.loads(batch("json-array", json={"v": "{{data}}"}, no_defaults=True).body) == [
        {"v": "0"},
        {"v": "1"},
        {"v": "2"},
    ]
    lines = batch("json-lines").body.splitlines()
    assert [json.loads(line)["data"] for line in lines] == ["0", "1", "2"]
    assert batch("text-lines", body="v={{data}}").body == b"v=0\nv=1\nv=2"
    influx = batch("influx", tags={"site": "a b", "none": ""}, measurement="m").body.decode()
    at = 1767225600123
    assert influx.splitlines()[0] == f"m,device={DEVICE},site=a\\ b value=0.0 {at}"


def test_too_large_a_body():
    event = make_event(payload=b"x" * 1000)
    hook = make_hook(batch=Batch(max_events=1000), json={"a": "{{data}}" * 50})
    with pytest.raises(TemplateFailure, match="longer"):
        compose(hook.settings, [event] * 100)
