"""Teams of products and of organizations, and the API users among their members.

Source: particle cloud notes §1.8, §2.11; clients notes §4.
"""

from typing import Any

import msgspec

from roadstead.http.accounts.access_tokens import Ok
from roadstead.http.operation import Call, Handler, Operation
from roadstead.identity.permissions import Permission, Role
from roadstead.kit.clock import iso_ms
from roadstead.kit.errors import Invalid
from roadstead.organizations.api_users import IssuedApiUser
from roadstead.organizations.model import ApiUser, Invitation, Member
from roadstead.organizations.roles import ROLE_IDS, parse_role
from roadstead.organizations.teams import Team, team_for_organization, team_for_product

_TAG = "Teams"


class RoleAnswer(msgspec.Struct):
    """A role; either of the two names it."""

    id: str
    name: str


class MemberAnswer(msgspec.Struct, kw_only=True):
    """Somebody on a team: a person with a role, or an API user with scopes."""

    id: str = msgspec.field(name="_id")
    username: str
    is_programmatic: bool
    role: RoleAnswer | msgspec.UnsetType = msgspec.UNSET
    no_mfa: bool | msgspec.UnsetType = msgspec.UNSET
    scim_provisioned: bool | msgspec.UnsetType = msgspec.UNSET
    no_password: bool | msgspec.UnsetType = msgspec.UNSET
    friendly_name: str | msgspec.UnsetType = msgspec.UNSET
    scopes: list[str] | msgspec.UnsetType = msgspec.UNSET
    product_id: int | msgspec.UnsetType | None = msgspec.UNSET


class InvitationAnswer(msgspec.Struct):
    """Somebody whose answer is waited for."""

    id: str
    username: str
    role: RoleAnswer
    created_at: str
    expires_at: str


class TeamAnswer(msgspec.Struct):
    """A team; the owner first."""

    team: list[MemberAnswer]
    invitations: list[InvitationAnswer]
    ok: bool = True


class NewMemberBody(msgspec.Struct):
    """Whom to invite (``username``, ``role``), or an API user (``friendly_name``, ``scopes``)."""

    username: str | None = None
    role: Any = None
    friendly_name: str | None = None
    scopes: Any = None


class Invitee(msgspec.Struct):
    """Who was invited."""

    username: str


class TokenText(msgspec.Struct):
    """The text of a token, in the one answer that has it."""

    token: str


class ApiUserToken(msgspec.Struct):
    """An API user and its token; without one, the earlier stays."""

    username: str
    friendly_name: str
    scopes: list[str]
    tokens: list[TokenText]
    is_programmatic: bool = True


class AddedAnswer(msgspec.Struct):
    """An invitation is on its way (``invited``), or there is a new API user (``created``)."""

    invited: Invitee | msgspec.UnsetType = msgspec.UNSET
    created: ApiUserToken | msgspec.UnsetType = msgspec.UNSET
    ok: bool = True


class UpdatedApiUserAnswer(msgspec.Struct):
    """A changed API user."""

    updated: ApiUserToken
    ok: bool = True


class RoleBody(msgspec.Struct):
    """Name or id of the new role."""

    role: Any


class UpdatedMemberAnswer(msgspec.Struct):
    """A member with the new role."""

    updated: MemberAnswer
    ok: bool = True


class ApiUserBody(msgspec.Struct):
    """What to change of an API user."""

    friendly_name: str | None = None
    scopes: Any = None


async def list_team(call: Call) -> TeamAnswer:
    """Everybody on the team."""
    roster = await call.parts.people.teams.list_team(_team(call))
    people = [member_answer(one) for one in roster.members]
    programs = [_api_user(one) for one in roster.api_users]
    return TeamAnswer([*people, *programs], [_invitation(one) for one in roster.invitations])


async def add(call: Call) -> AddedAnswer:
    """Invites a person, or makes an API user."""
    body: NewMemberBody = call.body
    if (body.username is None) == (body.friendly_name is None):
        raise Invalid(
            "invalid_request",
            "Send username to invite a person, or friendly_name and scopes for an API user.",
        )
    if body.username is not None:
        role = _role(body.role)
        made = await call.parts.people.invitations.invite(
            call.actor, _team(call), body.username, role
        )
        return AddedAnswer(invited=Invitee(made.email))
    assert body.friendly_name is not None
    issued = await call.parts.people.api_users.create(
        call.actor, _team(call), body.friendly_name, _scopes(body.scopes) or []
    )
    return AddedAnswer(created=_issued(issued))


async def change_role(call: Call) -> UpdatedMemberAnswer:
    """Gives a member another role."""
    body: RoleBody = call.body
    role = _role(body.role)
    member = await call.parts.people.teams.change_role(
        call.actor, _team(call), call.path["username"], role
    )
    return UpdatedMemberAnswer(member_answer(member))


async def update_api_user(call: Call) -> UpdatedApiUserAnswer:
    """Changes an API user; other scopes come with a new token."""
    body: ApiUserBody = call.body
    issued = await call.parts.people.api_users.update(
        call.actor,
        _team(call),
        call.path["username"],
        friendly_name=body.friendly_name,
        scopes=_scopes(body.scopes),
    )
    return UpdatedApiUserAnswer(_issued(issued))


async def rotate_token(call: Call) -> UpdatedApiUserAnswer:
    """Gives an API user a new token in place of the old one."""
    team, username = _team(call), call.path["username"]
    issued = await call.parts.people.api_users.rotate(call.actor, team, username)
    return UpdatedApiUserAnswer(_issued(issued))


async def remove(call: Call) -> Ok:
    """Takes a member, an invitation or an API user off the team."""
    team, username = _team(call), call.path["username"]
    if not await call.parts.people.api_users.remove(call.actor, team, username):
        await call.parts.people.teams.remove(call.actor, team, username)
    return Ok()


async def leave(call: Call) -> Ok:
    """Takes the caller off the team."""
    await call.parts.people.teams.leave(call.actor, _team(call))
    return Ok()


def member_answer(member: Member) -> MemberAnswer:
    """A member as the API writes them."""
    return MemberAnswer(
        id=member.user_id,
        username=member.username,
        is_programmatic=False,
        role=role_answer(member.role),
        no_mfa=not member.has_mfa,
        scim_provisioned=False,
        no_password=not member.has_password,
    )


def role_answer(role: Role) -> RoleAnswer:
    """A role as the API writes it."""
    return RoleAnswer(ROLE_IDS[role], role.value)


def _team(call: Call) -> Team:
    if call.reached is not None:
        return team_for_product(call.product.id, call.product.name, call.product.owner)
    return team_for_organization(call.organization)


def _role(told: object) -> Role:
    # Tools send the name, the id, or the whole object that they read.
    if isinstance(told, dict):
        told = told.get("id") or told.get("name")
    if told is not None and not isinstance(told, str):
        raise Invalid("bad_role", "role must be the name or the id of a role.")
    return parse_role(told)


def _scopes(told: object) -> list[str] | None:
    # A form has scopes[0], scopes[1] or one text joined by blanks or commas.
    if told is None:
        return None
    if isinstance(told, str):
        return told.replace(",", " ").split()
    items = list(told.values()) if isinstance(told, dict) else told
    if not isinstance(items, list) or not all(isinstance(one, str) for one in items):
        raise Invalid("bad_scope", "scopes must be a list of texts.")
    return items


def _api_user(user: ApiUser) -> MemberAnswer:
    return MemberAnswer(
        id=user.id,
        username=user.username,
        is_programmatic=True,
        friendly_name=user.friendly_name,
        scopes=sorted(user.scopes),
        product_id=user.product_id,
    )


def _issued(issued: IssuedApiUser) -> ApiUserToken:
    user = issued.user
    tokens = [TokenText(issued.token)] if issued.token is not None else []
    return ApiUserToken(user.username, user.friendly_name, sorted(user.scopes), tokens)


def _invitation(invitation: Invitation) -> InvitationAnswer:
    return InvitationAnswer(
        id=invitation.id,
        username=invitation.email,
        role=role_answer(invitation.role),
        created_at=iso_ms(invitation.created_at),
        expires_at=iso_ms(invitation.expires_at),
    )


def _operations(kind: str, path: str) -> tuple[Operation, ...]:
    def row(
        verb: str,
        method: str,
        below: str,
        summary: str,
        handler: Handler,
        permission: Permission,
        **more: Any,
    ) -> Operation:
        return Operation(
            name=f"{verb}_{kind}_{'team' if verb in ('list', 'leave') else 'member'}",
            method=method,
            path=f"{path}/team{below}",
            tag=_TAG,
            summary=f"{summary} of {'a product' if kind == 'product' else 'an organization'}",
            handler=handler,
            permission=permission,
            **more,
        )

    member = "/{username}"
    p = Permission
    return (
        row("list", "GET", "", "List the team", list_team, p.TEAM_LIST, answer=TeamAnswer),
        row(
            *("add", "POST", "", "Invite a person, or make an API user, onto the team"),
            *(add, p.TEAM_INVITE),
            body=NewMemberBody,
            answer=AddedAnswer,
            errors=(403, 409, 429),
        ),
        row(
            *("change", "POST", member, "Give another role to a member of the team"),
            *(change_role, p.TEAM_UPDATE),
            body=RoleBody,
            answer=UpdatedMemberAnswer,
            errors=(403, 409),
        ),
        row(
            *("update_api", "PUT", member, "Change an API user"),
            *(update_api_user, p.TEAM_UPDATE),
            body=ApiUserBody,
            answer=UpdatedApiUserAnswer,
        ),
        row(
            *("rotate_api", "PUT", f"{member}/token", "Get a new token for an API user"),
            *(rotate_token, p.TEAM_UPDATE),
            answer=UpdatedApiUserAnswer,
        ),
        row(
            *("remove", "DELETE", member, "Remove somebody from the team"),
            *(remove, p.TEAM_REMOVE),
            answer=Ok,
            errors=(409,),
        ),
        Operation(
            name=f"leave_{kind}_team",
            method="POST",
            path=f"{path}/leave",
            tag=_TAG,
            summary=f"Leave the team of {'a product' if kind == 'product' else 'an organization'}",
            handler=leave,
            permission=p.TEAM_LIST,
            answer=Ok,
            errors=(409,),
        ),
    )


OPERATIONS = (
    *_operations("product", "/v1/products/{product}"),
    *_operations("organization", "/v1/orgs/{org}"),
)
