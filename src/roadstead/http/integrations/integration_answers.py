"""Integrations and deliveries as the API writes them.

Source: particle cloud notes §1.13, §2.9, §3.9.
"""

from typing import Any

import msgspec

from roadstead.events.rendering import core_id, data_text
from roadstead.http.operation import Call
from roadstead.integrations.breaker import Breaker
from roadstead.integrations.delivery_store import DeliveryRow
from roadstead.integrations.masking import masked
from roadstead.integrations.model import Integration, Owner
from roadstead.integrations.template_files import IntegrationTemplate
from roadstead.kit.clock import from_ms, iso_ms

Document = dict[str, Any]

LOGS_SHOWN = 10
"""Last successes, and last errors, that come with an integration, as in the field."""


def path_of(owner_path: str, hook_id: str) -> str:
    """Path of an integration below that of its owner."""
    return f"/v1{owner_path}/integrations/{hook_id}"


def owner_of(call: Call) -> Owner:
    """Whose integrations a path means: a product's, an organization's, or the caller's."""
    if call.reached is not None:
        return Owner("product", str(call.product.id))
    if call.reached_organization is not None:
        return Owner("organization", call.organization.id)
    return Owner("user", call.actor.user_id)


def owner_path(call: Call) -> str:
    """Path of that owner."""
    if call.reached is not None:
        return f"/products/{call.product.id}"
    return f"/orgs/{call.organization.id}" if call.reached_organization is not None else ""


def created(call: Call, hook: Integration) -> Document:
    """A new integration, as the official tools read it."""
    origin = call.parts.settings.public_url or f"{call.caller.scheme}://{call.caller.authority}"
    link = "hookUrl" if hook.kind == "Webhook" else "integrationUrl"
    shown = integration(hook)
    return {
        "ok": True,
        "id": hook.id,
        "url": shown["url"],
        "event": hook.event,
        "name": hook.name,
        "created_at": shown["created_at"],
        "integration_type": hook.kind,
        link: origin + path_of(owner_path(call), hook.id),
    }


def integration(hook: Integration) -> Document:
    """An integration without its secrets."""
    document: Document = {
        "id": hook.id,
        "integration_type": hook.kind,
        "event": hook.event,
        "name": hook.name,
        "disabled": hook.disabled,
        "created_at": iso_ms(hook.created_at),
        "updated_at": iso_ms(hook.updated_at),
        **masked(msgspec.to_builtins(hook.settings)),
    }
    if hook.kind == "Webhook":
        document.setdefault("requestType", "POST")
    if hook.device_id is not None:
        document["deviceID"] = hook.device_id
    if hook.template is not None:
        document["template"] = hook.template
    return document


def state_of(call: Call, hook: Integration) -> Document:
    """What holds an integration up now."""
    parts, now_s = call.parts.integrations, call.parts.clock.monotonic()
    lane = parts.engine.lane_of(hook.id)
    hosts = parts.breakers.hosts_of(hook.owner)
    return {
        "breaker": _breaker(parts.breakers.of_hook(hook.id), now_s, call),
        "hosts": {host: _breaker(one, now_s, call) for host, one in sorted(hosts.items())},
        "in_flight": lane.in_flight if lane else 0,
        "held_by": lane.held_by if lane and lane.held_until_ms else None,
    }


def _breaker(breaker: Breaker, now_s: float, call: Call) -> Document:
    wait_s = breaker.until_s - now_s
    until = None
    if breaker.state == "open" and wait_s > 0:
        now_ms = int(call.parts.clock.now().timestamp() * 1000)
        until = iso_ms(from_ms(now_ms + int(wait_s * 1000)))
    return {
        "state": breaker.state,
        "until": until,
        "errors": breaker.errors,
        "successes": breaker.successes,
        "failures_in_a_row": breaker.in_a_row,
    }


def delivery(call: Call, row: DeliveryRow) -> Document:
    """A delivery with its request and response."""
    event = row.event
    return {
        "id": str(row.id),
        "integration_id": row.hook_id,
        "state": row.state,
        "outcome": row.outcome or "waiting",
        "event": {
            "id": str(event.id),
            "name": event.name,
            "data": data_text(event),
            "coreid": core_id(event),
            "published_at": iso_ms(from_ms(event.published_at_ms)),
        },
        "attempts": row.attempts,
        "next_attempt_at": _next_attempt(call, row),
        "finished_at": None if row.finished_at_ms is None else iso_ms(from_ms(row.finished_at_ms)),
        "request": row.request,
        "response": row.response,
        "error": row.error,
        "log": [_log_line(line) for line in row.log],
    }


def _next_attempt(call: Call, row: DeliveryRow) -> str | None:
    """When it is tried next; later than it is due while a breaker holds its hook."""
    if row.state != "waiting":
        return None
    lane = call.parts.integrations.engine.lane_of(row.hook_id)
    held_ms = lane.held_until_ms if lane else 0
    return iso_ms(from_ms(max(row.next_at_ms, held_ms)))


def _log_line(line: Document) -> Document:
    rest = {name: value for name, value in line.items() if name != "at_ms"}
    return {"at": iso_ms(from_ms(int(line["at_ms"]))), **rest}


def template(one: IntegrationTemplate) -> Document:
    """A template and what it asks for."""
    return {
        "name": one.name,
        "title": one.title,
        "description": one.description.strip(),
        "integration_type": one.integration_type,
        "parameters": {
            name: {"meaning": parameter.meaning, "default": parameter.default}
            for name, parameter in one.parameters.items()
        },
        "settings": dict(one.settings),
    }
