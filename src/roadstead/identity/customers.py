"""Customers: the end users of a product, in their three kinds.

A simple customer signs in by e-mail address and password, kept for one product alone; for a shadow
customer the product's own server speaks; and somebody who comes by the login page keeps their own
account, of which the product's app then holds a small part. All of them can own devices of the
product and do with them what ``permissions.CUSTOMER_PERMISSIONS`` says.

Source: particle cloud notes §1.9, §2.12, §3.4.5.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from roadstead.identity import credentials, customer_store, safety_store, store
from roadstead.identity.customer_store import Customer, CustomerKind
from roadstead.identity.model import UNLIMITED, AccountKind, Actor, TokenLimits, User
from roadstead.identity.recording import record_change
from roadstead.identity.service import IdentityService
from roadstead.identity.tokens import IssuedToken, invalid_grant
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict, NotFound
from roadstead.kit.ids import new_object_id
from roadstead.kit.paging import Page
from roadstead.storage import outbox
from roadstead.storage.database import Database


class CustomerLeaving(Protocol):
    """Who keeps devices: lets those of a customer go within the transaction that removes them."""

    def __call__(
        self, conn: Connection, user: User, actor: Actor, at: datetime, *, product_id: int
    ) -> Sequence[tuple[str, str]]:
        """Gives the outbox messages, topic and key, that tell of it; has written audit rows."""


class Customers:
    """Customers of all products.

    Args:
        identity: passwords and tokens.
        leaving: lets the devices of a customer go.
        announce: called after a change was committed that other processes must hear of.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        identity: IdentityService,
        leaving: CustomerLeaving,
        announce: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._identity = identity
        self._leaving = leaving
        self._announce = announce

    async def create(self, actor: Actor, product_id: int, email: str, password: str | None) -> User:
        """Adds a simple customer, or without a password a shadow customer; gives the account.

        Raises:
            Invalid: ``bad_username`` or ``weak_password``.
            Conflict: ``customer_exists``.
        """
        address = credentials.parse_username(email)
        password_hash = None
        if password is not None:
            parsed = credentials.parse_new_password(password, address)
            password_hash = await self._identity.hash_password(parsed)
        now = self._clock.now()
        user = User(
            id=new_object_id(),
            username=realm_name(product_id, address),
            password_hash=password_hash,
            is_admin=False,
            created_at=now,
            kind=AccountKind.CUSTOMER,
            product_id=product_id,
        )
        kind = CustomerKind.SHADOW if password is None else CustomerKind.SIMPLE
        customer = Customer(user.id, product_id, address, kind, now)

        def work(conn: Connection) -> None:
            if store.find_user_by_name(conn, user.username) is not None:
                raise _customer_exists(address)
            store.insert_user(conn, user)
            customer_store.insert_customer(conn, customer)
            record(conn, actor, "customer.create", customer, None, _facts(customer), now)

        try:
            await self._database.write(work, durable=True)
        except IntegrityError as error:
            raise _customer_exists(address) from error
        return user

    async def log_in(self, product_id: int, email: str, password: str, address: str) -> User:
        """The simple customer with this address and password.

        Raises:
            Invalid: ``invalid_grant``.
            TooMany: ``locked_out`` or ``busy``.
        """
        name = realm_name(product_id, email.strip().lower())
        return await self._identity.log_in_account(name, password, address=address)

    async def issue(
        self, user: User, client_id: str, *, lifetime_s: int | None, address: str
    ) -> IssuedToken:
        """Tokens of a customer of the product's realm."""
        return await self._identity.issue_pair(
            user, client_id, lifetime_s=lifetime_s, address=address, limits=UNLIMITED
        )

    async def issue_for(
        self,
        product_id: int,
        email: str,
        client_id: str,
        *,
        lifetime_s: int | None,
        address: str,
    ) -> IssuedToken:
        """Tokens of any customer of the product, for the product's own server.

        Raises:
            Invalid: ``invalid_grant`` when there is no such customer.
        """
        wanted = email.strip().lower()

        def work(conn: Connection) -> tuple[Customer, User] | None:
            customer = customer_store.find_customer_by_email(conn, product_id, wanted)
            user = store.find_user(conn, customer.id) if customer else None
            return (customer, user) if customer and user else None

        found = await self._database.read(work)
        if found is None:
            refused = invalid_grant()
            refused.message = f"The product has no customer {wanted!r}."
            raise refused
        customer, user = found
        limits = (
            TokenLimits(kind=AccountKind.CUSTOMER, product_id=product_id)
            if customer.kind is CustomerKind.LOGIN
            else UNLIMITED
        )
        return await self._identity.issue_pair(
            user, client_id, lifetime_s=lifetime_s, address=address, limits=limits
        )

    async def list_page(self, product_id: int, *, page: int, per_page: int) -> Page[Customer]:
        """A page of a product's customers, oldest first."""
        offset = (page - 1) * per_page
        items, total = await self._database.read(
            lambda conn: customer_store.list_customers(
                conn, product_id, offset=offset, limit=per_page
            )
        )
        return Page(items, page, per_page, total)

    async def set_password(self, actor: Actor, product_id: int, email: str, password: str) -> None:
        """Sets the password of a simple customer, and ends all their tokens.

        Raises:
            NotFound: ``customer_not_found``.
            Conflict: ``customer_without_password`` for the other kinds.
            Invalid: ``weak_password``.
        """
        parsed = credentials.parse_new_password(password, email.strip().lower())
        now = self._clock.now()

        def permit(conn: Connection) -> User:
            customer, user = _get(conn, product_id, email)
            if customer.kind is not CustomerKind.SIMPLE:
                raise Conflict(
                    "customer_without_password",
                    f"{customer.email} does not sign in with a password of this product.",
                )
            record(conn, actor, "customer.set_password", customer, None, None, now)
            return user

        await self._identity.set_password(parsed, permit, "user.reset_password", actor.address)

    async def remove(self, actor: Actor, product_id: int, email: str) -> None:
        """Removes a customer: tokens and claim codes end, devices become nobody's.

        The own account of somebody who came by the login page stays.

        Raises:
            NotFound: ``customer_not_found``.
        """
        now = self._clock.now()

        def work(conn: Connection) -> str:
            customer, user = _get(conn, product_id, email)
            messages = list(self._leaving(conn, user, actor, now, product_id=product_id))
            record(conn, actor, "customer.remove", customer, _facts(customer), None, now)
            gone = safety_store.delete_tokens_in_product(conn, user, product_id)
            customer_store.delete_customer(conn, product_id, user.id)
            if customer.kind is not CustomerKind.LOGIN:
                store.delete_user(conn, user.id)
            messages += [("token.revoked", digest.hex()) for digest in gone]
            for topic, key in (*messages, ("user.changed", user.id)):
                outbox.append(conn, topic, key)
            return user.id

        self._identity.forget(await self._database.write(work, durable=True))
        self._announce()


def realm_name(product_id: int, email: str) -> str:
    """The user name of a customer: no person can have one with a colon in it."""
    return f"customer:{product_id}:{email}"


def join_by_login(
    conn: Connection, user: User, product_id: int, actor: Actor, at: datetime
) -> None:
    """Makes somebody who came by the login page a customer, within the caller's transaction."""
    if customer_store.find_customer(conn, product_id, user.id) is not None:
        return
    customer = Customer(user.id, product_id, user.email, CustomerKind.LOGIN, at)
    customer_store.insert_customer(conn, customer)
    record(conn, actor, "customer.create", customer, None, _facts(customer), at)


def record(
    conn: Connection,
    actor: Actor,
    action: str,
    customer: Customer,
    before: dict[str, object] | None,
    after: dict[str, object] | None,
    at: datetime,
) -> None:
    """Writes the audit row of a change of a customer, on the product's trail."""
    record_change(
        conn,
        actor,
        action,
        f"customer/{customer.id}",
        before,
        after,
        at=at,
        scope=f"product/{customer.product_id}",
    )


def _get(conn: Connection, product_id: int, email: str) -> tuple[Customer, User]:
    wanted = email.strip().lower()
    customer = customer_store.find_customer_by_email(conn, product_id, wanted)
    user = store.find_user(conn, customer.id) if customer else None
    if customer is None or user is None:
        raise NotFound("customer_not_found", f"The product has no customer {wanted!r}.")
    return customer, user


def _facts(customer: Customer) -> dict[str, object]:
    return {"email": customer.email, "kind": customer.kind.value}


def _customer_exists(email: str) -> Conflict:
    return Conflict("customer_exists", f"The product has a customer {email!r} already.")
