"""Forgotten passwords: a letter, and the page that its link leads to.

The page changes nothing by being opened, because programs that scan mail open every link.

Source: particle cloud notes §2.2.
"""

import html

import msgspec
from starlette.responses import HTMLResponse

from roadstead.http.accounts.users import Done
from roadstead.http.operation import Access, Call, Operation, QueryParameter
from roadstead.identity.letters import RESET_PAGE
from roadstead.kit.errors import DomainError

_TAG = "Account"

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action "
)

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:15vh auto;padding:0 1rem}"
    "input,button{font:inherit;padding:.5rem;margin:.25rem 0;width:100%;box-sizing:border-box}"
    ".row{display:flex;gap:.5rem}"
)


class ResetRequestBody(msgspec.Struct):
    """Whose password was forgotten."""

    username: str


class ResetBody(msgspec.Struct):
    """The token of the letter and a new password."""

    token: str
    password: str


async def request_reset(call: Call) -> Done:
    """Sends a letter; says the same whether or not anybody has this address."""
    body: ResetRequestBody = call.body
    call.parts.resets.request(body.username, call.caller.address)
    return Done("Password reset email sent.")


async def reset_password(call: Call) -> Done:
    """Sets a new password by the token of the letter."""
    body: ResetBody = call.body
    await call.parts.resets.reset(body.token, body.password, call.caller.address)
    return Done("User's password updated.")


async def show_page(call: Call) -> HTMLResponse:
    """The page with the form."""
    token = call.query.get("token", "")
    username = await call.parts.resets.find_username(token)
    if username is None:
        return page("Your new password", _paragraph("This link is not valid any more."), 404)
    return page("Your new password", _form(username, token))


async def submit_page(call: Call) -> HTMLResponse:
    """Takes what was typed into the form."""
    body: ResetBody = call.body
    try:
        await call.parts.resets.reset(body.token, body.password, call.caller.address)
    except DomainError as error:
        username = await call.parts.resets.find_username(body.token)
        form = _form(username, body.token) if username else ""
        return page("Your new password", _paragraph(error.message) + form, 400)
    text = "Your password is set, and all earlier sign-ins have ended. Sign in anew."
    return page("Your new password", _paragraph(text))


def page(
    title: str, content: str, status: int = 200, *, form_action: str = "'self'"
) -> HTMLResponse:
    """A small page of the server; ``content`` is HTML already.

    ``form_action``: where its forms may lead, redirects included, as in a content security policy.
    """
    document = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<style>{_STYLE}</style><h1>{html.escape(title)}</h1>{content}</html>"
    )
    return HTMLResponse(document, status, {"Content-Security-Policy": _POLICY + form_action})


def hidden(name: str, value: str) -> str:
    """A field that goes with a form."""
    return f'<input type="hidden" name="{name}" value="{html.escape(value)}">'


def _paragraph(text: str) -> str:
    return f"<p>{html.escape(text)}</p>"


def _form(username: str, token: str) -> str:
    return (
        f'<form method="post" action="{RESET_PAGE}"><p>For {html.escape(username)}</p>'
        f"{hidden('token', token)}"
        '<label>New password <input type="password" name="password" required minlength="8" '
        'autocomplete="new-password"></label><button>Set it</button></form>'
    )


OPERATIONS = (
    Operation(
        name="request_password_reset",
        method="POST",
        path="/v1/user/password-reset",
        tag=_TAG,
        summary="Have a letter sent with which to set a new password",
        handler=request_reset,
        access=Access.OPEN,
        body=ResetRequestBody,
        answer=Done,
    ),
    Operation(
        name="reset_password",
        method="PUT",
        path="/v1/user/password-reset",
        tag=_TAG,
        summary="Set a new password by the token of the letter; ends all your tokens",
        handler=reset_password,
        access=Access.OPEN,
        body=ResetBody,
        answer=Done,
    ),
    Operation(
        name="show_password_page",
        method="GET",
        path=RESET_PAGE,
        tag=_TAG,
        summary="The page that the link in the letter leads to",
        handler=show_page,
        access=Access.OPEN,
        query=(QueryParameter("token", "The token of the letter."),),
        media_type="text/html",
        errors=(404,),
    ),
    Operation(
        name="reset_password_page",
        method="POST",
        path=RESET_PAGE,
        tag=_TAG,
        summary="Takes the form of that page",
        handler=submit_page,
        access=Access.OPEN,
        body=ResetBody,
        form_only=True,
        media_type="text/html",
    ),
)
