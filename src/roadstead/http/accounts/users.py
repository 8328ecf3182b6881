"""Accounts: signing up, and what the signed-in person may see and change of their own.

Source: particle cloud notes §1.1, §2.2; clients notes §4.
"""

import msgspec

from roadstead.http.accounts.access_tokens import Ok
from roadstead.http.devices.devices import CELLULAR_PLATFORMS
from roadstead.http.operation import Access, Call, Operation, QueryParameter
from roadstead.identity.model import Actor, User
from roadstead.identity.permissions import Permission
from roadstead.kit.errors import Forbidden
from roadstead.organizations.invitations import invitation_not_found

_TAG = "Account"

_ACCOUNT_DEFAULTS: dict[str, object] = {
    "first_name": "",
    "last_name": "",
    "company_name": "",
    "business_account": False,
}


class NewUserBody(msgspec.Struct):
    """A new account; ``invitation`` is the token of a letter that invites to a team."""

    username: str
    password: str
    account_info: dict[str, object] = {}
    invitation: str | None = None


class AccountBody(msgspec.Struct):
    """Account facts to change: first_name, last_name, company_name, business_account."""

    account_info: dict[str, object]


class UsernameBody(msgspec.Struct):
    """A new e-mail address, confirmed by the password."""

    username: str
    current_password: str
    invalidate_tokens: bool = False


class PasswordBody(msgspec.Struct):
    """A new password, confirmed by the old one."""

    password: str
    current_password: str
    invalidate_tokens: bool = False


class Mfa(msgspec.Struct):
    """Whether signing in needs a second factor."""

    enabled: bool


class UserAnswer(msgspec.Struct):
    """The caller's account."""

    username: str
    account_info: dict[str, object]
    mfa: Mfa
    subscription_ids: list[int]
    scim_provisioned: bool
    no_password: bool
    tos: int
    memberships: list[str]
    wifi_device_count: int
    cellular_device_count: int
    is_admin: bool


class Done(msgspec.Struct):
    """Done, in words."""

    message: str
    ok: bool = True


class Identity(msgspec.Struct):
    """Who the caller is, in short."""

    id: str
    email: str


async def create_user(call: Call) -> Ok:
    """Opens an account for who was invited, or for a stranger where the operator allows it."""
    body: NewUserBody = call.body
    if body.invitation is not None:
        return await _create_invited(call, body, body.invitation)
    if not call.parts.settings.signup_open:
        raise Forbidden(
            "signup_closed",
            "Sign-up is closed on this server. Ask the people who run it for an account, or "
            "somebody on a team for an invitation.",
        )
    stranger = Actor(user_id="", username="", address=call.caller.address)
    await call.parts.identity.create_user(
        body.username, body.password, account_info=body.account_info, actor=stranger
    )
    return Ok()


async def _create_invited(call: Call, body: NewUserBody, token: str) -> Ok:
    invitations = call.parts.people.invitations
    invited = await invitations.find_by_token(token)
    if invited is None or invited.invitation.email != body.username.strip().lower():
        raise invitation_not_found()
    await invitations.sign_up(token, body.password, body.account_info, call.caller.address)
    return Ok()


async def get_user(call: Call) -> UserAnswer:
    """The caller's account."""
    return await _answer(call, await call.parts.identity.get_user(call.actor))


async def identify(call: Call) -> Identity:
    """The caller's id and e-mail address."""
    return Identity(call.actor.user_id, call.actor.username)


async def update_account(call: Call) -> UserAnswer:
    """Changes account facts."""
    body: AccountBody = call.body
    user = await call.parts.identity.update_account(call.actor, body.account_info)
    return await _answer(call, user)


async def change_username(call: Call) -> Done:
    """Changes the e-mail address."""
    body: UsernameBody = call.body
    await call.parts.identity.change_username(
        call.actor, body.current_password, body.username, invalidate_tokens=body.invalidate_tokens
    )
    return Done("Username updated.")


async def change_password(call: Call) -> Done:
    """Changes the password."""
    body: PasswordBody = call.body
    await call.parts.identity.change_password(
        call.actor, body.current_password, body.password, invalidate_tokens=body.invalidate_tokens
    )
    return Done("User's password updated.")


async def _answer(call: Call, user: User) -> UserAnswer:
    counts = await call.parts.devices.count_devices(call.actor)
    cellular = sum(counts.get(platform, 0) for platform in CELLULAR_PLATFORMS)
    return UserAnswer(
        username=user.username,
        account_info={**_ACCOUNT_DEFAULTS, **user.account_info},
        mfa=Mfa(enabled=await call.parts.second_factors.is_enabled(user.id)),
        subscription_ids=[],
        scim_provisioned=False,
        no_password=user.password_hash is None,
        tos=1,
        memberships=[],
        wifi_device_count=sum(counts.values()) - cellular,
        cellular_device_count=cellular,
        is_admin=user.is_admin,
    )


OPERATIONS = (
    Operation(
        name="create_user",
        method="POST",
        path="/v1/users",
        tag=_TAG,
        summary="Open an account, by invitation or where the server allows sign-up",
        handler=create_user,
        access=Access.OPEN,
        body=NewUserBody,
        answer=Ok,
        errors=(403, 409),
    ),
    Operation(
        name="get_user",
        method="GET",
        path="/v1/user",
        tag=_TAG,
        summary="Get your account",
        handler=get_user,
        permission=Permission.ACCOUNT_GET,
        answer=UserAnswer,
    ),
    Operation(
        name="identify",
        method="GET",
        path="/v1/user/identify",
        tag=_TAG,
        summary="Get your id and e-mail address",
        handler=identify,
        permission=Permission.ACCOUNT_GET,
        answer=Identity,
        query=(QueryParameter("tracking", "Sent by the official client; changes nothing."),),
    ),
    Operation(
        name="update_account",
        method="PUT",
        path="/v1/user",
        tag=_TAG,
        summary="Change your name or company",
        handler=update_account,
        permission=Permission.ACCOUNT_UPDATE,
        body=AccountBody,
        when=frozenset({"account_info"}),
        answer=UserAnswer,
    ),
    Operation(
        name="change_username",
        method="PUT",
        path="/v1/user",
        tag=_TAG,
        summary="Change your e-mail address",
        handler=change_username,
        permission=Permission.ACCOUNT_UPDATE,
        body=UsernameBody,
        when=frozenset({"username"}),
        answer=Done,
        errors=(409,),
    ),
    Operation(
        name="change_password",
        method="PUT",
        path="/v1/user",
        tag=_TAG,
        summary="Change your password",
        handler=change_password,
        permission=Permission.ACCOUNT_UPDATE,
        body=PasswordBody,
        when=frozenset({"password"}),
        answer=Done,
    ),
)
