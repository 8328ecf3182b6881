"""Products: create, list, get, change, delete.

Source: particle cloud notes §1.3, §2.10.
"""

import msgspec
from starlette.responses import Response

from roadstead.http.operation import Call, Operation, QueryParameter
from roadstead.identity.permissions import ACCOUNT_PERMISSIONS, Permission
from roadstead.kit.clock import iso_ms
from roadstead.kit.errors import Invalid, NotFound
from roadstead.products.editing import ProductChange
from roadstead.products.ending_store import ProductEnding
from roadstead.products.model import Owner, ProductSettings
from roadstead.products.service import ProductDraft, ProductView

_TAG = "Products"


class NewProduct(msgspec.Struct, kw_only=True):
    """What a new product is.

    ``id`` (1 to 65535) is for makers whose firmware names one already; ``slug`` is its name in
    addresses; both are chosen by the server when they are not given.
    """

    name: str
    platform_id: int
    description: str = ""
    id: int | None = None
    slug: str | None = None
    settings: dict[str, object] = {}


class CreateProductBody(msgspec.Struct):
    """A new product."""

    product: NewProduct


class ProductFacts(msgspec.Struct, kw_only=True):
    """What to change of a product; what is not given stays, of the settings too."""

    name: str | None = None
    slug: str | None = None
    description: str | None = None
    platform_id: int | None = None
    settings: dict[str, object] | None = None


class ChangeProductBody(msgspec.Struct):
    """Changes of a product."""

    product: ProductFacts


class DeleteProductBody(msgspec.Struct):
    """``remove_devices`` takes out the devices that the product has; else it must have none."""

    remove_devices: bool = False


class ProductDocument(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A product. Exactly one of ``user`` and ``org`` with ``organization_id`` is there."""

    id: int
    slug: str
    name: str
    description: str
    platform_id: int
    user: str | msgspec.UnsetType = msgspec.UNSET
    org: str | msgspec.UnsetType = msgspec.UNSET
    organization_id: str | msgspec.UnsetType = msgspec.UNSET
    groups: list[str]
    settings: ProductSettings
    device_count: int
    quarantined_count: int
    denied_count: int
    created_at: str
    updated_at: str
    subscription_id: int | None
    device_protection: str
    requires_activation_codes: bool


class ProductAnswer(msgspec.Struct):
    """One product."""

    product: ProductDocument


class ReachedProductAnswer(msgspec.Struct):
    """One product, and what the caller may do with it."""

    product: ProductDocument
    permissions: list[Permission]


class ProductsAnswer(msgspec.Struct):
    """Products by name."""

    products: list[ProductDocument]


class DeletionDocument(msgspec.Struct):
    """A product on its way out; once it is gone, its routes answer 404."""

    product_id: int
    asked_at: str
    total_devices: int
    removed_devices: int


class DeletionAnswer(msgspec.Struct):
    """How far a deletion is."""

    deletion: DeletionDocument


async def list_products(call: Call) -> ProductsAnswer:
    """The products of the caller."""
    views = await call.parts.products.list_products(call.actor)
    return ProductsAnswer([document_of(view) for view in views])


async def create_product(call: Call) -> ProductAnswer:
    """Makes a product that the caller owns."""
    if not call.actor.user_id:
        raise Invalid("no_account", "Only an account can own a product.")
    draft = draft_of(call.body.product)
    owner = Owner(user_id=call.actor.user_id)
    product = await call.parts.products.create(call.actor, owner, draft)
    return ProductAnswer(document_of(await call.parts.products.view(product)))


async def get_product(call: Call) -> ReachedProductAnswer:
    """One product, by number or slug."""
    document = document_of(await call.parts.products.view(call.product))
    return ReachedProductAnswer(document, sorted(call.rights - ACCOUNT_PERMISSIONS))


async def update_product(call: Call) -> ProductAnswer:
    """Changes what is given of a product."""
    told: ProductFacts = call.body.product
    if told == ProductFacts():
        raise Invalid("invalid_request", "Nothing to do: 'product' has no field that is known.")
    change = ProductChange(
        name=told.name,
        slug=told.slug,
        description=told.description,
        platform_id=told.platform_id,
        settings=told.settings,
    )
    product = await call.parts.products.update(call.actor, call.product, change)
    return ProductAnswer(document_of(await call.parts.products.view(product)))


async def delete_product(call: Call) -> Response:
    """Deletes a product; with ``?async=true`` as a job, answered by 202."""
    body: DeleteProductBody = call.body or DeleteProductBody()
    wanted = body.remove_devices or call.query.get("remove_devices") == "true"
    endings = call.parts.product.endings
    if call.query.get("async") == "true":
        ending = await endings.start(call.actor, call.product, remove_devices=wanted)
        answer = msgspec.json.encode(DeletionAnswer(_deletion_of(ending)))
        return Response(answer, 202, media_type="application/json")
    await endings.delete(call.actor, call.product, remove_devices=wanted)
    return Response(status_code=204)


async def get_deletion(call: Call) -> DeletionAnswer:
    """How far the deletion of a product is."""
    ending = await call.parts.product.endings.find(call.product.id)
    if ending is None:
        raise NotFound("deletion_not_found", "The product is not being deleted.")
    return DeletionAnswer(_deletion_of(ending))


def _deletion_of(ending: ProductEnding) -> DeletionDocument:
    return DeletionDocument(
        product_id=ending.product_id,
        asked_at=iso_ms(ending.asked_at),
        total_devices=ending.total_devices,
        removed_devices=ending.removed_devices,
    )


def draft_of(told: NewProduct) -> ProductDraft:
    """A new product as the service takes it."""
    return ProductDraft(
        name=told.name,
        platform_id=told.platform_id,
        description=told.description,
        id=told.id,
        slug=told.slug,
        settings=told.settings,
    )


def document_of(view: ProductView) -> ProductDocument:
    """A product as the API writes it."""
    product = view.product
    return ProductDocument(
        id=product.id,
        slug=product.slug,
        name=product.name,
        description=product.description,
        platform_id=product.platform_id,
        user=product.owner.user_id or msgspec.UNSET,
        org=view.organization_slug or msgspec.UNSET,
        organization_id=product.owner.organization_id or msgspec.UNSET,
        groups=view.groups,
        settings=product.settings,
        device_count=product.device_count,
        quarantined_count=product.quarantined_count,
        denied_count=product.denied_count,
        created_at=iso_ms(product.created_at),
        updated_at=iso_ms(product.updated_at),
        subscription_id=None,
        device_protection="disabled",
        requires_activation_codes=False,
    )


OPERATIONS = (
    Operation(
        name="list_products",
        method="GET",
        path="/v1/user/products",
        tag=_TAG,
        summary="List your products",
        handler=list_products,
        permission=Permission.PRODUCTS_LIST,
        answer=ProductsAnswer,
    ),
    Operation(
        name="list_all_products",
        method="GET",
        path="/v1/products",
        tag=_TAG,
        summary="List your products",
        handler=list_products,
        permission=Permission.PRODUCTS_LIST,
        answer=ProductsAnswer,
    ),
    Operation(
        name="create_product",
        method="POST",
        path="/v1/user/products",
        tag=_TAG,
        summary="Create a product",
        handler=create_product,
        permission=Permission.PRODUCTS_CREATE,
        body=CreateProductBody,
        answer=ProductAnswer,
        errors=(409,),
    ),
    Operation(
        name="create_product_of_account",
        method="POST",
        path="/v1/products",
        tag=_TAG,
        summary="Create a product",
        handler=create_product,
        permission=Permission.PRODUCTS_CREATE,
        body=CreateProductBody,
        answer=ProductAnswer,
        errors=(409,),
    ),
    Operation(
        name="get_product",
        method="GET",
        path="/v1/products/{product}",
        tag=_TAG,
        summary="Get a product by id or slug, and what you may do with it",
        handler=get_product,
        permission=Permission.PRODUCTS_GET,
        answer=ReachedProductAnswer,
    ),
    Operation(
        name="update_product",
        method="PUT",
        path="/v1/products/{product}",
        tag=_TAG,
        summary="Change a product",
        handler=update_product,
        permission=Permission.PRODUCTS_UPDATE,
        body=ChangeProductBody,
        answer=ProductAnswer,
        errors=(409,),
    ),
    Operation(
        name="delete_product",
        method="DELETE",
        path="/v1/products/{product}",
        tag=_TAG,
        summary="Delete a product",
        handler=delete_product,
        permission=Permission.PRODUCTS_REMOVE,
        body=DeleteProductBody,
        status=204,
        query=(
            QueryParameter("remove_devices", "`true`, as in the body."),
            QueryParameter("async", "`true` makes it a job and answers 202 at once."),
        ),
        errors=(409,),
    ),
    Operation(
        name="get_product_deletion",
        method="GET",
        path="/v1/products/{product}/deletion",
        tag=_TAG,
        summary="How far the deletion of a product is",
        handler=get_deletion,
        permission=Permission.PRODUCTS_REMOVE,
        answer=DeletionAnswer,
    ),
)
