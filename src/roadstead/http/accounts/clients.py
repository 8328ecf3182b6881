"""OAuth clients of a person and of a product.

Source: particle cloud notes §1.10, §2.3; clients notes §4.
"""

from typing import Any, Literal

import msgspec
from starlette.responses import Response

from roadstead.http.operation import Call, Handler, Operation
from roadstead.identity.client_store import OAuthClient
from roadstead.identity.oauth_clients import CUSTOMERS_CREATE, NewClient
from roadstead.identity.permissions import Permission
from roadstead.kit.errors import Invalid

_TAG = "OAuth clients"

CLEARED = "none"
"""Word for a client without limits of its own. Source: particle cloud notes §1.10."""


class ClientDocument(msgspec.Struct, omit_defaults=True):
    """A client; ``secret`` is there in the answer that makes it, and never again."""

    name: str
    type: str
    id: str
    product_id: int | None = None
    redirect_uri: str | None = None
    scope: str | None = None
    secret: str | None = None


class ClientsAnswer(msgspec.Struct):
    """Clients, oldest first."""

    clients: list[ClientDocument]


class ClientAnswer(msgspec.Struct):
    """One client."""

    client: ClientDocument
    ok: bool = True


class CreateClientBody(msgspec.Struct):
    """A new client; ``scope`` is ``customers:create``, ``*:*``, or left out."""

    name: str
    type: Literal["installed", "web"] = "installed"
    redirect_uri: str | None = None
    scope: Any = None


class UpdateClientBody(msgspec.Struct):
    """What to change; scope ``none`` takes the limit away."""

    name: str | None = None
    scope: Any = None


async def list_clients(call: Call) -> ClientsAnswer:
    """The clients of the product, or the caller's own."""
    clients = call.parts.people.clients
    found = (
        await clients.list_of_user(call.actor)
        if call.reached is None
        else await clients.list_of_product(call.product.id)
    )
    return ClientsAnswer([document_of(one) for one in found])


async def create(call: Call) -> ClientAnswer:
    """Makes a client."""
    body: CreateClientBody = call.body
    wanted = NewClient(body.name, body.type, body.redirect_uri, parse_scope(body.scope))
    made, secret = await call.parts.people.clients.create(call.actor, wanted, _product(call))
    document = document_of(made)
    document.secret = secret
    return ClientAnswer(document)


async def update(call: Call) -> ClientAnswer:
    """Changes a client."""
    body: UpdateClientBody = call.body
    client = await call.parts.people.clients.update(
        call.actor,
        call.path["client"],
        _product(call),
        name=body.name,
        scopes=parse_scope(body.scope),
        change_scopes=body.scope is not None,
    )
    return ClientAnswer(document_of(client))


async def remove(call: Call) -> Response:
    """Removes a client with the tokens that were issued through it."""
    await call.parts.people.clients.remove(call.actor, call.path["client"], _product(call))
    return Response(status_code=204)


def parse_scope(told: object) -> frozenset[str] | None:
    """The scopes that a client's tokens are limited to; None for no limit.

    Raises:
        Invalid: ``bad_scope``.
    """
    # The SDK sends {"type": "user", "name": "create_customer"}, the reference an object with
    # ``action``, people a text.
    if isinstance(told, dict):
        told = told.get("action") or told.get("name")
    if told in (None, "", CLEARED, "*:*"):
        return None
    if told in ("customers:create", "create_customer"):
        return CUSTOMERS_CREATE
    raise Invalid("bad_scope", "scope must be customers:create, *:* or none.")


def _product(call: Call) -> int | None:
    return None if call.reached is None else call.product.id


def document_of(client: OAuthClient) -> ClientDocument:
    """A client as the API writes it, without its secret."""
    return ClientDocument(
        name=client.name,
        type=client.type,
        id=client.id,
        product_id=client.product_id,
        redirect_uri=client.redirect_uri,
        scope=" ".join(sorted(client.scopes)) if client.scopes is not None else None,
    )


def _operations(kind: str, path: str) -> tuple[Operation, ...]:
    whose = "a product's" if kind == "product" else "your"
    prefix = "product_" if kind == "product" else ""

    def row(
        verb: str, method: str, below: str, handler: Handler, permission: Permission, **more: Any
    ) -> Operation:
        noun = "clients" if verb == "list" else "client"
        return Operation(
            name=f"{verb}_{prefix}{noun}",
            method=method,
            path=f"{path}{below}",
            tag=_TAG,
            summary=f"{verb.capitalize()} {whose} OAuth {noun}",
            handler=handler,
            permission=permission,
            **more,
        )

    p, one = Permission, "/{client}"
    return (
        row("list", "GET", "", list_clients, p.CLIENTS_LIST, answer=ClientsAnswer),
        row(
            *("create", "POST", "", create, p.CLIENTS_CREATE),
            body=CreateClientBody,
            answer=ClientAnswer,
            errors=(429,),
        ),
        row(
            *("update", "PUT", one, update, p.CLIENTS_UPDATE),
            body=UpdateClientBody,
            answer=ClientAnswer,
            errors=(404,),
        ),
        row("remove", "DELETE", one, remove, p.CLIENTS_REMOVE, status=204, errors=(404,)),
    )


OPERATIONS = (
    *_operations("own", "/v1/clients"),
    *_operations("product", "/v1/products/{product}/clients"),
)
