"""Invitations to teams, on the side of who is invited; ours.

The page of the letter's link changes nothing by being opened.
"""

import html
from typing import Literal

import msgspec
from starlette.responses import HTMLResponse

from roadstead.http.accounts.access_tokens import Ok
from roadstead.http.accounts.passwords import hidden, page
from roadstead.http.operation import Access, Call, Operation, QueryParameter
from roadstead.http.people.teams import RoleAnswer, role_answer
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import iso_ms
from roadstead.kit.errors import DomainError
from roadstead.organizations.invitations import Invited
from roadstead.organizations.letters import INVITATION_PAGE

_TAG = "Teams"
_TITLE = "Invitation to a team"


class OwnInvitation(msgspec.Struct):
    """An invitation of the caller; ``team`` is ``product/NUMBER`` or ``organization/ID``."""

    id: str
    team: str
    name: str
    role: RoleAnswer
    created_at: str
    expires_at: str


class InvitationDecisionBody(msgspec.Struct):
    """The answer."""

    action: Literal["accept", "decline"]


class InvitationPageBody(msgspec.Struct):
    """What the page's form sends; ``password`` opens an account."""

    token: str
    action: Literal["accept", "decline"]
    password: str = ""


async def list_own(call: Call) -> list[OwnInvitation]:
    """Invitations that wait for the caller's answer."""
    return [
        OwnInvitation(
            id=one.id,
            team=one.team,
            name=one.team_name,
            role=role_answer(one.role),
            created_at=iso_ms(one.created_at),
            expires_at=iso_ms(one.expires_at),
        )
        for one in await call.parts.people.invitations.list_for(call.actor)
    ]


async def decide(call: Call) -> Ok:
    """Accepts or declines."""
    body: InvitationDecisionBody = call.body
    accept = body.action == "accept"
    await call.parts.people.invitations.decide(call.actor, call.path["invitation"], accept=accept)
    return Ok()


async def show_page(call: Call) -> HTMLResponse:
    """The page with the two buttons."""
    token = call.query.get("token", "")
    invited = await call.parts.people.invitations.find_by_token(token)
    if invited is None:
        return page(_TITLE, "<p>This invitation has ended, or was answered already.</p>", 404)
    return page(_TITLE, _form(invited, token))


async def submit_page(call: Call) -> HTMLResponse:
    """Takes the button that was pressed."""
    body: InvitationPageBody = call.body
    accept = body.action == "accept"
    invitations, address = call.parts.people.invitations, call.caller.address
    invited = await invitations.find_by_token(body.token)
    try:
        if accept and invited is not None and not invited.has_account:
            await invitations.sign_up(body.token, body.password, {}, address)
        else:
            await invitations.decide_by_token(body.token, address, accept=accept)
    except DomainError as error:
        again = _form(invited, body.token) if invited is not None else ""
        return page(_TITLE, f"<p>{html.escape(error.message)}</p>{again}", 400 if again else 404)
    done = "You are on the team now. Sign in as usual." if accept else "The invitation is declined."
    return page(_TITLE, f"<p>{done}</p>")


def _form(invited: Invited, token: str) -> str:
    invitation = invited.invitation
    password = (
        ""
        if invited.has_account
        else '<label>Choose a password for your new account <input type="password" name="password" '
        'minlength="8" autocomplete="new-password"></label>'
    )
    return (
        f"<p>{html.escape(invitation.email)} is invited to the team of "
        f"<b>{html.escape(invitation.team_name)}</b> as {html.escape(invitation.role.value)}.</p>"
        f'<form method="post" action="{INVITATION_PAGE}">{hidden("token", token)}{password}'
        '<div class="row"><button name="action" value="decline">Decline</button>'
        '<button name="action" value="accept">Accept</button></div></form>'
    )


OPERATIONS = (
    Operation(
        name="list_invitations",
        method="GET",
        path="/v1/user/invitations",
        tag=_TAG,
        summary="List the invitations that wait for your answer",
        handler=list_own,
        permission=Permission.INVITATIONS_DECIDE,
        answer=list[OwnInvitation],
    ),
    Operation(
        name="decide_invitation",
        method="PUT",
        path="/v1/user/invitations/{invitation}",
        tag=_TAG,
        summary="Accept or decline an invitation",
        handler=decide,
        permission=Permission.INVITATIONS_DECIDE,
        body=InvitationDecisionBody,
        answer=Ok,
        errors=(404,),
    ),
    Operation(
        name="show_invitation_page",
        method="GET",
        path=INVITATION_PAGE,
        tag=_TAG,
        summary="The page that the link in the letter leads to",
        handler=show_page,
        access=Access.OPEN,
        query=(QueryParameter("token", "The token of the letter."),),
        media_type="text/html",
        errors=(404,),
    ),
    Operation(
        name="decide_invitation_page",
        method="POST",
        path=INVITATION_PAGE,
        tag=_TAG,
        summary="Takes the form of that page",
        handler=submit_page,
        access=Access.OPEN,
        body=InvitationPageBody,
        form_only=True,
        media_type="text/html",
        errors=(404,),
    ),
)
