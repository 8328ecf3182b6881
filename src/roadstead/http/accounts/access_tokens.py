"""A caller's access tokens: described, listed, revoked.

Source: particle cloud notes §2.1; clients notes §4.
"""

import msgspec

from roadstead.http.operation import Access, Call, Operation, QueryParameter
from roadstead.identity.model import AccessToken, AccountKind, Actor
from roadstead.identity.permissions import CUSTOMER_PERMISSIONS, Permission
from roadstead.kit.clock import iso_ms
from roadstead.kit.errors import NotFound

_TAG = "Tokens"


class Ok(msgspec.Struct):
    """Done."""

    ok: bool = True


class OrganizationRef(msgspec.Struct):
    """An organization that a token reaches."""

    id: str
    slug: str


class CurrentToken(msgspec.Struct):
    """The token in use; both names of the client are there because clients read either."""

    expires_at: str | None
    client: str
    client_id: str
    scopes: list[str]
    orgs: list[OrganizationRef]


class ListedToken(msgspec.Struct):
    """A token of the caller. Its text is not kept: ``token`` is ``sha256:`` and its digest."""

    token: str
    expires_at: str | None
    client: str
    created_at: str


async def get_current(call: Call) -> CurrentToken:
    """Describes the token in use."""
    token = await call.parts.identity.describe_token(call.actor)
    found = await call.parts.people.organizations.list_for(call.actor)
    return CurrentToken(
        expires_at=_expiry(token),
        client=token.client_id,
        client_id=token.client_id,
        scopes=sorted(_scopes(call.actor)),
        orgs=[OrganizationRef(one.id, one.slug) for one in found],
    )


async def list_tokens(call: Call) -> list[ListedToken]:
    """Lists the caller's valid tokens."""
    user = await call.parts.identity.get_user(call.actor)
    return [
        ListedToken(
            f"sha256:{token.digest.hex()}",
            _expiry(token),
            token.client_id,
            iso_ms(token.created_at),
        )
        for token in await call.parts.identity.list_tokens(user)
    ]


async def revoke_current(call: Call) -> Ok:
    """Ends the token in use."""
    await call.parts.identity.revoke_current(call.actor)
    return Ok()


async def revoke_all(call: Call) -> Ok:
    """Ends all tokens of the caller."""
    await call.parts.identity.revoke_all(call.actor)
    return Ok()


async def revoke_token(call: Call) -> Ok:
    """Ends the token in the path; holding it is the proof."""
    address = call.caller.address
    if not await call.parts.identity.revoke_token(call.path["token"], address=address):
        raise NotFound("token_not_found", "There is no such token, or it has ended already.")
    return Ok()


def _scopes(actor: Actor) -> frozenset[str]:
    """What the token is limited to; empty for all that a person may."""
    if actor.scopes is None and actor.kind is AccountKind.CUSTOMER:
        return CUSTOMER_PERMISSIONS
    return actor.scopes or frozenset()


def _expiry(token: AccessToken) -> str | None:
    return iso_ms(token.expires_at) if token.expires_at else None


OPERATIONS = (
    Operation(
        name="get_current_token",
        method="GET",
        path="/v1/access_tokens/current",
        tag=_TAG,
        summary="Describe the token in use",
        handler=get_current,
        permission=Permission.TOKEN_GET,
        answer=CurrentToken,
    ),
    Operation(
        name="revoke_current_token",
        method="DELETE",
        path="/v1/access_tokens/current",
        tag=_TAG,
        summary="Sign out: end the token in use",
        handler=revoke_current,
        permission=Permission.TOKEN_REVOKE,
        answer=Ok,
    ),
    Operation(
        name="list_tokens",
        method="GET",
        path="/v1/access_tokens",
        tag=_TAG,
        summary="List your valid tokens",
        handler=list_tokens,
        access=Access.BASIC,
        permission=Permission.ACCOUNT_TOKENS_LIST,
        query=(QueryParameter("otp", "Code of the second factor, with a Basic password."),),
        answer=list[ListedToken],
    ),
    Operation(
        name="revoke_all_tokens",
        method="DELETE",
        path="/v1/access_tokens",
        tag=_TAG,
        summary="End all your tokens, the one in use too",
        handler=revoke_all,
        permission=Permission.ACCOUNT_TOKENS_REVOKE,
        answer=Ok,
    ),
    Operation(
        name="revoke_token",
        method="DELETE",
        path="/v1/access_tokens/{token}",
        tag=_TAG,
        summary="End a token that you hold",
        handler=revoke_token,
        access=Access.OPEN,
        answer=Ok,
    ),
)
