"""Access tokens for a password, a code, a client's secret, or a refresh token.

Source: particle cloud notes §1.9, §2.1, §2.12; clients notes §3, §4. Spec: RFC 6749 §4, §5, §6.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import msgspec

from roadstead.http import credentials
from roadstead.http.operation import Access, Call, Operation
from roadstead.identity.client_store import OAuthClient
from roadstead.identity.model import TokenLimits
from roadstead.identity.oauth_clients import ProvenClient, invalid_client
from roadstead.identity.tokens import IssuedToken
from roadstead.kit.errors import Invalid

MFA_GRANT = "urn:custom:mfa-otp"

PUBLIC_GRANTS = frozenset({"authorization_code", "refresh_token"})
"""Grants that a web client may ask for without its secret: what they exchange is a secret that was
given to this client alone, and counts once. Spec: RFC 9700 §2.1.1, §2.2.2."""

CUSTOMER_SCOPE = "customer="
"""Begins the scope by which a product's own server asks for a customer's token."""

_TAG = "Sign in"


class TokenBody(msgspec.Struct):
    """A request for a token; client id and secret may come by HTTP Basic instead."""

    grant_type: str
    username: str | None = None
    password: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    expires_in: int | None = None
    expires_at: str | None = None
    mfa_token: str | None = None
    otp: str | None = None
    refresh_token: str | None = None
    scope: str | None = None
    code: str | None = None
    redirect_uri: str | None = None
    code_verifier: str | None = None


class TokenAnswer(msgspec.Struct, omit_defaults=True):
    """A new token; ``expires_in`` is in seconds, 0 for never, and then nothing to refresh."""

    token_type: str
    access_token: str
    expires_in: int
    refresh_token: str | None = None


async def create_token(call: Call) -> TokenAnswer:
    """Issues a token."""
    body: TokenBody = call.body
    grant = _GRANTS.get(body.grant_type)
    if grant is None:
        raise _unsupported_grant(body.grant_type)
    client = await _client(call, body)
    return token_answer(await grant(call, body, client))


def token_answer(issued: IssuedToken) -> TokenAnswer:
    """A new token as the API writes it."""
    return TokenAnswer("bearer", issued.token, issued.expires_in_s or 0, issued.refresh_token)


async def _by_password(call: Call, body: TokenBody, client: ProvenClient) -> IssuedToken:
    username, password = _need(body, "username"), _need(body, "password")
    address, lifetime_s = call.caller.address, _lifetime_s(body, call.parts.clock.now())
    if client.product_id is None:
        return await call.parts.sign_in.with_password(
            username,
            password,
            client.id,
            lifetime_s=lifetime_s,
            address=address,
            limits=_limits(client),
        )
    customers = call.parts.people.customers
    user = await customers.log_in(client.product_id, username, password, address)
    return await customers.issue(user, client.id, lifetime_s=lifetime_s, address=address)


async def _by_code(call: Call, body: TokenBody, client: ProvenClient) -> IssuedToken:
    mfa_token, code = _need(body, "mfa_token"), _need(body, "otp")
    return await call.parts.sign_in.with_code(
        mfa_token, code, client.id, address=call.caller.address, limits=_limits(client)
    )


async def _by_client(call: Call, body: TokenBody, client: ProvenClient) -> IssuedToken:
    """A token of the client itself, or of a customer of its product."""
    registered, lifetime_s = client.registered, _lifetime_s(body, call.parts.clock.now())
    address = call.caller.address
    if registered is None:
        # The pairs of the official tools are published: they prove nothing and own nothing.
        raise _unauthorized("This client belongs to nobody; sign in with a password.")
    if body.scope is None or not body.scope.startswith(CUSTOMER_SCOPE):
        return await call.parts.people.clients.issue(
            registered, lifetime_s=lifetime_s, address=address
        )
    if registered.product_id is None or registered.scopes is not None:
        raise _unauthorized(
            "A customer's token takes a client of the product whose scope is not limited, and "
            "whose secret therefore stays on a server."
        )
    return await call.parts.people.customers.issue_for(
        registered.product_id,
        body.scope.removeprefix(CUSTOMER_SCOPE),
        client.id,
        lifetime_s=lifetime_s,
        address=address,
    )


async def _by_authorization(call: Call, body: TokenBody, client: ProvenClient) -> IssuedToken:
    if client.registered is None:
        raise invalid_client()
    return await call.parts.people.authorizations.exchange(
        client.registered,
        _need(body, "code"),
        body.redirect_uri or client.registered.redirect_uri or "",
        _need(body, "code_verifier"),
        lifetime_s=_lifetime_s(body, call.parts.clock.now()),
        address=call.caller.address,
    )


async def _by_refresh(call: Call, body: TokenBody, client: ProvenClient) -> IssuedToken:
    return await call.parts.identity.refresh(
        _need(body, "refresh_token"),
        client.id,
        lifetime_s=_lifetime_s(body, call.parts.clock.now()),
        address=call.caller.address,
    )


_GRANTS: dict[str, Callable[[Call, TokenBody, ProvenClient], Awaitable[IssuedToken]]] = {
    "password": _by_password,
    MFA_GRANT: _by_code,
    "client_credentials": _by_client,
    "authorization_code": _by_authorization,
    "refresh_token": _by_refresh,
}


def _need(body: TokenBody, name: str) -> str:
    value: str | None = getattr(body, name)
    if value is None:
        raise Invalid("invalid_request", f"Field {name!r} is missing.")
    return value


async def _client(call: Call, body: TokenBody) -> ProvenClient:
    pair = credentials.find_basic(call.headers)
    client_id, secret = pair or (body.client_id or "", body.client_secret or "")
    if not client_id:
        raise Invalid(
            "invalid_request",
            "The client is missing: send client_id and client_secret as fields or by HTTP Basic.",
        )
    if body.grant_type in PUBLIC_GRANTS and not secret:
        return _without_secret(await call.parts.people.clients.find(client_id))
    return await call.parts.people.clients.prove(client_id, secret)


def _without_secret(found: OAuthClient | None) -> ProvenClient:
    """An app on a phone or in a browser, which can keep no secret and has the code's instead."""
    if found is None or found.type != "web":
        raise invalid_client()
    return ProvenClient(found.id, found)


def _limits(client: ProvenClient) -> TokenLimits:
    return TokenLimits(scopes=client.registered.scopes if client.registered else None)


def _lifetime_s(body: TokenBody, now: datetime) -> int | None:
    if body.expires_in is not None or body.expires_at is None:
        return body.expires_in
    try:
        expires_at = datetime.fromisoformat(body.expires_at)
    except ValueError as error:
        raise _bad_expiry(body.expires_at) from error
    aware = expires_at if expires_at.tzinfo else expires_at.replace(tzinfo=UTC)
    seconds = int((aware - now).total_seconds())
    if seconds <= 0:
        raise _bad_expiry(body.expires_at)
    return seconds


def _bad_expiry(text: str) -> Invalid:
    return Invalid(
        "invalid_request", f"Field 'expires_at' is {text!r}; it must be a time to come in ISO 8601."
    )


def _unsupported_grant(grant: str) -> Invalid:
    return Invalid(
        "unsupported_grant_type",
        f"grant_type {grant!r} is not known; supported: {', '.join(_GRANTS)}.",
    )


def _unauthorized(why: str) -> Invalid:
    return Invalid("unauthorized_client", why)


OPERATIONS = (
    Operation(
        name="create_token",
        method="POST",
        path="/oauth/token",
        tag=_TAG,
        summary="Sign in: exchange a password, a code or a refresh token for a token",
        handler=create_token,
        access=Access.OPEN,
        body=TokenBody,
        form_only=True,
        answer=TokenAnswer,
        errors=(403, 429),
    ),
)
