"""Organizations: list, create, describe, change, hand over, remove.

``GET`` has the shapes of the field; the others are ours, because there an organization is made by
its sales department. Source: particle cloud notes §1.2, §2.10.
"""

import msgspec

from roadstead.http.accounts.access_tokens import Ok
from roadstead.http.operation import Call, Operation
from roadstead.http.products.products import (
    CreateProductBody,
    ProductAnswer,
    ProductsAnswer,
    document_of,
    draft_of,
)
from roadstead.identity.permissions import ACCOUNT_PERMISSIONS, Permission
from roadstead.kit.clock import iso_ms
from roadstead.organizations.model import Organization

_TAG = "Organizations"


class OrganizationRow(msgspec.Struct):
    """An organization in a list."""

    id: str
    slug: str
    name: str


class OrganizationsAnswer(msgspec.Struct):
    """Organizations by name."""

    organizations: list[OrganizationRow]


class OrganizationDocument(msgspec.Struct):
    """An organization; ``role`` is the caller's own."""

    id: str
    slug: str
    name: str
    owner_id: str
    mfa_required: bool
    plan: str
    role: str
    created_at: str


class OrganizationAnswer(msgspec.Struct):
    """One organization."""

    organization: OrganizationDocument


class ReachedOrganizationAnswer(msgspec.Struct):
    """One organization, and what the caller may do with it."""

    organization: OrganizationDocument
    permissions: list[Permission]


class CreateBody(msgspec.Struct):
    """A new organization; ``slug`` is its name in addresses, made from the name if not given."""

    name: str
    slug: str | None = None


class UpdateBody(msgspec.Struct):
    """What to change; what is not named stays."""

    name: str | None = None
    slug: str | None = None
    mfa_required: bool | None = None


class OwnerBody(msgspec.Struct):
    """The e-mail address of the member who becomes the owner."""

    username: str


async def list_organizations(call: Call) -> OrganizationsAnswer:
    """The organizations on whose team the caller is."""
    found = await call.parts.people.organizations.list_for(call.actor)
    return OrganizationsAnswer([OrganizationRow(one.id, one.slug, one.name) for one in found])


async def create(call: Call) -> OrganizationAnswer:
    """Makes an organization that the caller owns."""
    body: CreateBody = call.body
    made = await call.parts.people.organizations.create(call.actor, body.name, body.slug)
    return await _answer(call, made, "Owner")


async def get(call: Call) -> ReachedOrganizationAnswer:
    """One organization, by id or slug."""
    answer = await _answer(call, call.organization, call.organization_role)
    rights = call.organization_rights - ACCOUNT_PERMISSIONS
    return ReachedOrganizationAnswer(answer.organization, sorted(rights))


async def update(call: Call) -> OrganizationAnswer:
    """Changes name, slug, or whether members need a second factor."""
    body: UpdateBody = call.body
    updated = await call.parts.people.organizations.update(
        call.actor,
        call.organization,
        name=body.name,
        slug=body.slug,
        mfa_required=body.mfa_required,
    )
    return await _answer(call, updated, call.organization_role)


async def hand_over(call: Call) -> Ok:
    """Makes another member the owner."""
    body: OwnerBody = call.body
    await call.parts.people.organizations.hand_over(call.actor, call.organization, body.username)
    return Ok()


async def remove(call: Call) -> Ok:
    """Removes an organization without products."""
    await call.parts.people.organizations.remove(call.actor, call.organization)
    return Ok()


async def list_products(call: Call) -> ProductsAnswer:
    """The organization's products."""
    views = await call.parts.products.list_owned(call.organization.owner)
    return ProductsAnswer([document_of(view) for view in views])


async def create_product(call: Call) -> ProductAnswer:
    """Makes a product that the organization owns."""
    body: CreateProductBody = call.body
    draft = draft_of(body.product)
    product = await call.parts.products.create(call.actor, call.organization.owner, draft)
    return ProductAnswer(document_of(await call.parts.products.view(product)))


async def _answer(call: Call, one: Organization, role: str) -> OrganizationAnswer:
    return OrganizationAnswer(
        OrganizationDocument(
            id=one.id,
            slug=one.slug,
            name=one.name,
            owner_id=one.owner_id,
            mfa_required=one.mfa_required,
            plan=await call.parts.people.plans.plan_of(one.id),
            role=role,
            created_at=iso_ms(one.created_at),
        )
    )


OPERATIONS = (
    Operation(
        name="list_organizations",
        method="GET",
        path="/v1/orgs",
        tag=_TAG,
        summary="List your organizations",
        handler=list_organizations,
        permission=Permission.ORGANIZATIONS_LIST,
        answer=OrganizationsAnswer,
    ),
    Operation(
        name="create_organization",
        method="POST",
        path="/v1/orgs",
        tag=_TAG,
        summary="Make an organization that you own",
        handler=create,
        permission=Permission.ORGANIZATIONS_CREATE,
        body=CreateBody,
        answer=OrganizationAnswer,
        status=201,
        errors=(403, 409),
    ),
    Operation(
        name="get_organization",
        method="GET",
        path="/v1/orgs/{org}",
        tag=_TAG,
        summary="Describe an organization, and say what you may do with it",
        handler=get,
        permission=Permission.ORGANIZATION_GET,
        answer=ReachedOrganizationAnswer,
    ),
    Operation(
        name="update_organization",
        method="PUT",
        path="/v1/orgs/{org}",
        tag=_TAG,
        summary="Change an organization's name, slug, or demand for a second factor",
        handler=update,
        permission=Permission.ORGANIZATION_UPDATE,
        body=UpdateBody,
        answer=OrganizationAnswer,
        errors=(409,),
    ),
    Operation(
        name="hand_over_organization",
        method="PUT",
        path="/v1/orgs/{org}/owner",
        tag=_TAG,
        summary="Make another member the owner",
        handler=hand_over,
        permission=Permission.ORGANIZATION_REMOVE,
        body=OwnerBody,
        answer=Ok,
    ),
    Operation(
        name="remove_organization",
        method="DELETE",
        path="/v1/orgs/{org}",
        tag=_TAG,
        summary="Remove an organization that has no products",
        handler=remove,
        permission=Permission.ORGANIZATION_REMOVE,
        answer=Ok,
        errors=(409,),
    ),
    Operation(
        name="list_organization_products",
        method="GET",
        path="/v1/orgs/{org}/products",
        tag=_TAG,
        summary="List an organization's products",
        handler=list_products,
        permission=Permission.PRODUCTS_LIST,
        answer=ProductsAnswer,
    ),
    Operation(
        name="create_organization_product",
        method="POST",
        path="/v1/orgs/{org}/products",
        tag=_TAG,
        summary="Create a product in an organization",
        handler=create_product,
        permission=Permission.PRODUCTS_CREATE,
        body=CreateProductBody,
        answer=ProductAnswer,
        errors=(409,),
    ),
)
