"""The matrix of tenants: every operation of the table, asked in every role, for every owner.

The handlers are taken out and everything before them stays: who gets through to a handler is what
is tested here, for operations that come later too. What a handler does with things of another owner
that a path or body names is in ``test_foreign_things``.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from tests.builders.cloud import Cloud, open_cloud
from tests.http.tenants import Tenants, make_tenants

from roadstead.http.app import build_app
from roadstead.http.dispatch import DEVICE_ROUTES
from roadstead.http.operation import Access, Operation
from roadstead.http.operations import OPERATIONS
from roadstead.identity.permissions import (
    ACCOUNT_PERMISSIONS,
    CUSTOMER_PERMISSIONS,
    ROLE_PERMISSIONS,
    SERVER_PERMISSIONS,
    TOKEN_PERMISSIONS,
    Permission,
    Role,
)

GUARDED = [row for row in OPERATIONS if row.access in (Access.BEARER, Access.BASIC)]
OFFERED = [row for row in GUARDED if row.offered]


async def reached(call: object) -> object:
    return {"reached": True}


PROBED = tuple(dataclasses.replace(row, handler=reached, files=None) for row in OPERATIONS)


@pytest.fixture
async def tenants(database, key_folder) -> Tenants:
    async with open_cloud(database, key_folder) as cloud:
        made = await make_tenants(cloud)
        cloud.app = build_app(cloud.parts, operations=PROBED)
        for client in cloud.clients:
            client._transport = httpx.ASGITransport(cloud.app, client=("203.0.113.7", 50123))
        yield made


@dataclass(frozen=True)
class Question:
    """One operation on one owner's thing."""

    operation: Operation
    method: str
    path: str
    body: dict[str, object] | None


def ask(operation: Operation, *, product: object = "none", org: str = "none") -> Question:
    method = "GET" if operation.method == "*" else operation.method
    segments = []
    for segment in operation.path.split("/"):
        name = segment.strip("{}*")
        values = {"product": str(product), "org": org}
        segments.append(values.get(name, "x") if segment.startswith("{") else segment)
    # Of several operations at one path the body chooses; a body is read before who asks is known
    # to be allowed, so only the field that chooses is sent, and nothing depends on its value.
    body = dict.fromkeys(sorted(operation.when)[:1]) or None
    return Question(operation, method, "/".join(segments), body)


async def answer(client: httpx.AsyncClient, question: Question) -> int:
    if question.body is None and question.method in ("GET", "DELETE"):
        response = await client.request(question.method, question.path)
    else:
        response = await client.request(question.method, question.path, json=question.body or {})
    return response.status_code


def got_through(status: int) -> bool:
    """The handler was reached, or only the body, which is looked at last, kept it away."""
    return status in (200, 201, 202, 204, 400, 413, 415, 501)


def on_products() -> Iterator[Operation]:
    return (row for row in OFFERED if "{product}" in row.path and row.permission)


def on_organizations() -> Iterator[Operation]:
    return (row for row in OFFERED if "{org}" in row.path and "{product}" not in row.path)


def on_own_account() -> Iterator[Operation]:
    return (row for row in OFFERED if "{product}" not in row.path and "{org}" not in row.path)


async def test_every_product_operation_for_every_role_and_owner(tenants: Tenants):
    wrong = []
    for operation in on_products():
        for actor in tenants.actors:
            for number in tenants.products:
                question = ask(operation, product=number)
                status = await answer(actor.client, question)
                rights = actor.on_product.get(number)
                if rights is None:
                    good = status == 404
                elif operation.permission in rights:
                    good = got_through(status)
                else:
                    good = status == 403
                if not good:
                    wrong.append((operation.name, operation.path, actor.name, number, status))
    assert not wrong, wrong[:20]


async def test_every_organization_operation_for_every_role_and_owner(tenants: Tenants):
    wrong = []
    for operation in on_organizations():
        for actor in tenants.actors:
            for slug in tenants.organizations:
                status = await answer(actor.client, ask(operation, org=slug))
                rights = actor.in_organization.get(slug)
                if rights is None:
                    good = status == 404
                elif operation.permission in rights:
                    good = got_through(status)
                else:
                    good = status == 403
                if not good:
                    wrong.append((operation.name, operation.path, actor.name, slug, status))
    assert not wrong, wrong[:20]


async def test_every_operation_on_ones_own_account_for_every_kind_of_actor(tenants: Tenants):
    wrong = []
    for operation in on_own_account():
        if operation.path.startswith(DEVICE_ROUTES):
            continue  # one's own device or one of a product: see test_device_reach
        for actor in tenants.actors:
            allowed = _may_alone(actor.kind, operation.permission)
            if operation.permission in SERVER_PERMISSIONS:
                allowed = actor.name == "admin"
            status = await answer(actor.client, ask(operation))
            if got_through(status) != allowed or (not allowed and status != 403):
                wrong.append((operation.name, operation.path, actor.name, status))
    assert not wrong, wrong[:20]


def _may_alone(kind: str, permission: Permission | None) -> bool:
    if permission is None or permission in TOKEN_PERMISSIONS:
        return True
    if kind == "person":
        own = ROLE_PERMISSIONS[Role.OWNER] | ACCOUNT_PERMISSIONS
        return permission in own and permission not in SERVER_PERMISSIONS
    return kind == "customer" and permission in CUSTOMER_PERMISSIONS


async def test_nobody_gets_in_without_a_living_token(tenants: Tenants):
    cloud: Cloud = tenants.cloud
    strangers = {
        "no token": cloud.client(),
        "an empty token": cloud.client(Authorization="Bearer"),
        "a made-up token": cloud.client(Authorization=f"Bearer {'0' * 40}"),
        "a revoked token": tenants.revoked,
        "an expired token": tenants.expired,
    }
    wrong = []
    for operation in GUARDED:
        number, slug = tenants.products[0], tenants.organizations[0]
        question = ask(operation, product=number, org=slug)
        for who, client in strangers.items():
            response = await client.request(question.method, question.path, json=question.body)
            known = "invalid_request" if who == "no token" else "invalid_token"
            body = response.json()
            if response.status_code != 401 or body["error"] != known:
                wrong.append((operation.name, operation.path, who, response.status_code))
            if "www-authenticate" not in response.headers:
                wrong.append((operation.name, operation.path, who, "no www-authenticate"))
    assert not wrong, wrong[:20]


def test_every_operation_names_its_permission():
    for operation in OFFERED:
        assert operation.permission is not None, operation.name
