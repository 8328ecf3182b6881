"""What the server keeps of the caller: sign-ins, everything in one document, and its removal.

Ours, but for the removal. Source: particle cloud notes §2.2.
"""

from typing import Any

import msgspec

from roadstead.audit import trail
from roadstead.http.accounts.access_tokens import Ok
from roadstead.http.accounts.clients import ClientDocument
from roadstead.http.accounts.clients import document_of as client_document
from roadstead.http.accounts.users import Done, UserAnswer
from roadstead.http.accounts.users import get_user as user_answer
from roadstead.http.devices.devices import DeviceAnswer
from roadstead.http.devices.devices import answer as device_answer
from roadstead.http.devices.transfers import TransferAnswer
from roadstead.http.devices.transfers import list_transfers as list_transfer_answers
from roadstead.http.operation import Call, Operation
from roadstead.identity.customer_store import list_products_of_customer
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import iso_ms
from roadstead.kit.errors import NotFound
from roadstead.organizations.team_store import list_roles

_TAG = "Account"

MAX_EXPORTED_CHANGES = 100_000
"""Newest changes in an export; an account that works without pause makes them in years."""


class SignInAnswer(msgspec.Struct):
    """A token or session; ``id`` ends it by ``DELETE /v1/user/tokens/{id}``."""

    id: str
    client: str
    created_at: str
    last_used_at: str | None
    address: str | None
    expires_at: str | None
    current: bool


class ChangeAnswer(msgspec.Struct):
    """A row of the audit trail."""

    at: str
    actor: str
    address: str
    action: str
    target: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class TeamRole(msgspec.Struct):
    """A team that the account is on; ``team`` is ``product/NUMBER`` or ``organization/ID``."""

    team: str
    role: str


class ExportAnswer(msgspec.Struct):
    """Everything that is kept of an account, without secrets."""

    exported_at: str
    id: str
    created_at: str
    user: UserAnswer
    recovery_codes_left: int
    tokens: list[SignInAnswer]
    devices: list[DeviceAnswer]
    transfer_requests: list[TransferAnswer]
    teams: list[TeamRole]
    clients: list[ClientDocument]
    customer_of: list[int]
    changes: list[ChangeAnswer]


class DeleteBody(msgspec.Struct):
    """Confirmed by the password."""

    password: str


async def list_sign_ins(call: Call) -> list[SignInAnswer]:
    """The caller's valid tokens, with their use."""
    user = await call.parts.identity.get_user(call.actor)
    return [
        SignInAnswer(
            id=token.digest.hex(),
            client=token.client_id,
            created_at=iso_ms(token.created_at),
            last_used_at=iso_ms(token.last_used_at) if token.last_used_at else None,
            address=token.address,
            expires_at=iso_ms(token.expires_at) if token.expires_at else None,
            current=token.digest == call.actor.token_digest,
        )
        for token in await call.parts.identity.list_tokens(user)
    ]


async def end_sign_in(call: Call) -> Ok:
    """Ends one of the caller's tokens by its id."""
    if not await call.parts.identity.revoke_own(call.actor, call.path["sign_in"]):
        raise NotFound("token_not_found", "You have no such sign-in, or it has ended already.")
    return Ok()


async def export(call: Call) -> ExportAnswer:
    """Everything that the server keeps of the caller."""
    parts, actor = call.parts, call.actor
    user = await parts.identity.get_user(actor)
    rows = await parts.database.read(
        lambda conn: trail.list_rows_about(
            conn, actor.user_id, f"user/{actor.user_id}", limit=MAX_EXPORTED_CHANGES
        )
    )
    teams, products = await parts.database.read(
        lambda conn: (
            list_roles(conn, actor.user_id),
            list_products_of_customer(conn, actor.user_id),
        )
    )
    return ExportAnswer(
        exported_at=iso_ms(parts.clock.now()),
        id=user.id,
        created_at=iso_ms(user.created_at),
        user=await user_answer(call),
        recovery_codes_left=await parts.second_factors.recovery_codes_left(user.id),
        tokens=await list_sign_ins(call),
        devices=[device_answer(view) for view in await parts.devices.list_devices(actor)],
        transfer_requests=await list_transfer_answers(call),
        teams=[TeamRole(team, role.value) for team, role in sorted(teams.items())],
        clients=[client_document(one) for one in await parts.people.clients.list_of_user(actor)],
        customer_of=products,
        changes=[
            ChangeAnswer(
                at=iso_ms(row.at),
                actor=row.actor_name,
                address=row.address,
                action=row.action,
                target=row.target,
                before=row.before,
                after=row.after,
            )
            for row in rows
        ],
    )


async def delete_user(call: Call) -> Done:
    """Removes the caller's account."""
    body: DeleteBody = call.body
    await call.parts.removal.delete_account(call.actor, body.password)
    return Done("User's account has been deleted.")


OPERATIONS = (
    Operation(
        name="list_sign_ins",
        method="GET",
        path="/v1/user/tokens",
        tag=_TAG,
        summary="List your sign-ins: client, address, last use",
        handler=list_sign_ins,
        permission=Permission.ACCOUNT_TOKENS_LIST,
        answer=list[SignInAnswer],
    ),
    Operation(
        name="end_sign_in",
        method="DELETE",
        path="/v1/user/tokens/{sign_in}",
        tag=_TAG,
        summary="End one of your sign-ins",
        handler=end_sign_in,
        permission=Permission.ACCOUNT_TOKENS_REVOKE,
        answer=Ok,
        errors=(404,),
    ),
    Operation(
        name="export_user",
        method="GET",
        path="/v1/user/export",
        tag=_TAG,
        summary="Get everything that is kept of you",
        handler=export,
        permission=Permission.ACCOUNT_GET,
        answer=ExportAnswer,
    ),
    Operation(
        name="delete_user",
        method="DELETE",
        path="/v1/user",
        tag=_TAG,
        summary="Remove your account; your devices become nobody's",
        handler=delete_user,
        permission=Permission.ACCOUNT_DELETE,
        body=DeleteBody,
        answer=Done,
        errors=(409,),
    ),
)
