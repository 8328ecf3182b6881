"""Requests to hand a device over: list, accept, decline, withdraw; ours, but for their beginning.

The page of the letter's link changes nothing by being opened.

Source: particle cloud notes §2.4, §3.4.1.
"""

import html
from typing import Literal

import msgspec
from starlette.responses import HTMLResponse

from roadstead.devices.transfers import TRANSFER_PAGE, Transfer
from roadstead.http.accounts.access_tokens import Ok
from roadstead.http.accounts.passwords import hidden, page
from roadstead.http.operation import Access, Call, Operation, QueryParameter
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import iso_ms
from roadstead.kit.errors import NotFound

_TAG = "Devices"
_TITLE = "A device to hand over"


class TransferAnswer(msgspec.Struct):
    """A request; ``owner`` and ``device_name`` are shown to the owner alone."""

    id: str
    device_id: str
    device_name: str | None
    owner: str | None
    requester: str
    created_at: str
    expires_at: str
    incoming: bool


class DecisionBody(msgspec.Struct):
    """The owner accepts or declines; the one who asked may withdraw."""

    action: Literal["accept", "decline", "withdraw"]


class PageBody(msgspec.Struct):
    """What the page's form sends."""

    transfer: str
    token: str
    action: Literal["accept", "decline"]


async def list_transfers(call: Call) -> list[TransferAnswer]:
    """Requests that the caller made or has to decide."""
    return [_answer(one) for one in await call.parts.transfers.list_transfers(call.actor)]


async def decide(call: Call) -> Ok:
    """Decides a request, or takes it back."""
    body: DecisionBody = call.body
    transfer_id = call.path["transfer"]
    if body.action == "withdraw":
        await call.parts.transfers.withdraw(call.actor, transfer_id)
    else:
        accept = body.action == "accept"
        await call.parts.transfers.decide(call.actor, transfer_id, accept=accept)
    return Ok()


async def show_page(call: Call) -> HTMLResponse:
    """The page with the two buttons."""
    transfer_id, token = call.query.get("transfer", ""), call.query.get("token", "")
    transfer = await call.parts.transfers.find_by_token(transfer_id, token)
    if transfer is None:
        return page(_TITLE, "<p>This request has ended, or was decided already.</p>", 404)
    device = transfer.device_name or transfer.device_id
    content = (
        f"<p>{html.escape(transfer.requester)} asks you to hand over your device "
        f"<b>{html.escape(device)}</b>. It would be theirs, and no longer yours.</p>"
        f'<form method="post" action="{TRANSFER_PAGE}">'
        f"{hidden('transfer', transfer_id)}{hidden('token', token)}"
        '<div class="row"><button name="action" value="decline">Keep it</button>'
        '<button name="action" value="accept">Hand it over</button></div></form>'
    )
    return page(_TITLE, content)


async def submit_page(call: Call) -> HTMLResponse:
    """Takes the button that was pressed."""
    body: PageBody = call.body
    accept = body.action == "accept"
    try:
        await call.parts.transfers.decide_by_token(
            body.transfer, body.token, call.caller.address, accept=accept
        )
    except NotFound as error:
        return page(_TITLE, f"<p>{html.escape(error.message)}</p>", 404)
    return page(_TITLE, "<p>The device is theirs now.</p>" if accept else "<p>It stays yours.</p>")


def _answer(transfer: Transfer) -> TransferAnswer:
    return TransferAnswer(
        id=transfer.id,
        device_id=transfer.device_id,
        device_name=transfer.device_name,
        owner=transfer.owner,
        requester=transfer.requester,
        created_at=iso_ms(transfer.created_at),
        expires_at=iso_ms(transfer.expires_at),
        incoming=transfer.incoming,
    )


OPERATIONS = (
    Operation(
        name="list_transfers",
        method="GET",
        path="/v1/transfer_requests",
        tag=_TAG,
        summary="List requests to hand a device over, to you and by you",
        handler=list_transfers,
        permission=Permission.DEVICES_LIST,
        answer=list[TransferAnswer],
    ),
    Operation(
        name="decide_transfer",
        method="PUT",
        path="/v1/transfer_requests/{transfer}",
        tag=_TAG,
        summary="Accept, decline or withdraw a request to hand a device over",
        handler=decide,
        permission=Permission.DEVICES_CLAIM,
        body=DecisionBody,
        answer=Ok,
        errors=(404,),
    ),
    Operation(
        name="show_transfer_page",
        method="GET",
        path=TRANSFER_PAGE,
        tag=_TAG,
        summary="The page that the link in the owner's letter leads to",
        handler=show_page,
        access=Access.OPEN,
        query=(
            QueryParameter("transfer", "Id of the request."),
            QueryParameter("token", "The token of the letter."),
        ),
        media_type="text/html",
        errors=(404,),
    ),
    Operation(
        name="decide_transfer_page",
        method="POST",
        path=TRANSFER_PAGE,
        tag=_TAG,
        summary="Takes the form of that page",
        handler=submit_page,
        access=Access.OPEN,
        body=PageBody,
        form_only=True,
        media_type="text/html",
        errors=(404,),
    ),
)
