"""Two organizations and a person with products, and actors in every role for them."""

from dataclasses import dataclass, field

import httpx
from tests.builders.cloud import Cloud, Person

from roadstead.identity.permissions import (
    CUSTOMER_PERMISSIONS,
    ROLE_PERMISSIONS,
    SCOPES,
    TEAM_ROLES,
    Permission,
    Role,
)

Rights = frozenset[Permission]


@dataclass
class TenantActor:
    """Somebody with a token.

    Attributes:
        kind: person, program or customer.
        on_product: rights by the number of a product; a product that is missing is a stranger's.
        in_organization: rights by the slug of an organization; likewise.
    """

    name: str
    client: httpx.AsyncClient
    kind: str = "person"
    on_product: dict[int, Rights] = field(default_factory=dict)
    in_organization: dict[str, Rights] = field(default_factory=dict)


@dataclass
class Tenants:
    """The world of the matrix.

    Attributes:
        products: the first two of ``organizations[0]``, one of its owner as a person, one of
            ``organizations[1]``.
    """

    cloud: Cloud
    owner: Person
    other: Person
    products: list[int]
    organizations: list[str]
    actors: list[TenantActor]
    revoked: httpx.AsyncClient
    expired: httpx.AsyncClient


async def make_tenants(cloud: Cloud) -> Tenants:
    owner = await cloud.person("owner@example.com")
    other = await cloud.person("other@example.com")
    acme, rival = await _organization(owner, "Acme"), await _organization(other, "Rival")
    first = await _product(owner, f"/v1/orgs/{acme}/products", "First")
    sibling = await _product(owner, f"/v1/orgs/{acme}/products", "Sibling")
    private = await _product(owner, "/v1/user/products", "Private")
    foreign = await _product(other, f"/v1/orgs/{rival}/products", "Foreign")
    in_acme = (first, sibling)
    all_of = ROLE_PERMISSIONS[Role.OWNER]
    actors = [
        TenantActor(
            "owner",
            owner.client,
            on_product=dict.fromkeys((*in_acme, private), all_of),
            in_organization={acme: all_of},
        ),
        TenantActor(
            "owner of the other organization",
            other.client,
            on_product={foreign: all_of},
            in_organization={rival: all_of},
        ),
        TenantActor("nobody", (await cloud.person("nobody@example.com")).client),
        TenantActor("admin", (await cloud.person("root@example.com", is_admin=True)).client),
    ]
    for role in TEAM_ROLES:
        rights = ROLE_PERMISSIONS[role]
        word = role.value.lower()
        member = await _member(cloud, owner, f"/v1/orgs/{acme}", f"o-{word}@example.com", role)
        actors.append(
            TenantActor(
                f"organization {word}",
                member.client,
                on_product=dict.fromkeys(in_acme, rights),
                in_organization={acme: rights},
            )
        )
        member = await _member(cloud, owner, f"/v1/products/{first}", f"p-{word}@example.com", role)
        actors.append(TenantActor(f"product {word}", member.client, on_product={first: rights}))
    actors += await _programs(cloud, owner, acme, first, in_acme)
    revoked = await cloud.sign_in(owner.username)
    await revoked.client.delete("/v1/access_tokens/current")
    expired = await cloud.sign_in(owner.username, expires_in=60)
    cloud.clock.advance(61)
    products = [first, sibling, private, foreign]
    living = revoked.client, expired.client
    return Tenants(cloud, owner, other, products, [acme, rival], actors, *living)


async def _programs(
    cloud: Cloud, owner: Person, acme: str, first: int, in_acme: tuple[int, ...]
) -> list[TenantActor]:
    everything = ROLE_PERMISSIONS[Role.PROGRAM]
    one = frozenset({Permission.DEVICES_LIST})
    whole = await _api_user(cloud, owner, f"/v1/products/{first}", sorted(SCOPES))
    narrow = await _api_user(cloud, owner, f"/v1/products/{first}", ["devices:list"])
    wide = await _api_user(cloud, owner, f"/v1/orgs/{acme}", sorted(SCOPES))
    server = await _client(cloud, owner, first)
    app = await _client(cloud, owner, first, scope="customers:create")
    customers = frozenset({Permission.CUSTOMERS_CREATE})
    form = {"email": "jane@example.com", "password": "correct horse battery"}
    made = await server.post(f"/v1/products/{first}/customers", json=form)
    assert made.status_code == 201, made.text
    jane = cloud.client(Authorization=f"Bearer {made.json()['access_token']}")
    return [
        TenantActor("customer", jane, "customer", {first: CUSTOMER_PERMISSIONS}),
        TenantActor("product client", server, "program", {first: everything}),
        TenantActor("client of an app", app, "program", {first: customers}),
        TenantActor("product API user", whole, "program", {first: everything}),
        TenantActor("API user with one scope", narrow, "program", {first: one}),
        TenantActor(
            "organization API user",
            wide,
            "program",
            dict.fromkeys(in_acme, everything),
            {acme: everything},
        ),
    ]


async def _organization(person: Person, name: str) -> str:
    answer = await person.client.post("/v1/orgs", json={"name": name})
    assert answer.status_code == 201, answer.text
    return answer.json()["organization"]["slug"]


async def _product(person: Person, path: str, name: str) -> int:
    body = {"product": {"name": name, "platform_id": 13}}
    answer = await person.client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["product"]["id"]


async def _member(cloud: Cloud, owner: Person, path: str, email: str, role: Role) -> Person:
    person = await cloud.person(email)
    body = {"username": email, "role": role.value}
    answer = await owner.client.post(f"{path}/team", json=body)
    assert answer.status_code == 200, answer.text
    waiting = (await person.client.get("/v1/user/invitations")).json()
    url = f"/v1/user/invitations/{waiting[0]['id']}"
    assert (await person.client.put(url, json={"action": "accept"})).status_code == 200
    return person


async def _api_user(cloud: Cloud, owner: Person, path: str, scopes: list[str]):
    body = {"friendly_name": "robot", "scopes": scopes}
    answer = await owner.client.post(f"{path}/team", json=body)
    assert answer.status_code == 200, answer.text
    token = answer.json()["created"]["tokens"][0]["token"]
    return cloud.client(Authorization=f"Bearer {token}")


async def _client(cloud: Cloud, owner: Person, product: int, **body: str) -> httpx.AsyncClient:
    made = await owner.client.post(f"/v1/products/{product}/clients", json={"name": "c", **body})
    assert made.status_code == 200, made.text
    client = made.json()["client"]
    form = {"grant_type": "client_credentials"}
    pair = (client["id"], client["secret"])
    issued = await cloud.client().post("/oauth/token", data=form, auth=pair)
    assert issued.status_code == 200, issued.text
    return cloud.client(Authorization=f"Bearer {issued.json()['access_token']}")
