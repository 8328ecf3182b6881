"""A second factor: codes of an authenticator app, and recovery codes for when it is lost.

Enrolment and a half-done sign-in are remembered by whoever is in the middle of them: the
``mfa_token`` is what the server has to know, sealed with its own key.

Source: particle cloud notes §2.1, §2.2. Spec: RFC 6238.
"""

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from sqlalchemy import Connection

from roadstead.identity import safety_store, totp
from roadstead.identity.lockout import Lockout
from roadstead.identity.model import Actor, SecondFactor, User
from roadstead.identity.recording import ACCESS_CHANGED, actor_of, record
from roadstead.identity.service import IdentityService
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict, Forbidden, Invalid, NotFound
from roadstead.storage import outbox
from roadstead.storage.database import Database
from roadstead.storage.secret_box import SecretBox

ISSUER = "Roadstead"
"""Name that authenticator apps show beside the code."""

ENROLMENT_LIFETIME_S = 15 * 60
"""Seconds to scan the code and type the first one."""

CHALLENGE_LIFETIME_S = 5 * 60
"""Seconds between the password and the code."""

RECOVERY_CODES = 10
RECOVERY_BYTES = 10
"""80 random bits each: nothing that could be guessed, so that a plain hash protects them."""

_CODE = re.compile(rf"[0-9]{{{totp.DIGITS}}}")

_ENROLMENT, _CHALLENGE, _SECRET = b"mfa-enrolment", b"mfa-challenge", b"mfa-secret/"


class _Enrolling(msgspec.Struct):
    user_id: str
    secret: bytes
    expires_at_s: float


class Challenge(msgspec.Struct):
    """A sign-in whose password was right.

    Attributes:
        password_version: the code counts for this password only.
        lifetime_s: of the token that was asked for, in seconds.
    """

    user_id: str
    password_version: int
    client_id: str
    lifetime_s: int | None
    expires_at_s: float


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What is needed to set up an authenticator app.

    Attributes:
        mfa_token: comes back with the first code.
        secret: base 32, for typing.
        url: ``otpauth:`` for a QR code.
    """

    mfa_token: str
    secret: str
    url: str


Opened = TypeVar("Opened", _Enrolling, Challenge)


class SecondFactors:
    """Second factors of all users.

    Args:
        box: seals secrets at rest, and what travels in an ``mfa_token``.
        lockout: refuses to go on guessing codes, from wherever they are guessed.
        random: entropy for secrets and recovery codes.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        identity: IdentityService,
        box: SecretBox,
        lockout: Lockout,
        *,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._database = database
        self._clock = clock
        self._identity = identity
        self._box = box
        self._lockout = lockout
        self._random = random

    async def is_enabled(self, user_id: str) -> bool:
        """Whether signing in as this user takes a code."""
        factor = await self._database.read(lambda conn: safety_store.find_factor(conn, user_id))
        return factor is not None

    async def recovery_codes_left(self, user_id: str) -> int:
        """How many recovery codes were not used yet."""
        return await self._database.read(
            lambda conn: safety_store.count_recovery_codes(conn, user_id)
        )

    async def begin(self, actor: Actor) -> Enrolment:
        """Begins to set up an authenticator; nothing changes before its first code came.

        Raises:
            Conflict: ``mfa_enabled`` already.
            NotFound: ``user_not_found``.
        """
        user = await self._identity.get_user(actor)
        if await self.is_enabled(user.id):
            raise _enabled_already()
        secret = self._random(totp.SECRET_BYTES)
        ends_at = self._now_s() + ENROLMENT_LIFETIME_S
        sealed = self._seal(_Enrolling(user.id, secret, ends_at), _ENROLMENT)
        url = totp.enrolment_url(secret, user.username, ISSUER)
        return Enrolment(sealed, totp.written(secret), url)

    async def confirm(self, actor: Actor, mfa_token: str, code: str) -> list[str]:
        """Turns the second factor on; gives the recovery codes, in the one moment of their text.

        Raises:
            Invalid: ``invalid_grant`` for a wrong code or an old ``mfa_token``.
            Conflict: ``mfa_enabled`` already.
        """
        enrolling = self._open(mfa_token, _Enrolling, _ENROLMENT)
        if enrolling is None or enrolling.user_id != actor.user_id:
            raise expired()
        async with self._lockout.attempt("", _otp_name(actor.user_id)):
            step = totp.matching_step(enrolling.secret, _digits(code), self._now_s())
            if step is None:
                raise wrong_code()
        codes = [_recovery_code(self._random(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]
        now = self._clock.now()
        sealed = self._box.seal(enrolling.secret, _SECRET + actor.user_id.encode())

        def work(conn: Connection) -> None:
            if safety_store.find_factor(conn, actor.user_id) is not None:
                raise _enabled_already()
            factor = SecondFactor(actor.user_id, sealed, step, now)
            safety_store.insert_factor(conn, factor)
            digests = [_recovery_digest(text) for text in codes]
            safety_store.insert_recovery_codes(conn, actor.user_id, digests)
            after: dict[str, object] = {"mfa": True}
            record(conn, actor, "user.enable_mfa", actor.user_id, {"mfa": False}, after, at=now)

        await self._database.write(work, durable=True)
        return codes

    async def disable(self, actor: Actor, password: str) -> None:
        """Turns the second factor off; recovery codes go with it.

        Raises:
            Invalid: ``wrong_password``.
            NotFound: ``mfa_not_enabled``.
        """
        user = await self._identity.confirm_password(actor, password)
        now = self._clock.now()

        def work(conn: Connection) -> None:
            if not safety_store.delete_factor(conn, user.id):
                raise NotFound("mfa_not_enabled", "Your account has no second factor.")
            after: dict[str, object] = {"mfa": False}
            record(conn, actor, "user.disable_mfa", user.id, {"mfa": True}, after, at=now)
            # Organizations that demand a second factor are closed to them now.
            outbox.append(conn, ACCESS_CHANGED, user.id)

        await self._database.write(work, durable=True)

    async def check(self, user: User, code: str, address: str) -> None:
        """Uses up a code of the authenticator, or a recovery code.

        Raises:
            Invalid: ``invalid_grant`` for a wrong code, or one that was used before.
            TooMany: ``locked_out``.
        """
        async with self._lockout.attempt("", _otp_name(user.id)):
            factor = await self._database.read(lambda conn: safety_store.find_factor(conn, user.id))
            if factor is None:
                return
            used = (
                await self._use_code(factor, _digits(code))
                if _CODE.fullmatch(_digits(code))
                else await self._use_recovery_code(user, code, address)
            )
            if not used:
                raise wrong_code()

    def challenge(self, user: User, client_id: str, lifetime_s: int | None) -> Forbidden:
        """What to answer to a right password: ``mfa_required``, with the ``mfa_token``."""
        ends_at = self._now_s() + CHALLENGE_LIFETIME_S
        challenge = Challenge(user.id, user.password_version, client_id, lifetime_s, ends_at)
        return Forbidden(
            "mfa_required",
            "Multi-factor authentication required",
            {"mfa_token": self._seal(challenge, _CHALLENGE)},
        )

    def open_challenge(self, mfa_token: str) -> Challenge:
        """The sign-in that a token stands for.

        Raises:
            Invalid: ``invalid_grant``.
        """
        challenge = self._open(mfa_token, Challenge, _CHALLENGE)
        if challenge is None:
            raise expired()
        return challenge

    async def _use_code(self, factor: SecondFactor, code: str) -> bool:
        secret = self._box.open(factor.sealed_secret, _SECRET + factor.user_id.encode())
        step = totp.matching_step(secret, code, self._now_s())
        return step is not None and await self._database.write(
            lambda conn: safety_store.use_step(conn, factor.user_id, step), durable=True
        )

    async def _use_recovery_code(self, user: User, code: str, address: str) -> bool:
        digest, now = _recovery_digest(code), self._clock.now()

        def work(conn: Connection) -> bool:
            if not safety_store.use_recovery_code(conn, user.id, digest):
                return False
            left: dict[str, object] = {"left": safety_store.count_recovery_codes(conn, user.id)}
            actor = actor_of(user, address)
            record(conn, actor, "user.use_recovery_code", user.id, None, left, at=now)
            return True

        return await self._database.write(work, durable=True)

    def _seal(self, content: _Enrolling | Challenge, context: bytes) -> str:
        sealed = self._box.seal(msgspec.msgpack.encode(content), context)
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def _open(self, text: str, kind: type[Opened], context: bytes) -> Opened | None:
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            content = msgspec.msgpack.decode(self._box.open(sealed, context), type=kind)
        except (ValueError, binascii.Error):
            return None
        return content if content.expires_at_s > self._now_s() else None

    def _now_s(self) -> float:
        return self._clock.now().timestamp()


def wrong_code() -> Invalid:
    """The code does not count; the sentence says what to try."""
    return Invalid("invalid_grant", "OTP invalid: wrong, or used before. Try the next code.")


def expired() -> Invalid:
    """The words that the official tools know."""
    return Invalid("invalid_grant", "OTP expired")


def _enabled_already() -> Conflict:
    return Conflict("mfa_enabled", "Your account has a second factor already; disable it first.")


def _otp_name(user_id: str) -> str:
    return f"otp {user_id}"


def _digits(code: str) -> str:
    return code.replace(" ", "")


def _recovery_code(content: bytes) -> str:
    text = base64.b32encode(content).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _recovery_digest(code: str) -> bytes:
    plain = re.sub(r"[\s-]", "", code).lower()
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).digest()
