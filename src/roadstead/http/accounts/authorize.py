"""The login page of the authorization code grant: who you are, and what the app gets.

Nothing is redirected to before the client and its redirect URI are known to belong together. What
the page was asked for travels through its form sealed, so that it cannot be changed on the way.

Spec: RFC 6749 §4.1, RFC 7636, RFC 9700 §4.
"""

import base64
import html
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode, urlsplit

import msgspec
from starlette.responses import HTMLResponse, RedirectResponse, Response

from roadstead.http.accounts.passwords import hidden, page
from roadstead.http.operation import Access, Call, Operation, QueryParameter
from roadstead.identity.authorizing import parse_challenge
from roadstead.identity.client_store import OAuthClient
from roadstead.identity.model import User
from roadstead.kit.errors import DomainError, Forbidden, Invalid, TooMany

AUTHORIZE_PATH = "/oauth/authorize"

PAGE_LIFETIME_S = 30 * 60
"""Seconds that somebody may take to type their password."""

MAX_STATE_CHARS = 1024

_TITLE = "Sign in"
_CONTEXT = b"authorize-page"


class Asked(msgspec.Struct):
    """What the app asked for, sealed into the page."""

    client_id: str
    redirect_uri: str
    state: str
    challenge: str
    expires_at_s: float


class LoginBody(msgspec.Struct):
    """What the page's form sends: the password first, then a code where one is needed."""

    request: str
    action: Literal["allow", "deny"]
    username: str = ""
    password: str = ""
    mfa_token: str = ""
    otp: str = ""


@dataclass(frozen=True, slots=True)
class _Page:
    """One showing of the page."""

    client: OAuthClient
    asked: Asked
    sealed: str


async def show(call: Call) -> Response:
    """The page with the form; a mistake of the app goes back to the app."""
    query = call.query
    client = await call.parts.people.clients.find(query.get("client_id", ""))
    redirect_uri = query.get("redirect_uri", "") or (client and client.redirect_uri) or ""
    if client is None or client.redirect_uri is None or redirect_uri != client.redirect_uri:
        return _refused("This app is not known here, or did not give its own address.")
    state = query.get("state", "")
    if len(state) > MAX_STATE_CHARS:
        return _refused("The app's request is too long.")
    if query.get("response_type") != "code":
        return _back(redirect_uri, state, error="unsupported_response_type")
    try:
        challenge = parse_challenge(
            query.get("code_challenge", ""), query.get("code_challenge_method", "")
        )
    except Invalid as error:
        return _back(redirect_uri, state, error=error.code, error_description=error.message)
    ends_at = call.parts.clock.now().timestamp() + PAGE_LIFETIME_S
    asked = Asked(client.id, redirect_uri, state, challenge, ends_at)
    return _form(_Page(client, asked, _seal(call, asked)))


async def submit(call: Call) -> Response:
    """Takes what was typed, and sends the browser back to the app."""
    body: LoginBody = call.body
    asked = _open(call, body.request)
    client = await call.parts.people.clients.find(asked.client_id) if asked else None
    if asked is None or client is None or client.redirect_uri != asked.redirect_uri:
        return _refused("This page is too old. Begin again in the app.")
    if body.action == "deny":
        return _back(asked.redirect_uri, asked.state, error="access_denied")
    showing = _Page(client, asked, body.request)
    try:
        user = await _prove(call, body, client)
    except Forbidden as error:
        return _code_form(showing, str(error.detail["mfa_token"]), "")
    except TooMany as error:
        return _form(showing, error.message, 429)
    except DomainError as error:
        if body.mfa_token:
            return _code_form(showing, body.mfa_token, error.message, 400)
        return _form(showing, "The e-mail address or the password is not right.", 400)
    code = await call.parts.people.authorizations.grant(
        client, user, asked.redirect_uri, asked.challenge
    )
    return _back(asked.redirect_uri, asked.state, code=code)


async def _prove(call: Call, body: LoginBody, client: OAuthClient) -> User:
    address = call.caller.address
    if body.mfa_token:
        return await call.parts.sign_in.check_code(
            body.mfa_token, body.otp, client.id, address=address
        )
    return await call.parts.sign_in.check_for(
        body.username, body.password, client.id, address=address
    )


def _seal(call: Call, asked: Asked) -> str:
    sealed = call.parts.people.box.seal(msgspec.msgpack.encode(asked), _CONTEXT)
    return base64.urlsafe_b64encode(sealed).decode()


def _open(call: Call, text: str) -> Asked | None:
    try:
        opened = call.parts.people.box.open(base64.urlsafe_b64decode(text), _CONTEXT)
        asked = msgspec.msgpack.decode(opened, type=Asked)
    except (ValueError, msgspec.MsgspecError):
        return None
    return asked if asked.expires_at_s > call.parts.clock.now().timestamp() else None


def _form(showing: _Page, problem: str = "", status: int = 200) -> HTMLResponse:
    fields = (
        '<label>E-mail address <input type="email" name="username" required autofocus '
        'autocomplete="username"></label>'
        '<label>Password <input type="password" name="password" required '
        'autocomplete="current-password"></label>'
    )
    return _show(showing, fields, problem, status)


def _code_form(showing: _Page, mfa_token: str, problem: str, status: int = 200) -> HTMLResponse:
    fields = (
        hidden("mfa_token", mfa_token)
        + '<label>Code of your authenticator app <input name="otp" required autofocus '
        'inputmode="numeric" autocomplete="one-time-code"></label>'
    )
    return _show(showing, fields, problem, status)


def _show(showing: _Page, fields: str, problem: str, status: int) -> HTMLResponse:
    warning = f"<p><b>{html.escape(problem)}</b></p>" if problem else ""
    content = (
        f"<p><b>{html.escape(showing.client.name)}</b> asks for access to your account: it may "
        "list your devices that belong to it, read their variables, call their functions, and add "
        "devices. It does not learn your password.</p>"
        f'{warning}<form method="post" action="{AUTHORIZE_PATH}">'
        f"{hidden('request', showing.sealed)}{fields}"
        '<div class="row"><button name="action" value="deny" formnovalidate>Cancel</button>'
        '<button name="action" value="allow">Sign in and allow</button></div></form>'
    )
    # A browser holds the redirect after the form against this list too.
    parts = urlsplit(showing.asked.redirect_uri)
    return page(_TITLE, content, status, form_action=f"'self' {parts.scheme}://{parts.netloc}")


def _refused(why: str) -> HTMLResponse:
    return page(_TITLE, f"<p>{html.escape(why)}</p>", 400)


def _back(redirect_uri: str, state: str, **answer: str) -> RedirectResponse:
    fields = {**answer, **({"state": state} if state else {})}
    joint = "&" if "?" in redirect_uri else "?"
    return RedirectResponse(f"{redirect_uri}{joint}{urlencode(fields)}", 303)


OPERATIONS = (
    Operation(
        name="show_login_page",
        method="GET",
        path=AUTHORIZE_PATH,
        tag="Sign in",
        summary="The page on which people sign in to an app with their own account",
        handler=show,
        access=Access.OPEN,
        query=(
            QueryParameter("response_type", "code"),
            QueryParameter("client_id", "Id of a client of type web."),
            QueryParameter("redirect_uri", "The client's own."),
            QueryParameter("state", "Comes back to the app."),
            QueryParameter("code_challenge", "Of the app's secret; see RFC 7636."),
            QueryParameter("code_challenge_method", "S256"),
        ),
        media_type="text/html",
        errors=(400,),
    ),
    Operation(
        name="submit_login_page",
        method="POST",
        path=AUTHORIZE_PATH,
        tag="Sign in",
        summary="Takes the form of that page",
        handler=submit,
        access=Access.OPEN,
        body=LoginBody,
        form_only=True,
        media_type="text/html",
        errors=(400, 429),
    ),
)
