"""Products: created, listed, found for a request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from roadstead.identity.model import Actor
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict, NotFound
from roadstead.organizations.organization_store import list_by_ids
from roadstead.products import group_store, naming, store, telling
from roadstead.products.access import OwnerAccess, ProductAccess, Rights
from roadstead.products.editing import ProductChange, change_product
from roadstead.products.model import DEFAULT_SETTINGS, Owner, Product, ProductSettings
from roadstead.products.preferences import change_settings
from roadstead.storage.database import Database


@dataclass(frozen=True, slots=True)
class ProductDraft:
    """What somebody says of a product that is to be.

    Attributes:
        id: number of one's choice; None for the next free one.
        slug: slug of one's choice; None for one made from the name.
        settings: those that differ from the defaults.
    """

    name: str
    platform_id: int
    description: str = ""
    id: int | None = None
    slug: str | None = None
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reached:
    """A product as somebody sees it.

    Attributes:
        rights: what they may do with it; never empty.
    """

    product: Product
    rights: Rights


@dataclass(frozen=True, slots=True)
class ProductView:
    """A product with the names of its groups, and the slug of the organization that has it."""

    product: Product
    groups: list[str]
    organization_slug: str | None = None


class ProductService:
    """Products of people and organizations.

    Args:
        database: where they are kept.
        clock: for the time of a change.
        announce: called after a change was committed that other processes must hear of.
        access: who may do what with a product.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        announce: Callable[[], None],
        access: ProductAccess | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._announce = announce
        self._access = access or OwnerAccess()

    async def reach(self, actor: Actor, ref: str) -> Reached:
        """The product that a path names by number or slug, and what the actor may do with it.

        Raises:
            NotFound: ``product_not_found``: there is none, or it is a stranger's.
        """

        def work(conn: Connection) -> Reached:
            product = find_by_ref(conn, ref)
            rights: Rights = frozenset()
            if product is not None:
                rights = self._access.rights_of(conn, actor, product)
            if product is None or not rights:
                raise product_not_found(ref)
            return Reached(product, rights)

        return await self._database.read(work)

    async def get_any(self, ref: str) -> Product:
        """The product that a path names, whoever asks; for routes that prove themselves otherwise.

        Raises:
            NotFound: ``product_not_found``.
        """
        product = await self._database.read(lambda conn: find_by_ref(conn, ref))
        if product is None:
            raise product_not_found(ref)
        return product

    async def create(self, actor: Actor, owner: Owner, draft: ProductDraft) -> Product:
        """Makes a product; whether the actor may do so for this owner is the caller's to check.

        Raises:
            Invalid: ``bad_product_name``, ``bad_platform_id``, ``bad_product_id``, ``bad_slug``,
                ``bad_description`` or ``bad_product_settings``.
            Conflict: ``product_name_taken``, ``product_id_taken`` or ``slug_taken``.
        """
        parsed = _Parsed.of(draft)
        at = self._clock.now()

        def work(conn: Connection) -> Product:
            return _create(conn, actor, owner, parsed, at)

        product = await self._database.write(work, durable=True)
        self._announce()
        return product

    async def update(self, actor: Actor, product: Product, change: ProductChange) -> Product:
        """Changes what is given of a product.

        Raises:
            NotFound: ``product_not_found``.
            Invalid: as at creation.
            Conflict: ``product_name_taken``, ``slug_taken``; ``product_has_devices`` when another
                platform is wanted for a product with devices.
        """
        at = self._clock.now()

        def work(conn: Connection) -> Product:
            changed = change_product(conn, actor, product.id, change, at)
            if changed is None:
                raise product_not_found(product.slug)
            return changed

        changed = await self._database.write(work)
        self._announce()
        return changed

    async def list_products(self, actor: Actor) -> list[ProductView]:
        """The products that are listed for the actor, by name."""

        def work(conn: Connection) -> list[ProductView]:
            owners = self._access.owners_for(conn, actor)
            further = self._access.products_for(conn, actor)
            return _views(conn, store.list_products_of(conn, owners, further))

        return await self._database.read(work)

    async def list_owned(self, owner: Owner) -> list[ProductView]:
        """All products of one owner, by name."""
        return await self._database.read(
            lambda conn: _views(conn, store.list_products_of(conn, [owner]))
        )

    async def view(self, product: Product) -> ProductView:
        """The product with the names of its groups."""
        return (await self._database.read(lambda conn: _views(conn, [product])))[0]


def find_by_ref(conn: Connection, ref: str) -> Product | None:
    """The product that a path names: digits are a number, all else is a slug."""
    if ref.isascii() and ref.isdigit():
        return store.find_product(conn, int(ref)) if len(ref) <= 5 else None
    return store.find_product_by_slug(conn, ref.lower()) if ref.isprintable() else None


def product_not_found(ref: str) -> NotFound:
    """The product is unknown, or a stranger's; the official tools look for the first words."""
    return NotFound("product_not_found", f"Permission denied: you have no product {ref!r}.")


@dataclass(frozen=True, slots=True)
class _Parsed:
    name: str
    platform_id: int
    description: str
    id: int | None
    slug: str | None
    settings: ProductSettings

    @classmethod
    def of(cls, draft: ProductDraft) -> "_Parsed":
        return cls(
            naming.parse_product_name(draft.name),
            naming.parse_platform_id(draft.platform_id),
            naming.parse_description(draft.description),
            None if draft.id is None else naming.parse_product_id(draft.id),
            None if draft.slug is None else naming.parse_slug(draft.slug),
            change_settings(DEFAULT_SETTINGS, draft.settings),
        )


def _create(conn: Connection, actor: Actor, owner: Owner, draft: _Parsed, at: datetime) -> Product:
    store.lock_creation(conn)
    if store.is_name_taken(conn, owner, draft.name):
        raise name_taken(draft.name)
    product = Product(
        id=_number(conn, owner, draft.id, at),
        slug=_slug(conn, draft),
        name=draft.name,
        description=draft.description,
        platform_id=draft.platform_id,
        owner=owner,
        settings=draft.settings,
        created_at=at,
        updated_at=at,
    )
    store.insert_product(conn, product)
    after: telling.Facts = {
        "name": product.name,
        "slug": product.slug,
        "platform_id": product.platform_id,
        "owner_id": owner.id,
        "settings": msgspec.to_builtins(product.settings),
    }
    telling.record(conn, actor, "product.create", product.id, None, after, at)
    telling.announce(conn, product.id)
    return product


def _number(conn: Connection, owner: Owner, wanted: int | None, at: datetime) -> int:
    if wanted is None:
        number = store.find_free_id(conn)
        if number is None:
            raise Conflict("no_product_id", "All product ids of this server are given out.")
        store.put_id(conn, number, owner, at)
        return number
    holder = store.find_id_owner(conn, wanted)
    if holder is None:
        store.put_id(conn, wanted, owner, at)
    elif holder != owner.id or store.find_product(conn, wanted) is not None:
        raise Conflict("product_id_taken", f"The product id {wanted} is taken; choose another.")
    return wanted


def _slug(conn: Connection, draft: _Parsed) -> str:
    if draft.slug is None:
        proposals = naming.propose_slugs(draft.name)
        return next(slug for slug in proposals if not store.is_slug_taken(conn, slug))
    if store.is_slug_taken(conn, draft.slug):
        raise Conflict("slug_taken", f"The slug {draft.slug!r} is taken; choose another.")
    return draft.slug


def name_taken(name: str) -> Conflict:
    """Another product of the owner has this name."""
    return Conflict("product_name_taken", f"Another of your products is named {name!r}.")


def _views(conn: Connection, found: list[Product]) -> list[ProductView]:
    groups = group_store.list_group_names(conn, [product.id for product in found])
    ids = {one.owner.organization_id for one in found if one.owner.organization_id}
    slugs = {one.id: one.slug for one in list_by_ids(conn, sorted(ids))} if ids else {}
    return [
        ProductView(one, groups.get(one.id, []), slugs.get(one.owner.organization_id or ""))
        for one in found
    ]
