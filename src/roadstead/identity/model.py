"""Who acts: people, their tokens, and the actor that every operation is asked by."""

from dataclasses import dataclass, field
from datetime import datetime


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
    """

    user_id: str
    username: str
    is_admin: bool = False
    client_id: str = ""
    token_digest: bytes | None = None
    address: str = ""


OPERATOR = Actor(user_id="", username="operator", is_admin=True)
"""The one at the command line of the server, who holds the data folder and so may do everything."""


@dataclass(frozen=True, slots=True)
class User:
    """A person's account.

    Attributes:
        id: 24 hex digits.
        username: e-mail address, lower case, unique.
        password_hash: argon2id in PHC text form; None when the account has no password.
        is_admin: administrator of the whole server.
        account_info: first_name, last_name, company_name, business_account, as the client sent.
        password_version: grows by one with every new password, not with a re-hash of the same.
    """

    id: str
    username: str
    password_hash: str | None
    is_admin: bool
    created_at: datetime
    account_info: dict[str, object] = field(default_factory=dict)
    password_version: int = 0


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What is kept of an issued token; the token itself is shown once and never stored.

    Attributes:
        family: the sign-in that it descends from, where that can be refreshed.
        address: network address that it was issued to.
        last_used_at: last use, to the minute; None while it was never used.
    """

    digest: bytes
    user_id: str
    client_id: str
    created_at: datetime
    expires_at: datetime | None
    family: str | None = None
    address: str | None = None
    last_used_at: datetime | None = None


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
    """

    digest: bytes
    user_id: str
    client_id: str
    family: str
    lifetime_s: int
    expires_at: datetime
    used_at: datetime | None = None
