"""A second factor for signing in: set up, confirmed, turned off.

Source: particle cloud notes §2.2; clients notes §4. Ours in the answers: ``recovery_codes``.
"""

import msgspec

from roadstead.http.accounts.access_tokens import Ok
from roadstead.http.operation import Call, Operation
from roadstead.identity.permissions import Permission

_TAG = "Account"


class EnrolmentAnswer(msgspec.Struct):
    """What an authenticator app needs; ``qr_url`` is the ``otpauth:`` content of a QR code."""

    mfa_token: str
    qr_url: str
    secret: str


class ConfirmBody(msgspec.Struct):
    """The first code of the authenticator."""

    mfa_token: str
    otp: str
    invalidate_tokens: bool = False


class ConfirmAnswer(msgspec.Struct, omit_defaults=True):
    """The recovery codes are shown in this answer and never again.

    ``tokens`` is the one in place of those that were ended.
    """

    enrolled: bool
    recovery_codes: list[str]
    tokens: list[str] | None = None


class DisableBody(msgspec.Struct):
    """Confirmed by the password."""

    current_password: str


async def begin(call: Call) -> EnrolmentAnswer:
    """Begins to set up an authenticator app."""
    enrolment = await call.parts.second_factors.begin(call.actor)
    return EnrolmentAnswer(enrolment.mfa_token, enrolment.url, enrolment.secret)


async def confirm(call: Call) -> ConfirmAnswer:
    """Turns the second factor on; with ``invalidate_tokens`` a new token replaces all others."""
    body: ConfirmBody = call.body
    codes = await call.parts.second_factors.confirm(call.actor, body.mfa_token, body.otp)
    if not body.invalidate_tokens:
        return ConfirmAnswer(True, codes)
    identity = call.parts.identity
    user = await identity.get_user(call.actor)
    await identity.revoke_all(call.actor)
    issued = await identity.issue_pair(
        user, call.actor.client_id, lifetime_s=None, address=call.caller.address
    )
    return ConfirmAnswer(True, codes, [issued.token])


async def disable(call: Call) -> Ok:
    """Turns the second factor off."""
    body: DisableBody = call.body
    await call.parts.second_factors.disable(call.actor, body.current_password)
    return Ok()


OPERATIONS = (
    Operation(
        name="begin_mfa",
        method="GET",
        path="/v1/user/mfa-enable",
        tag=_TAG,
        summary="Begin to set up a second factor",
        handler=begin,
        permission=Permission.ACCOUNT_UPDATE,
        answer=EnrolmentAnswer,
        errors=(409,),
    ),
    Operation(
        name="confirm_mfa",
        method="POST",
        path="/v1/user/mfa-enable",
        tag=_TAG,
        summary="Turn your second factor on with its first code",
        handler=confirm,
        permission=Permission.ACCOUNT_UPDATE,
        body=ConfirmBody,
        answer=ConfirmAnswer,
        errors=(409,),
    ),
    Operation(
        name="disable_mfa",
        method="PUT",
        path="/v1/user/mfa-disable",
        tag=_TAG,
        summary="Turn your second factor off",
        handler=disable,
        permission=Permission.ACCOUNT_UPDATE,
        body=DisableBody,
        answer=Ok,
        errors=(404,),
    ),
)
