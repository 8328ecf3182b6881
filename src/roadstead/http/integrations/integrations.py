"""Integrations of the caller, of a product and of an organization: webhooks and bridges.

The same rows at three places; the older names (``/v1/webhooks``) at two.

Source: particle cloud notes §2.9; clients notes §4, §6.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from starlette.responses import Response

from roadstead.http.integrations import integration_answers as answers
from roadstead.http.integrations.integration_answers import Document, owner_of
from roadstead.http.operation import Call, Handler, Operation
from roadstead.identity.permissions import Permission
from roadstead.integrations.delivery_queries import DeliveryFilter, Wanted
from roadstead.integrations.replies import status_message
from roadstead.kit.clock import from_ms, iso_ms
from roadstead.kit.errors import Invalid
from roadstead.kit.ids import parse_device_id
from roadstead.outbound.signing import write_secret

_TAG = "Integrations"

Given = Any
"""A field that the service checks, so that its refusal can say what it is for."""


class IntegrationBody(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An integration. What may be in each field, and which go together, says docs/webhooks.md."""

    integration_type: Given = msgspec.UNSET
    event: Given = msgspec.UNSET
    eventName: Given = msgspec.UNSET
    name: Given = msgspec.UNSET
    url: Given = msgspec.UNSET
    requestType: Given = msgspec.UNSET
    deviceID: Given = msgspec.UNSET
    deviceId: Given = msgspec.UNSET
    deviceid: Given = msgspec.UNSET
    json: Given = msgspec.UNSET
    form: Given = msgspec.UNSET
    body: Given = msgspec.UNSET
    query: Given = msgspec.UNSET
    headers: Given = msgspec.UNSET
    auth: Given = msgspec.UNSET
    noDefaults: Given = msgspec.UNSET
    responseTopic: Given = msgspec.UNSET
    errorResponseTopic: Given = msgspec.UNSET
    responseTemplate: Given = msgspec.UNSET
    rejectUnauthorized: Given = msgspec.UNSET
    unchunked: Given = msgspec.UNSET
    dataUrlResponseEvent: Given = msgspec.UNSET
    disabled: Given = msgspec.UNSET
    mydevices: Given = msgspec.UNSET
    template: Given = msgspec.UNSET
    parameters: Given = msgspec.UNSET
    ordered: Given = msgspec.UNSET
    batch: Given = msgspec.UNSET
    format: Given = msgspec.UNSET
    measurement: Given = msgspec.UNSET
    tags: Given = msgspec.UNSET
    maxAttempts: Given = msgspec.UNSET
    breakerFailures: Given = msgspec.UNSET
    topic: Given = msgspec.UNSET
    qos: Given = msgspec.UNSET
    retain: Given = msgspec.UNSET
    clientId: Given = msgspec.UNSET
    ca: Given = msgspec.UNSET
    callTopic: Given = msgspec.UNSET
    publishTopic: Given = msgspec.UNSET
    replyTopic: Given = msgspec.UNSET


class TestBody(msgspec.Struct):
    """An event that never was."""

    data: str = "test-event"
    device_id: str = "api"


class PreviewBody(msgspec.Struct):
    """An integration as it would be made or changed, and an event that never was.

    ``id`` names the one that is being changed: its secrets stand where they are masked. An empty
    ``event_name`` is what the integration waits for.
    """

    integration: IntegrationBody
    data: str = "test-event"
    device_id: str = "api"
    event_name: str = ""
    id: str | None = None


class PreviewAnswer(msgspec.Struct):
    """The request, its secrets masked; or null, and why it cannot be made."""

    request: dict[str, Any] | None
    error: str | None


def _given(call: Call) -> dict[str, Any]:
    return _fields_of(call.body or IntegrationBody())


def _fields_of(body: IntegrationBody) -> dict[str, Any]:
    return {
        name: value
        for name in IntegrationBody.__struct_fields__
        if (value := getattr(body, name)) is not msgspec.UNSET
    }


async def list_integrations(call: Call) -> list[Document]:
    """All of the owner, without secrets."""
    hooks = await call.parts.integrations.service.list_integrations(owner_of(call))
    return [answers.integration(hook) for hook in hooks]


async def list_webhooks(call: Call) -> list[Document]:
    """Those that older clients know."""
    return [one for one in await list_integrations(call) if one["integration_type"] == "Webhook"]


async def create(call: Call) -> Document:
    """Makes one."""
    service = call.parts.integrations.service
    hook = await service.create(call.actor, owner_of(call), _given(call))
    return answers.created(call, hook)


async def create_webhook(call: Call) -> Document:
    """Makes a webhook, as older clients do."""
    given = {**_given(call), "integration_type": "Webhook"}
    service = call.parts.integrations.service
    return answers.created(call, await service.create(call.actor, owner_of(call), given))


async def get(call: Call) -> Document:
    """One of them, with its last deliveries and what holds it up."""
    return {"integration": await _whole(call)}


async def get_webhook(call: Call) -> Document:
    """The same under the older name."""
    return {"webhook": await _whole(call)}


async def _whole(call: Call) -> Document:
    parts = call.parts.integrations
    hook = await parts.service.get_integration(owner_of(call), call.path["integration"])
    shown = answers.integration(hook)
    kinds: tuple[tuple[str, Wanted], ...] = (("logs", "delivered"), ("errors", "dead"))
    for key, outcome in kinds:
        wanted = DeliveryFilter(outcome=outcome)
        rows = await parts.log.list_deliveries([hook], wanted, limit=answers.LOGS_SHOWN)
        shown[key] = [answers.delivery(call, row) for row in rows]
    return {**shown, **answers.state_of(call, hook)}


async def replace(call: Call) -> Document:
    """Replaces what one is set to; ``disabled`` alone turns it off or on."""
    service = call.parts.integrations.service
    given = _given(call)
    hook = await service.replace(call.actor, owner_of(call), call.path["integration"], given)
    return {"integration": answers.integration(hook)}


async def remove(call: Call) -> Response:
    """Removes one."""
    service = call.parts.integrations.service
    await service.remove(call.actor, owner_of(call), call.path["integration"])
    return Response(status_code=204)


async def try_out(call: Call) -> Document:
    """Sends one request now, and says what came of it."""
    body: TestBody = call.body or TestBody()
    device_id = _device_id(body.device_id)
    service = call.parts.integrations.service
    attempt = await service.try_out(owner_of(call), call.path["integration"], body.data, device_id)
    if attempt.ok and attempt.answer is not None:
        text = attempt.answer.body.decode("utf-8", "replace")
        return {"pass": True, "data": text, "status": attempt.status}
    reason = status_message(attempt.status) if attempt.status else attempt.reason
    return {"pass": False, "error": reason, "status": attempt.status}


async def preview(call: Call) -> PreviewAnswer:
    """Makes the request of an integration that need not exist, and sends nothing."""
    body: PreviewBody = call.body
    fields = _fields_of(body.integration)
    service, owner = call.parts.integrations.service, owner_of(call)
    name = body.event_name or str(fields.get("event") or fields.get("eventName") or "event")
    event = service.imagine_event(owner, name, body.data, _device_id(body.device_id))
    made = await service.preview(owner, fields, body.id, event)
    return PreviewAnswer(None, made) if isinstance(made, str) else PreviewAnswer(made, None)


def _device_id(told: str) -> str:
    device_id = told if told == "api" else parse_device_id(told)
    if device_id is None:
        raise Invalid("invalid_request", "Field 'device_id' must be 24 hex digits, or api.")
    return device_id


async def get_secret(call: Call) -> Document:
    """The secret by which a receiver verifies signatures, and when the one before it ends."""
    service = call.parts.integrations.service
    hook = await service.get_integration(owner_of(call), call.path["integration"])
    return _secret(hook.keys)


async def rotate_secret(call: Call) -> Document:
    """Another secret; the old one signs beside it for a day."""
    service = call.parts.integrations.service
    hook = await service.rotate_key(call.actor, owner_of(call), call.path["integration"])
    return _secret(hook.keys)


def _secret(keys: tuple[Any, ...]) -> Document:
    until_ms = keys[1].until_ms if len(keys) > 1 else None
    return {
        "secret": write_secret(keys[0].key),
        "previous_until": None if until_ms is None else iso_ms(from_ms(until_ms)),
    }


async def reset(call: Call) -> Document:
    """Closes its breaker and wakes the hosts of its owner."""
    service = call.parts.integrations.service
    await service.reset(call.actor, owner_of(call), call.path["integration"])
    return {"ok": True}


async def list_templates(call: Call) -> list[Document]:
    """What integrations can be made from."""
    return [answers.template(one) for one in call.parts.integrations.service.list_templates()]


SCOPES = (("", ""), ("product_", "/products/{product}"), ("organization_", "/orgs/{org}"))
"""Whose integrations: part of the operation's name, and of its path."""

_P = Permission

_ROWS: tuple[tuple[str, str, str, str, Handler, Permission, dict[str, Any]], ...] = (
    ("list_", "s", "GET", "", list_integrations, _P.INTEGRATIONS_LIST, {}),
    ("create_", "", "POST", "", create, _P.INTEGRATIONS_CREATE,
     {"body": IntegrationBody, "status": 201, "errors": (409, 501)}),
    ("get_", "", "GET", "/{integration}", get, _P.INTEGRATIONS_GET, {}),
    ("update_", "", "PUT", "/{integration}", replace, _P.INTEGRATIONS_UPDATE,
     {"body": IntegrationBody, "errors": (501,)}),
    ("remove_", "", "DELETE", "/{integration}", remove, _P.INTEGRATIONS_REMOVE, {"status": 204}),
    ("test_", "", "POST", "/{integration}/test", try_out, _P.INTEGRATIONS_TEST,
     {"body": TestBody}),
    ("preview_", "", "POST", "/preview", preview, _P.INTEGRATIONS_TEST,
     {"body": PreviewBody, "answer": PreviewAnswer, "errors": (501,)}),
    ("get_", "_secret", "GET", "/{integration}/secret", get_secret, _P.INTEGRATIONS_UPDATE, {}),
    ("rotate_", "_secret", "POST", "/{integration}/secret", rotate_secret,
     _P.INTEGRATIONS_UPDATE, {}),
    ("reset_", "", "POST", "/{integration}/reset", reset, _P.INTEGRATIONS_UPDATE, {}),
)  # fmt: skip

_SUMMARIES = {
    "list_s": "List integrations",
    "create_": "Create a webhook or another integration",
    "get_": "Get an integration with its last deliveries",
    "update_": "Replace what an integration is set to, or turn it off and on",
    "remove_": "Remove an integration",
    "test_": "Send one request now",
    "preview_": "Show the request that an integration would send, and send nothing",
    "get__secret": "Get the secret that its signatures are verified with",
    "rotate__secret": "Replace that secret; the old one stays good for a day",
    "reset_": "Close the breaker of an integration and send what waits",
}


def _operations() -> Iterator[Operation]:
    for whose, scope in SCOPES:
        for verb, rest, method, below, handler, permission, more in _ROWS:
            answer = list[Document] if rest == "s" else Document
            yield Operation(
                name=f"{verb}{whose}integration{rest}",
                method=method,
                path=f"/v1{scope}/integrations{below}",
                tag=_TAG,
                summary=_SUMMARIES[verb + rest],
                handler=handler,
                permission=permission,
                **{"answer": None if method == "DELETE" else answer, **_with_404(below, more)},
            )


def _with_404(below: str, more: dict[str, Any]) -> dict[str, Any]:
    return {**more, "errors": (*more.get("errors", ()), *((404,) if below else ()))}


def _webhooks() -> Iterator[Operation]:
    rows: tuple[tuple[str, str, str, Handler, Permission, dict[str, Any]], ...] = (
        ("list_{}webhooks", "GET", "", list_webhooks, _P.INTEGRATIONS_LIST,
         {"answer": list[Document]}),
        ("create_{}webhook", "POST", "", create_webhook, _P.INTEGRATIONS_CREATE,
         {"body": IntegrationBody, "answer": Document, "status": 201, "errors": (409,)}),
        ("get_{}webhook", "GET", "/{integration}", get_webhook, _P.INTEGRATIONS_GET,
         {"answer": Document, "errors": (404,)}),
        ("remove_{}webhook", "DELETE", "/{integration}", remove, _P.INTEGRATIONS_REMOVE,
         {"status": 204, "errors": (404,)}),
    )  # fmt: skip
    for whose, scope in SCOPES[:2]:
        for name, method, below, handler, permission, more in rows:
            yield Operation(
                name=name.format(whose),
                method=method,
                path=f"/v1{scope}/webhooks{below}",
                tag=_TAG,
                summary="The same at the path that older clients use",
                handler=handler,
                permission=permission,
                **more,
            )


OPERATIONS = (
    *_operations(),
    *_webhooks(),
    Operation(
        name="list_integration_templates",
        method="GET",
        path="/v1/integration_templates",
        tag=_TAG,
        summary="List templates that integrations can be made from",
        handler=list_templates,
        permission=Permission.INTEGRATIONS_LIST,
        answer=list[Document],
    ),
)
