"""Handing a device over: somebody asks, the owner decides.

The owner decides in the API or by the link of a letter, whose token stands for the owner's word on
this one request. What the former owner wrote on the device, its name and notes, does not go along.

Source: particle cloud notes §2.4, §3.4.1.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from sqlalchemy import Connection

from roadstead.devices import announcing, claim_store, store
from roadstead.devices.errors import belongs_to_product
from roadstead.devices.membership import NO_PRODUCTS, DeviceProducts
from roadstead.devices.model import Device, TransferRequest
from roadstead.devices.registry import DeviceRegistry
from roadstead.identity.model import Actor, User
from roadstead.identity.store import find_user
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict, Invalid, NotFound, TooMany
from roadstead.kit.ids import new_object_id, parse_device_id
from roadstead.outbound.mail import Mail
from roadstead.outbound.mailbox import Mailbox
from roadstead.storage.database import Database

TRANSFER_LIFETIME_S = 14 * 24 * 3600
"""Seconds that a request waits for the owner: two weeks, a holiday."""

MAIL_EVERY_S = 3600
"""Seconds within which the same request again gives the same answer and sends no second letter."""

MAX_OPEN_REQUESTS = 50
"""Requests of one account that may wait; more would be a way to send letters to strangers."""

TRANSFER_PAGE = "/device-transfer"
"""Path of the page on which the owner decides."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """A request as those concerned see it.

    Attributes:
        device_name: as its owner named it; None for the one who asks.
        owner, requester: user names.
        incoming: the one who looks has to decide.
    """

    id: str
    device_id: str
    device_name: str | None
    owner: str | None
    requester: str
    created_at: datetime
    expires_at: datetime
    incoming: bool


@dataclass(frozen=True, slots=True)
class _Parties:
    transfer: TransferRequest
    device: Device
    owner: User
    requester: User


class DeviceTransfers:
    """Requests of all accounts.

    Args:
        registry: told of a new owner, so that the gateway knows at once.
        announce: called after a change was committed that other processes must hear of.
        mailbox: where letters are posted.
        origin: gives the origin under which people reach this server.
        products: asked who may come to own a product's device.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        registry: DeviceRegistry,
        announce: Callable[[], None],
        mailbox: Mailbox,
        origin: Callable[[], str],
        products: DeviceProducts = NO_PRODUCTS,
    ) -> None:
        self._products = products
        self._database = database
        self._clock = clock
        self._registry = registry
        self._announce = announce
        self._mailbox = mailbox
        self._origin = origin

    async def request(self, actor: Actor, device_id: str) -> str:
        """Asks the owner of a device for it; gives the id of the request.

        Raises:
            NotFound: ``device_unknown``.
            Forbidden: ``product_device``.
            Conflict: ``transfer_not_needed`` for a device that is the actor's or nobody's.
            TooMany: ``too_many_transfers``.
        """
        known_id = parse_device_id(device_id.strip())
        now, token = self._clock.now(), secrets.token_hex(20)

        def work(conn: Connection) -> tuple[str, _Parties | None]:
            device = store.find_device(conn, known_id) if known_id else None
            if device is None:
                raise NotFound("device_unknown", "device not found")
            self._require_possible(conn, device, actor.user_id)
            kept = claim_store.find_open_transfer(conn, device.id, actor.user_id)
            if kept and kept.owner_id == device.owner_id and _is_recent(kept, now):
                return kept.id, None
            parties = _parties(conn, _new(actor, device, token, now), now)
            open_count = len(claim_store.list_transfers(conn, actor.user_id, at=now))
            if open_count >= MAX_OPEN_REQUESTS:
                raise TooMany("too_many_transfers", "Too many of your requests wait already.")
            claim_store.put_transfer(conn, parties.transfer)
            after: announcing.Facts = {"requester_id": actor.user_id}
            announcing.record(conn, actor, "device.request_transfer", device.id, None, after, now)
            return parties.transfer.id, parties

        transfer_id, parties = await self._database.write(work, durable=True)
        if parties is not None:
            self._mailbox.post(_request_letter(parties, self._origin(), token))
        return transfer_id

    async def list_transfers(self, actor: Actor) -> list[Transfer]:
        """Requests that the actor made or has to decide, oldest first."""
        now = self._clock.now()

        def work(conn: Connection) -> list[Transfer]:
            found = claim_store.list_transfers(conn, actor.user_id, at=now)
            parties = [_find_parties(conn, transfer, now) for transfer in found]
            return [_seen_by(actor, one) for one in parties if one is not None]

        return await self._database.read(work)

    async def find_by_token(self, transfer_id: str, token: str) -> Transfer | None:
        """What the owner sees who came by the link of the letter; None if it is void."""
        now = self._clock.now()

        def work(conn: Connection) -> Transfer | None:
            parties = _find_by_token(conn, transfer_id, token, now)
            return None if parties is None else _seen_by(_owner(parties, ""), parties)

        return await self._database.read(work)

    async def decide(self, actor: Actor, transfer_id: str, *, accept: bool) -> None:
        """The owner's decision.

        Raises:
            NotFound: ``transfer_not_found``.
        """
        await self._decide(
            lambda conn, now: (
                parties
                if (parties := _find(conn, transfer_id, now)) and parties.owner.id == actor.user_id
                else None
            ),
            lambda _: actor,
            accept=accept,
        )

    async def decide_by_token(
        self, transfer_id: str, token: str, address: str, *, accept: bool
    ) -> None:
        """The owner's decision by the link of the letter.

        Raises:
            NotFound: ``transfer_not_found``.
        """
        await self._decide(
            lambda conn, now: _find_by_token(conn, transfer_id, token, now),
            lambda parties: _owner(parties, address),
            accept=accept,
        )

    async def withdraw(self, actor: Actor, transfer_id: str) -> None:
        """Takes the actor's own request back.

        Raises:
            NotFound: ``transfer_not_found``.
        """
        now = self._clock.now()

        def work(conn: Connection) -> None:
            parties = _find(conn, transfer_id, now)
            if parties is None or parties.requester.id != actor.user_id:
                raise _not_found()
            claim_store.delete_transfer(conn, transfer_id)
            before: announcing.Facts = {"requester_id": actor.user_id}
            device_id, action = parties.device.id, "device.withdraw_transfer"
            announcing.record(conn, actor, action, device_id, before, None, now)

        await self._database.write(work, durable=True)

    async def _decide(
        self,
        find: Callable[[Connection, datetime], _Parties | None],
        actor_of: Callable[[_Parties], Actor],
        *,
        accept: bool,
    ) -> None:
        now = self._clock.now()

        def work(conn: Connection) -> _Parties:
            parties = find(conn, now)
            if parties is None:
                raise _not_found()
            actor, device = actor_of(parties), parties.device
            before: announcing.Facts = {"owner_id": device.owner_id}
            requester: announcing.Facts = {"requester_id": parties.requester.id}
            if not accept:
                claim_store.delete_transfer(conn, parties.transfer.id)
                action = "device.decline_transfer"
                announcing.record(conn, actor, action, device.id, requester, None, now)
                return parties
            self._require_possible(conn, device, parties.requester.id)
            claim_store.delete_transfers_of_device(conn, device.id)
            store.release_owned(conn, parties.owner.id, device.id, now)
            store.claim_unowned(conn, device.id, parties.requester.id, now)
            after: announcing.Facts = {"owner_id": parties.requester.id}
            announcing.record(conn, actor, "device.transfer", device.id, before, after, now)
            announcing.announce(conn, [announcing.DEVICE_CHANGED], device.id)
            return parties

        parties = await self._database.write(work, durable=True)
        if accept:
            self._registry.forget(parties.device.id)
            self._announce()
        self._mailbox.post(_outcome_letter(parties, accept=accept))

    def _require_possible(self, conn: Connection, device: Device, user_id: str) -> None:
        product_id = device.product_id
        if product_id is None:
            self._products.take_room(conn, user_id, self._clock.now())
        elif not self._products.may_own(conn, user_id, product_id):
            raise belongs_to_product()


def _new(actor: Actor, device: Device, token: str, now: datetime) -> TransferRequest:
    if device.owner_id is None or device.owner_id == actor.user_id or not actor.user_id:
        raise Conflict(
            "transfer_not_needed", "The device is yours or nobody's; claim it without a transfer."
        )
    return TransferRequest(
        id=new_object_id(),
        device_id=device.id,
        owner_id=device.owner_id,
        requester_id=actor.user_id,
        token_digest=_digest(token),
        created_at=now,
        expires_at=now + timedelta(seconds=TRANSFER_LIFETIME_S),
    )


def _is_recent(transfer: TransferRequest, now: datetime) -> bool:
    return (now - transfer.created_at).total_seconds() < MAIL_EVERY_S


def _parties(conn: Connection, transfer: TransferRequest, now: datetime) -> _Parties:
    parties = _find_parties(conn, transfer, now)
    if parties is None:
        raise Invalid("no_account", "Only an account can own a device.")
    return parties


def _find_parties(conn: Connection, transfer: TransferRequest, now: datetime) -> _Parties | None:
    """Who is concerned; None once the request is void, by time or by another owner."""
    device = store.find_device(conn, transfer.device_id)
    owner = find_user(conn, transfer.owner_id)
    requester = find_user(conn, transfer.requester_id)
    if device is None or owner is None or requester is None or transfer.expires_at <= now:
        return None
    return _Parties(transfer, device, owner, requester) if device.owner_id == owner.id else None


def _find(conn: Connection, transfer_id: str, now: datetime) -> _Parties | None:
    transfer = claim_store.find_transfer(conn, transfer_id) if transfer_id.isascii() else None
    return None if transfer is None else _find_parties(conn, transfer, now)


def _find_by_token(
    conn: Connection, transfer_id: str, token: str, now: datetime
) -> _Parties | None:
    parties = _find(conn, transfer_id, now)
    if parties is None or not hmac.compare_digest(parties.transfer.token_digest, _digest(token)):
        return None
    return parties


def _seen_by(actor: Actor, parties: _Parties) -> Transfer:
    transfer, incoming = parties.transfer, parties.owner.id == actor.user_id
    return Transfer(
        id=transfer.id,
        device_id=transfer.device_id,
        device_name=parties.device.name if incoming else None,
        # Who asks for a device by its id must not learn whose it is.
        owner=parties.owner.username if incoming else None,
        requester=parties.requester.username,
        created_at=transfer.created_at,
        expires_at=transfer.expires_at,
        incoming=incoming,
    )


def _owner(parties: _Parties, address: str) -> Actor:
    return Actor(parties.owner.id, parties.owner.username, address=address)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _not_found() -> NotFound:
    return NotFound("transfer_not_found", "There is no such transfer request, or it has ended.")


def _device_words(device: Device) -> str:
    return f"{device.name} ({device.id})" if device.name else device.id


def _request_letter(parties: _Parties, origin: str, token: str) -> Mail:
    query = urlencode({"transfer": parties.transfer.id, "token": token})
    text = (
        f"{parties.requester.username} asks you to hand over your device\n\n"
        f"  {_device_words(parties.device)}\n\n"
        f"Accept or decline within two weeks on this page:\n\n"
        f"  {origin}{TRANSFER_PAGE}?{query}\n\n"
        "If you do nothing, the device stays yours.\n"
    )
    return Mail(parties.owner.username, "Somebody asks for one of your devices", text)


def _outcome_letter(parties: _Parties, *, accept: bool) -> Mail:
    device_id = parties.device.id
    text = (
        f"The device {device_id} is yours now.\n"
        if accept
        else f"Your request for the device {device_id} was declined.\n"
    )
    return Mail(parties.requester.username, "Your request for a device", text)
