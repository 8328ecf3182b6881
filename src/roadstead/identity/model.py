"""Who acts: people, their tokens, and the actor that every operation is asked by."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class AccountKind(StrEnum):
    """What stands behind an account; each of them can hold access tokens."""

    PERSON = "person"
    """Somebody who signs in by e-mail address and password."""

    API_USER = "api_user"
    """A program on the team of a product or an organization, with scopes and one token."""

    CUSTOMER = "customer"
    """An end user of one product."""

    CLIENT = "client"
    """A product's OAuth client, acting for the product itself."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The one who asks for an operation, as proven by an access token or by the command line.

    Attributes:
        user_id: 24-hex id; empty for the operator at the command line.
        username: e-mail address, or ``operator``.
        is_admin: administrator of the whole server.
        client_id: OAuth client that the token was issued to.
        token_digest: SHA-256 of the access token, None at the command line.
        address: network address of the caller as text, for audit rows.
        kind: what stands behind the account, as far as this token goes: a person who came through
            a product's app acts as its customer.
        scopes: the only permissions that the token gives; None for all that the account has.
        product_id: the only product that the actor knows.
        organization_id: the organization of an API user.
    """

    user_id: str
    username: str
    is_admin: bool = False
    client_id: str = ""
    token_digest: bytes | None = None
    address: str = ""
    kind: AccountKind = AccountKind.PERSON
    scopes: frozenset[str] | None = None
    product_id: int | None = None
    organization_id: str | None = None


OPERATOR = Actor(user_id="", username="operator", is_admin=True)
"""The one at the command line of the server, who holds the data folder and so may do everything."""


@dataclass(frozen=True, slots=True)
class User:
    """An account.

    Attributes:
        id: 24 hex digits.
        username: unique, lower case: a person's e-mail address, or a name in the realm of a product
            (``customer:30301:jane@example.com``), which no person can have.
        password_hash: argon2id in PHC text form; None when the account has no password.
        is_admin: administrator of the whole server.
        account_info: first_name, last_name, company_name, business_account, as the client sent.
        password_version: grows by one with every new password, not with a re-hash of the same.
        kind: what stands behind it.
        product_id: of a customer, a product's client, or an API user of a product.
        organization_id: of an API user of an organization.
        scopes: permissions of an API user; None for all that the kind has.
    """

    id: str
    username: str
    password_hash: str | None
    is_admin: bool
    created_at: datetime
    account_info: dict[str, object] = field(default_factory=dict)
    password_version: int = 0
    kind: AccountKind = AccountKind.PERSON
    product_id: int | None = None
    organization_id: str | None = None
    scopes: frozenset[str] | None = None

    @property
    def email(self) -> str:
        """The user name without its realm: what letters go to, and what others see."""
        return self.username.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What is kept of an issued token; the token itself is shown once and never stored.

    Attributes:
        family: the sign-in that it descends from, where that can be refreshed.
        address: network address that it was issued to.
        last_used_at: last use, to the minute; None while it was never used.
        kind: what the bearer acts as, where that is less than the account is.
        scopes: the only permissions that it gives; None for all of the account.
        product_id: the only product that it knows; None to leave that to the account.
    """

    digest: bytes
    user_id: str
    client_id: str
    created_at: datetime
    expires_at: datetime | None
    family: str | None = None
    address: str | None = None
    last_used_at: datetime | None = None
    kind: AccountKind | None = None
    scopes: frozenset[str] | None = None
    product_id: int | None = None


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """What a user's authenticator shows codes of.

    Attributes:
        sealed_secret: the shared secret, encrypted at rest.
        last_step: time step of the last code that was used; it and earlier ones are refused.
    """

    user_id: str
    sealed_secret: bytes
    last_step: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What is kept of a refresh token.

    Attributes:
        family: the sign-in that it descends from; all tokens of one sign-in share it.
        lifetime_s: lifetime of the access tokens that it gives.
        used_at: when it was exchanged for the next one.
        kind, scopes, product_id: of the access tokens that it gives.
    """

    digest: bytes
    user_id: str
    client_id: str
    family: str
    lifetime_s: int
    expires_at: datetime
    used_at: datetime | None = None
    kind: AccountKind | None = None
    scopes: frozenset[str] | None = None
    product_id: int | None = None


@dataclass(frozen=True, slots=True)
class TokenLimits:
    """What a token gives less than the account has.

    Attributes:
        kind, scopes, product_id: as in ``AccessToken``.
    """

    kind: AccountKind | None = None
    scopes: frozenset[str] | None = None
    product_id: int | None = None


UNLIMITED = TokenLimits()
"""All that the account has."""


def actor_from(user: User, token: AccessToken, address: str) -> Actor:
    """Who presents this token of this account."""
    return Actor(
        user_id=user.id,
        username=user.email,
        is_admin=user.is_admin and token.kind is None and token.scopes is None,
        client_id=token.client_id,
        token_digest=token.digest,
        address=address,
        kind=token.kind or user.kind,
        scopes=user.scopes if token.scopes is None else token.scopes,
        product_id=user.product_id if token.product_id is None else token.product_id,
        organization_id=user.organization_id,
    )
