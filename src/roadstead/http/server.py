"""What the server says about itself: health, numbers, keys, the description of its API."""

import asyncio
import base64
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import text
from starlette.responses import Response

from roadstead.devices.server_keys import KeyKind
from roadstead.http import api_page, openapi
from roadstead.http.metrics import MetricsSource, render
from roadstead.http.operation import Access, Call, Operation
from roadstead.http.parts import BoundAddress
from roadstead.http.web_pages import html
from roadstead.identity.permissions import Permission
from roadstead.kit.errors import DomainError

_TAG = "Server"

DATABASE_DEADLINE_S = 2.0
"""Seconds within which a healthy database answers the simplest question."""

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Health(msgspec.Struct):
    """Whether the server can serve; ``checks`` says what was looked at, in words.

    ``status`` is ``ok``, ``degraded`` (it serves what it can) or ``unavailable``.
    """

    status: str
    version: str
    uptime_s: int
    checks: dict[str, str]


class DeviceEndpoint(msgspec.Struct):
    """Where devices of one generation connect, and the key by which they know the server."""

    host: str
    port: int
    algorithm: str
    public_key_pem: str
    public_key_der: str


class ServerKeysAnswer(msgspec.Struct):
    """Where devices connect; null for a generation that is not served."""

    udp: DeviceEndpoint | None
    tcp: DeviceEndpoint | None


async def get_health(call: Call) -> Response:
    """Looks at what the server cannot do without."""
    health = await find_health(call)
    status = 503 if health.status == "unavailable" else 200
    return Response(msgspec.json.encode(health), status, media_type="application/json")


async def find_health(call: Call) -> Health:
    """What was looked at, and what that means for the whole."""
    database = await _check_database(call)
    is_well = database == "ok"
    checks = {"database": database} | {name: look() for name, look in call.parts.checks.items()}
    status = "ok" if set(checks.values()) == {"ok"} else "degraded"
    return Health(
        status=status if is_well else "unavailable",
        version=call.parts.version,
        uptime_s=int(call.parts.clock.monotonic() - call.edge.started_at_s),
        checks=checks,
    )


async def get_metrics(call: Call) -> Response:
    """The numbers of all parts, for Prometheus."""
    edge = call.edge
    sources: list[MetricsSource] = [edge.counters, edge.open_streams, *call.parts.metrics]
    return Response(render(sources), headers={"content-type": METRICS_TYPE})


async def get_server_keys(call: Call) -> ServerKeysAnswer:
    """The server's public keys and where devices reach it."""
    parts = call.parts
    return ServerKeysAnswer(
        udp=_endpoint(call, "ec", parts.udp_address),
        tcp=_endpoint(call, "rsa", parts.tcp_address),
    )


async def get_openapi(call: Call) -> object:
    """The description of this API."""
    return openapi.describe(call.edge.operations, version=call.parts.version, origin=_origin(call))


async def get_api_page(call: Call) -> Response:
    """The same as a page for people."""
    return html(api_page.render(call.edge.operations).encode())


async def _check_database(call: Call) -> str:
    try:
        async with asyncio.timeout(DATABASE_DEADLINE_S):
            await call.parts.database.read(lambda conn: conn.execute(text("SELECT 1")).scalar())
    except TimeoutError:
        return f"no answer within {DATABASE_DEADLINE_S:g} s"
    except DomainError as error:
        return error.code
    return "ok"


def _endpoint(call: Call, kind: KeyKind, bound: BoundAddress | None) -> DeviceEndpoint | None:
    if bound is None:
        return None
    keys = call.parts.server_keys
    return DeviceEndpoint(
        host=_device_host(call, bound),
        port=bound[1],
        algorithm=kind,
        public_key_pem=keys.public_pem(kind),
        public_key_der=base64.b64encode(keys.public_der(kind)).decode(),
    )


def _device_host(call: Call, bound: BoundAddress) -> str:
    public_url = call.parts.settings.public_url
    if public_url is not None:
        return urlsplit(public_url).hostname or bound[0]
    return call.caller.host or bound[0]


def _origin(call: Call) -> str:
    public_url = call.parts.settings.public_url
    if public_url is not None:
        return public_url.rstrip("/")
    authority = call.caller.authority
    return f"{call.caller.scheme}://{authority}" if authority else "/"


OPERATIONS = (
    Operation(
        name="get_health",
        method="GET",
        path="/healthz",
        tag=_TAG,
        summary="Say whether the server can serve",
        handler=get_health,
        access=Access.OPEN,
        answer=Health,
        errors=(503,),
    ),
    Operation(
        name="get_metrics",
        method="GET",
        path="/metrics",
        tag=_TAG,
        summary="Give the server's numbers in the text format of Prometheus",
        handler=get_metrics,
        access=Access.LOCAL,
        permission=Permission.SERVER_METRICS_GET,
        media_type="text/plain",
    ),
    Operation(
        name="get_server_keys",
        method="GET",
        path="/v1/server_keys",
        tag=_TAG,
        summary="Give the server's public keys and where devices connect",
        handler=get_server_keys,
        access=Access.OPEN,
        answer=ServerKeysAnswer,
    ),
    Operation(
        name="get_openapi",
        method="GET",
        path="/openapi.json",
        tag=_TAG,
        summary="Describe this API in OpenAPI 3.1",
        handler=get_openapi,
        access=Access.OPEN,
        answer=dict[str, object],
    ),
    Operation(
        name="get_api_page",
        method="GET",
        path="/docs/api",
        tag=_TAG,
        summary="List this API on a page for people",
        handler=get_api_page,
        access=Access.OPEN,
        media_type="text/html",
    ),
)
