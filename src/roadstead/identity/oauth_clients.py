"""OAuth clients: programs that tokens are issued through, of a person or of a product.

A product's client has an account of its own, so that it outlives whoever made it; a person's client
acts as that person. The secret is shown once.

Source: particle cloud notes §1.10, §2.1, §2.3.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from roadstead.identity import client_store, clients, safety_store, store
from roadstead.identity.client_store import ClientType, OAuthClient
from roadstead.identity.model import AccountKind, Actor, TokenLimits, User
from roadstead.identity.recording import record_change
from roadstead.identity.refresh import RefreshTokens
from roadstead.identity.tokens import IssuedToken
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Invalid, NotFound, TooMany, Unavailable
from roadstead.kit.ids import new_access_token, new_object_id
from roadstead.storage import outbox
from roadstead.storage.database import Database

CUSTOMERS_CREATE = frozenset({"customers:create"})
"""The scope of a client whose secret travels in an app: it makes customers and nothing else."""

MAX_CLIENTS = 100
"""Clients of one product or person."""

MAX_NAME_CHARS = 64
MAX_REDIRECT_CHARS = 1024

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class NewClient:
    """What a client is to be.

    Attributes:
        scopes: None for all that its account may.
    """

    name: str
    type: ClientType
    redirect_uri: str | None
    scopes: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class ProvenClient:
    """The client of a request, proven by its secret.

    Attributes:
        registered: None for a pair that the official tools carry in their sources.
    """

    id: str
    registered: OAuthClient | None = None

    @property
    def product_id(self) -> int | None:
        """The product that it belongs to."""
        return self.registered.product_id if self.registered else None


class OAuthClients:
    """Clients of all people and products.

    Args:
        announce: called after a change was committed that other processes must hear of.
        tokens: issues tokens, and is told when some ended, so that this process knows at once.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        announce: Callable[[], None],
        tokens: RefreshTokens,
    ) -> None:
        self._database = database
        self._clock = clock
        self._announce = announce
        self._tokens = tokens

    async def prove(self, client_id: str, secret: str) -> ProvenClient:
        """The client of this id, if the secret is its own.

        Raises:
            Invalid: ``invalid_client``.
        """
        public = clients.find_client(client_id, secret)
        if public is not None:
            return ProvenClient(public)
        found = await self.find(client_id)
        digest = secret_digest(secret)
        expected = found.secret_digest if found else bytes(32)
        if not hmac.compare_digest(digest, expected) or found is None:
            raise invalid_client()
        return ProvenClient(found.id, found)

    async def find(self, client_id: str) -> OAuthClient | None:
        """The client of this id, whoever owns it."""
        if not client_id.isascii() or not client_id.isprintable():
            return None
        return await self._database.read(lambda conn: client_store.find_client(conn, client_id))

    async def list_of_product(self, product_id: int) -> list[OAuthClient]:
        """The clients of a product, oldest first."""
        return await self._database.read(
            lambda conn: client_store.list_clients_of_product(conn, product_id)
        )

    async def list_of_user(self, actor: Actor) -> list[OAuthClient]:
        """The actor's own clients, oldest first."""
        return await self._database.read(
            lambda conn: client_store.list_clients_of_user(conn, actor.user_id)
        )

    async def create(
        self, actor: Actor, wanted: NewClient, product_id: int | None
    ) -> tuple[OAuthClient, str]:
        """Makes a client of a product, or else of the actor; gives it and its secret.

        Raises:
            Invalid: ``bad_client_name``, ``bad_redirect_uri`` or ``no_account``.
            TooMany: ``too_many_clients``.
        """
        if not actor.user_id:
            raise Invalid("no_account", "Only an account can own a client.")
        name, redirect = parse_client_name(wanted.name), _redirect_of(wanted)
        secret, now = new_access_token(), self._clock.now()

        def work(conn: Connection) -> OAuthClient:
            count = client_store.count_clients(conn, user_id=actor.user_id, product_id=product_id)
            if count >= MAX_CLIENTS:
                raise TooMany("too_many_clients", f"There can be at most {MAX_CLIENTS} clients.")
            client_id = _new_id(name)
            client = OAuthClient(
                id=client_id,
                name=name,
                type=wanted.type,
                account_id=_account(conn, actor, client_id, product_id, now),
                product_id=product_id,
                redirect_uri=redirect,
                scopes=wanted.scopes,
                secret_digest=secret_digest(secret),
                created_at=now,
            )
            client_store.insert_client(conn, client)
            _record(conn, actor, "client.create", client, None, _facts(client), now)
            return client

        for _ in range(5):
            try:
                return await self._database.write(work, durable=True), secret
            except IntegrityError:
                continue  # the random end of the id was taken
        raise Unavailable("busy", "Too many clients are made at once; try again.")

    async def issue(
        self, client: OAuthClient, *, lifetime_s: int | None, address: str
    ) -> IssuedToken:
        """Tokens by which the client acts as its account, within its scopes."""
        user = await self._database.read(lambda conn: store.find_user(conn, client.account_id))
        if user is None:
            raise invalid_client()
        return await self._tokens.issue_pair(
            user,
            client.id,
            lifetime_s=lifetime_s,
            address=address,
            limits=TokenLimits(scopes=client.scopes),
        )

    async def update(
        self,
        actor: Actor,
        client_id: str,
        product_id: int | None,
        *,
        name: str | None,
        scopes: frozenset[str] | None,
        change_scopes: bool,
    ) -> OAuthClient:
        """Changes name and scopes; tokens that the client got for itself end with its old scopes.

        Raises:
            NotFound: ``client_not_found``.
            Invalid: ``bad_client_name``.
        """
        new_name, now = None if name is None else parse_client_name(name), self._clock.now()

        def work(conn: Connection) -> tuple[OAuthClient, bool]:
            before = _own(conn, actor, client_id, product_id)
            after = replace(
                before,
                name=before.name if new_name is None else new_name,
                scopes=scopes if change_scopes else before.scopes,
            )
            client_store.update_client(conn, before.id, name=after.name, scopes=after.scopes)
            narrowed = after.scopes != before.scopes
            gone = safety_store.delete_tokens_of_client(conn, before.id) if narrowed else []
            told = (_facts(before), _facts(after))
            _record(conn, actor, "client.update", after, *told, now)
            _end(conn, gone)
            return after, narrowed

        after, narrowed = await self._database.write(work, durable=True)
        if narrowed:
            self._tokens.forget_all()
            self._announce()
        return after

    async def remove(self, actor: Actor, client_id: str, product_id: int | None) -> None:
        """Removes a client, with all tokens that were issued through it.

        Raises:
            NotFound: ``client_not_found``.
        """
        now = self._clock.now()

        def work(conn: Connection) -> None:
            client = _own(conn, actor, client_id, product_id)
            gone = safety_store.delete_tokens_of_client(conn, client.id)
            client_store.delete_client(conn, client.id)
            if client.product_id is not None:
                store.delete_user(conn, client.account_id)
            _record(conn, actor, "client.remove", client, _facts(client), None, now)
            _end(conn, gone)

        await self._database.write(work, durable=True)
        self._tokens.forget_all()
        self._announce()


def parse_client_name(text: str) -> str:
    """The name of a client.

    Raises:
        Invalid: ``bad_client_name``.
    """
    name = text.strip()
    if not 1 <= len(name) <= MAX_NAME_CHARS or not name.isprintable():
        raise Invalid(
            "bad_client_name", f"The name must have 1 to {MAX_NAME_CHARS} printable characters."
        )
    return name


def parse_redirect_uri(text: str) -> str:
    """A redirect URI: absolute, without a fragment; plain HTTP only to the machine itself.

    Raises:
        Invalid: ``bad_redirect_uri``.
    """
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise _bad_redirect(text) from None
    is_plain = text.isascii() and text.isprintable() and not set(text) & set(" \"'<>;,\\")
    is_local = parts.hostname in _LOOPBACK
    is_web = parts.scheme == "https" or (parts.scheme == "http" and is_local)
    if not is_plain or not is_web or not parts.hostname or "@" in parts.netloc:
        raise _bad_redirect(text)
    if "#" in text or len(text) > MAX_REDIRECT_CHARS:
        raise _bad_redirect(text)
    return text


def secret_digest(secret: str) -> bytes:
    """What is kept of a client's secret: 160 random bits need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def invalid_client() -> Invalid:
    """The client is unknown, or its secret is wrong; which of both is not said."""
    return Invalid("invalid_client", "Client credentials are invalid")


def _redirect_of(wanted: NewClient) -> str | None:
    if wanted.type == "installed":
        if wanted.redirect_uri:
            raise Invalid("bad_redirect_uri", "A client of type installed has no redirect_uri.")
        return None
    if not wanted.redirect_uri:
        raise Invalid("bad_redirect_uri", "A client of type web needs a redirect_uri.")
    return parse_redirect_uri(wanted.redirect_uri)


def _bad_redirect(text: str) -> Invalid:
    return Invalid(
        "bad_redirect_uri",
        f"redirect_uri {text[:200]!r} must be https://… (or http:// on this machine itself), "
        "without user, fragment or blanks.",
    )


def _new_id(name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "client"
    return f"{plain}-{secrets.randbelow(9000) + 1000}"


def _account(
    conn: Connection, actor: Actor, client_id: str, product_id: int | None, at: datetime
) -> str:
    """The account that the client acts as."""
    if product_id is None:
        return actor.user_id
    user = User(
        id=new_object_id(),
        username=f"client:{client_id}",
        password_hash=None,
        is_admin=False,
        created_at=at,
        kind=AccountKind.CLIENT,
        product_id=product_id,
    )
    store.insert_user(conn, user)
    return user.id


def _own(conn: Connection, actor: Actor, client_id: str, product_id: int | None) -> OAuthClient:
    found = client_store.find_client(conn, client_id) if client_id.isprintable() else None
    is_own = found is not None and found.product_id == product_id
    if found is None or not is_own or (product_id is None and found.account_id != actor.user_id):
        raise NotFound("client_not_found", f"There is no client {client_id!r} here.")
    return found


def _facts(client: OAuthClient) -> dict[str, object]:
    return {
        "client": client.id,
        "name": client.name,
        "type": client.type,
        "redirect_uri": client.redirect_uri,
        "scopes": None if client.scopes is None else sorted(client.scopes),
    }


def _record(
    conn: Connection,
    actor: Actor,
    action: str,
    client: OAuthClient,
    before: dict[str, object] | None,
    after: dict[str, object] | None,
    at: datetime,
) -> None:
    product_id = client.product_id
    record_change(
        conn,
        actor,
        action,
        f"client/{client.id}",
        before,
        after,
        at=at,
        scope=None if product_id is None else f"product/{product_id}",
    )


def _end(conn: Connection, digests: list[bytes]) -> None:
    for digest in digests:
        outbox.append(conn, "token.revoked", digest.hex())
