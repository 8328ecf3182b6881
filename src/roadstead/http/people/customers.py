"""Customers of a product: made by the team, by a client's secret, or by themselves in an app.

Source: particle cloud notes §1.9, §2.12; clients notes §4.
"""

from urllib.parse import urlencode

import msgspec
from starlette.responses import RedirectResponse

from roadstead.devices.model import DeviceView
from roadstead.http import credentials, errors
from roadstead.http.accounts.access_tokens import Ok
from roadstead.http.accounts.oauth import TokenAnswer, token_answer
from roadstead.http.operation import Access, Call, Operation
from roadstead.http.paging import PAGE_PARAMETERS, page_of
from roadstead.identity.model import Actor
from roadstead.identity.oauth_clients import ProvenClient, invalid_client
from roadstead.identity.permissions import Permission
from roadstead.identity.tokens import IssuedToken
from roadstead.kit.errors import Invalid

_TAG = "Customers"

TEAM_CLIENT = "team"
"""Client that a customer's token is shown with when the team made the customer."""


class CustomerBody(msgspec.Struct):
    """A new customer: with ``password``, or with ``no_password`` for a shadow customer."""

    email: str
    password: str | None = None
    no_password: bool = False
    client_id: str | None = None
    client_secret: str | None = None
    grant_type: str | None = None
    response_type: str | None = None
    access_token: str | None = None


class CustomerPasswordBody(msgspec.Struct):
    """The customer's new password."""

    password: str


class CustomerRow(msgspec.Struct):
    """A customer and the ids of their devices of the product."""

    id: str
    full_name: str
    username: str
    devices: list[str]
    kind: str


class CustomerDevice(msgspec.Struct):
    """A customer's device, in short."""

    id: str
    product_id: int | None
    last_ip_address: str | None
    firmware_version: int
    online: bool


class CustomersMeta(msgspec.Struct):
    """How long the list is."""

    total_pages: int


class CustomersAnswer(msgspec.Struct):
    """A page of customers, oldest first."""

    customers: list[CustomerRow]
    devices: list[CustomerDevice]
    meta: CustomersMeta


async def create(call: Call) -> TokenAnswer | RedirectResponse:
    """Makes a customer and signs them in."""
    body: CustomerBody = call.body
    actor, client = await _author(call, body)
    if body.no_password == (body.password is not None):
        raise Invalid(
            "invalid_request", "Send either password, or no_password=true for a shadow customer."
        )
    if body.no_password and body.response_type == "token":
        raise Invalid("invalid_request", "A shadow customer is made by a server with its secret.")
    customers = call.parts.people.customers
    user = await customers.create(actor, call.product.id, body.email, body.password)
    client_id = client.id if client else TEAM_CLIENT
    address = call.caller.address
    issued = await customers.issue(user, client_id, lifetime_s=None, address=address)
    if body.response_type == "token":
        return _redirect(client, issued)
    return token_answer(issued)


async def list_customers(call: Call) -> CustomersAnswer:
    """A page of the product's customers with their devices."""
    page, per_page = page_of(call.query)
    product_id = call.product.id
    found = await call.parts.people.customers.list_page(product_id, page=page, per_page=per_page)
    owners = [one.id for one in found.items]
    views = await call.parts.devices.list_of_owners(owners, product_id)
    return CustomersAnswer(
        [
            CustomerRow(
                id=one.id,
                full_name="",
                username=one.email,
                devices=[view.device.id for view in views if view.device.owner_id == one.id],
                kind=one.kind.value,
            )
            for one in found.items
        ],
        [_device(view) for view in views],
        CustomersMeta(found.total_pages),
    )


async def set_password(call: Call) -> Ok:
    """Sets a simple customer's password, and ends their tokens."""
    body: CustomerPasswordBody = call.body
    await call.parts.people.customers.set_password(
        call.actor, call.product.id, call.path["customer"], body.password
    )
    return Ok()


async def remove(call: Call) -> Ok:
    """Removes a customer; their devices become nobody's."""
    await call.parts.people.customers.remove(call.actor, call.product.id, call.path["customer"])
    return Ok()


async def request_reset(call: Call) -> Ok:
    """Sends a simple customer the way to a new password; says the same for everybody."""
    email, product_id = call.path["customer"], call.product.id
    call.parts.resets.request_customer(product_id, email, call.caller.address)
    return Ok()


async def _author(call: Call, body: CustomerBody) -> tuple[Actor, ProvenClient | None]:
    """Who makes the customer: somebody of the team, a client by its secret, or an app's user."""
    address = call.caller.address
    token = credentials.find_bearer(call.headers, call.query) or body.access_token
    if token is not None:
        actor = await call.parts.identity.find_actor(token, address)
        if actor is None:
            raise errors.invalid_token()
        reached = await call.parts.products.reach(actor, str(call.product.id))
        if Permission.CUSTOMERS_CREATE not in reached.rights:
            raise errors.permission_denied()
        return actor, None
    pair = credentials.find_basic(call.headers)
    client_id, secret = pair or (body.client_id or "", body.client_secret)
    if not client_id:
        raise errors.token_missing()
    if body.response_type == "token":
        client = await _implicit(call, client_id)
    else:
        client = await call.parts.people.clients.prove(client_id, secret or "")
    if client.product_id != call.product.id:
        raise invalid_client()
    return Actor(user_id="", username=f"client {client.id}", address=address), client


async def _implicit(call: Call, client_id: str) -> ProvenClient:
    """The web client of a page in a browser, which can keep no secret."""
    found = await call.parts.people.clients.find(client_id)
    if found is None or found.type != "web":
        raise invalid_client()
    return ProvenClient(found.id, found)


def _redirect(client: ProvenClient | None, issued: IssuedToken) -> RedirectResponse:
    assert client is not None and client.registered is not None
    fragment = urlencode(
        {
            "access_token": issued.token,
            "token_type": "bearer",
            "expires_in": issued.expires_in_s or 0,
        }
    )
    return RedirectResponse(f"{client.registered.redirect_uri}#{fragment}", 302)


def _device(view: DeviceView) -> CustomerDevice:
    return CustomerDevice(
        id=view.device.id,
        product_id=view.product_id,
        last_ip_address=view.presence.last_ip_address,
        firmware_version=view.device.firmware_version,
        online=view.presence.online,
    )


_CUSTOMERS = "/v1/products/{product}/customers"

OPERATIONS = (
    Operation(
        name="create_customer",
        method="POST",
        path=_CUSTOMERS,
        tag=_TAG,
        summary="Make a customer of a product and sign them in",
        handler=create,
        access=Access.OPEN,
        body=CustomerBody,
        answer=TokenAnswer,
        status=201,
        errors=(403, 404, 409),
    ),
    Operation(
        name="list_customers",
        method="GET",
        path=_CUSTOMERS,
        tag=_TAG,
        summary="List a product's customers and their devices",
        handler=list_customers,
        permission=Permission.CUSTOMERS_LIST,
        query=PAGE_PARAMETERS,
        answer=CustomersAnswer,
    ),
    Operation(
        name="set_customer_password",
        method="PUT",
        path=f"{_CUSTOMERS}/{{customer}}",
        tag=_TAG,
        summary="Set a customer's password",
        handler=set_password,
        permission=Permission.CUSTOMERS_UPDATE,
        body=CustomerPasswordBody,
        answer=Ok,
        errors=(404, 409),
    ),
    Operation(
        name="remove_customer",
        method="DELETE",
        path=f"{_CUSTOMERS}/{{customer}}",
        tag=_TAG,
        summary="Remove a customer and release their devices",
        handler=remove,
        permission=Permission.CUSTOMERS_REMOVE,
        answer=Ok,
        errors=(404,),
    ),
    Operation(
        name="request_customer_reset",
        method="POST",
        path=f"{_CUSTOMERS}/{{customer}}/password-reset",
        tag=_TAG,
        summary="Have a letter sent to a customer who forgot their password",
        handler=request_reset,
        access=Access.OPEN,
        answer=Ok,
    ),
)
