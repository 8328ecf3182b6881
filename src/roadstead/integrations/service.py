"""Integrations as their owners handle them: made, changed, tried, removed.

Every change writes its audit row and its outbox row in the transaction that makes it.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from roadstead.events.model import Event
from roadstead.identity.model import Actor, User
from roadstead.identity.recording import record_change
from roadstead.integrations import store
from roadstead.integrations.catalogue import CHANGED, RESET, Catalogue
from roadstead.integrations.checking import Draft, check_fields, with_names
from roadstead.integrations.model import Integration, Owner, SigningKey
from roadstead.integrations.settling import Attempt
from roadstead.integrations.template_files import IntegrationTemplate, TemplateFiles
from roadstead.integrations.trying import Trying
from roadstead.kit.clock import Clock, to_ms
from roadstead.kit.errors import Conflict, NotFound
from roadstead.kit.ids import new_object_id
from roadstead.outbound.signing import SECRET_BYTES
from roadstead.storage import outbox
from roadstead.storage.database import Database
from roadstead.storage.secret_box import SecretBox

MAX_INTEGRATIONS = 100
"""Integrations of one owner: an event is looked at for each of them."""

OLD_KEY_SIGNS = timedelta(days=1)
"""How long a replaced signing key still signs beside the new one."""


class IntegrationService:
    """The integrations of all owners.

    Args:
        box: seals what owners set.
        announce: called after a change was committed that other processes must hear of.
        catalogue: made current before a change is answered.
        templates: see there.
        trying: sends one request at once.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        box: SecretBox,
        announce: Callable[[], None],
        catalogue: Catalogue,
        templates: TemplateFiles,
        trying: Trying,
    ) -> None:
        self._database = database
        self._clock = clock
        self._box = box
        self._announce = announce
        self._catalogue = catalogue
        self._templates = templates
        self._trying = trying

    async def list_integrations(self, owner: Owner) -> list[Integration]:
        """The owner's integrations, oldest first."""
        return await self._database.read(
            lambda conn: store.list_integrations(conn, self._box, owner)
        )

    async def get_integration(self, owner: Owner, hook_id: str) -> Integration:
        """One of them.

        Raises:
            NotFound: ``integration_not_found``.
        """
        return await self._database.read(lambda conn: self._get(conn, owner, hook_id))

    async def create(self, actor: Actor, owner: Owner, fields: Mapping[str, Any]) -> Integration:
        """Makes an integration; it gets events that are accepted after this returns.

        Args:
            actor: who asks; what they may do here was checked.
            owner: whose it will be.
            fields: by the names of the API; with ``template``, those of its ``parameters``.

        Raises:
            Invalid: ``bad_integration``.
            NotOffered: ``not_offered``.
            Conflict: ``too_many_integrations``.
        """
        draft = self._draft(fields)
        now = self._clock.now()
        key = SigningKey(secrets.token_bytes(SECRET_BYTES))
        hook = Integration(
            **_of(draft),
            id=new_object_id(),
            owner=owner,
            keys=(key,),
            created_by=actor.user_id,
            created_at=now,
            updated_at=now,
        )

        def work(conn: Connection) -> None:
            if store.count_integrations(conn, owner) >= MAX_INTEGRATIONS:
                raise Conflict(
                    "too_many_integrations",
                    f"There are {MAX_INTEGRATIONS} integrations here, the limit.",
                )
            store.insert_integration(conn, self._box, hook)
            self._record(conn, actor, "integration.create", hook, None, facts_of(hook))

        return await self._apply(hook, work)

    async def replace(
        self, actor: Actor, owner: Owner, hook_id: str, fields: Mapping[str, Any]
    ) -> Integration:
        """Replaces what an integration is set to; ``disabled`` alone changes nothing else.

        Raises:
            NotFound: ``integration_not_found``.
            Invalid, NotOffered: as ``create``.
        """
        named = with_names(fields)
        old = await self.get_integration(owner, hook_id)
        if set(named) == {"disabled"}:
            hook = replace(old, disabled=bool(named["disabled"]), updated_at=self._clock.now())
        else:
            draft = self._draft(fields, old)
            hook = replace(old, **_of(draft), updated_at=self._clock.now())
        return await self._update(actor, "integration.update", hook)

    async def remove(self, actor: Actor, owner: Owner, hook_id: str) -> None:
        """Removes an integration; what waits for it is not sent any more.

        Raises:
            NotFound: ``integration_not_found``.
        """

        def work(conn: Connection) -> None:
            hook = self._get(conn, owner, hook_id)
            store.delete_integration(conn, owner, hook_id)
            self._record(conn, actor, "integration.remove", hook, facts_of(hook), None)

        await self._database.write(work, durable=True)
        await self._catalogue.refresh(hook_id)
        self._announce()

    async def rotate_key(self, actor: Actor, owner: Owner, hook_id: str) -> Integration:
        """Gives an integration another signing key; the old one signs for another day.

        Raises:
            NotFound: ``integration_not_found``.
        """
        hook = await self.get_integration(owner, hook_id)
        now = self._clock.now()
        until_ms = to_ms(now + OLD_KEY_SIGNS)
        kept = tuple(
            SigningKey(one.key, until_ms if one.until_ms is None else one.until_ms)
            for one in hook.keys
            if one.until_ms is None or one.until_ms > to_ms(now)
        )
        key = SigningKey(secrets.token_bytes(SECRET_BYTES))
        changed = replace(hook, keys=(key, *kept[:1]), updated_at=now)
        return await self._update(actor, "integration.rotate_key", changed)

    async def reset(self, actor: Actor, owner: Owner, hook_id: str) -> None:
        """Closes the breaker of an integration and of its owner's hosts: what waits is sent now.

        Raises:
            NotFound: ``integration_not_found``.
        """

        def work(conn: Connection) -> None:
            hook = self._get(conn, owner, hook_id)
            self._record(conn, actor, "integration.reset", hook, None, None)
            outbox.append(conn, RESET, hook_id)

        await self._database.write(work)
        self._announce()

    async def try_out(self, owner: Owner, hook_id: str, data: str, device_id: str) -> Attempt:
        """Sends one request for an event that never was; it is not repeated.

        Args:
            owner: whose.
            hook_id: which.
            data: the event's data.
            device_id: whose event it seems to be; ``api`` for no device's.

        Raises:
            NotFound: ``integration_not_found``.
        """
        hook = await self.get_integration(owner, hook_id)
        return await self._trying.try_once(
            hook, self.imagine_event(owner, hook.event, data, device_id)
        )

    def imagine_event(self, owner: Owner, name: str, data: str, device_id: str) -> Event:
        """An event that never was; ``device_id`` is ``api`` for no device's."""
        now_ms = self._clock.now_ms()
        return Event(
            id=now_ms << 20,
            name=name,
            payload=data.encode("utf-8", "replace"),
            published_at_ms=now_ms,
            source="api",
            device_id=None if device_id == "api" else device_id,
            owner_id=owner.id if owner.kind == "user" else None,
            product_id=int(owner.id) if owner.kind == "product" else None,
        )

    async def preview(
        self, owner: Owner, fields: Mapping[str, Any], hook_id: str | None, event: Event
    ) -> dict[str, object] | str:
        """The request that an integration would send for an event; nothing is sent or kept.

        Args:
            owner: whose it would be.
            fields: as for ``create``.
            hook_id: one that is being changed, whose secrets stand where they are masked.
            event: what seems to have happened.

        Returns:
            The request without its secrets, or in words why it cannot be made.

        Raises:
            NotFound: ``integration_not_found``.
            Invalid, NotOffered: as ``create``.
        """
        old = None if hook_id is None else await self.get_integration(owner, hook_id)
        now = self._clock.now()
        hook = Integration(
            **_of(self._draft(fields, old)),
            id=hook_id or new_object_id(),
            owner=owner,
            keys=(SigningKey(secrets.token_bytes(SECRET_BYTES)),) if old is None else old.keys,
            created_by="",
            created_at=now,
            updated_at=now,
        )
        prepared = self._trying.prepare(hook, [event], event.id)
        return prepared.reason or "" if isinstance(prepared, Attempt) else prepared.record

    def list_templates(self) -> list[IntegrationTemplate]:
        """Templates that integrations can be made from."""
        return self._templates.list_templates()

    def remove_all(
        self, conn: Connection, user: User, actor: Actor, at: object
    ) -> list[tuple[str, str]]:
        """Removes the integrations of an account that ends, within that transaction."""
        return remove_all_of(conn, self._box, Owner("user", user.id))

    def _draft(self, fields: Mapping[str, Any], old: Integration | None = None) -> Draft:
        named = with_names(fields)
        template = named.get("template")
        parameters = named.get("parameters")
        if template and isinstance(parameters, dict):
            named = {**self._templates.get_template(str(template)).fill(parameters), **named}
        elif template and old is None and "url" not in named:
            named = {**self._templates.get_template(str(template)).fill({}), **named}
        return check_fields(named, old)

    def _get(self, conn: Connection, owner: Owner, hook_id: str) -> Integration:
        hook = store.find_integration(conn, self._box, owner, hook_id)
        if hook is None:
            raise NotFound("integration_not_found", f"There is no integration {hook_id} here.")
        return hook

    async def _update(self, actor: Actor, action: str, hook: Integration) -> Integration:
        def work(conn: Connection) -> None:
            before = self._get(conn, hook.owner, hook.id)
            store.update_integration(conn, self._box, hook)
            self._record(conn, actor, action, hook, facts_of(before), facts_of(hook))

        return await self._apply(hook, work)

    async def _apply(self, hook: Integration, work: Callable[[Connection], None]) -> Integration:
        await self._database.write(work, durable=True)
        # At once, and not by the outbox: the next event must already find it.
        await self._catalogue.refresh(hook.id)
        self._announce()
        return hook

    def _record(
        self,
        conn: Connection,
        actor: Actor,
        action: str,
        hook: Integration,
        before: dict[str, Any] | None,
        after: dict[str, Any] | None,
    ) -> None:
        record_change(
            conn,
            actor,
            action,
            f"integration/{hook.id}",
            before,
            after,
            at=self._clock.now(),
        )
        outbox.append(conn, CHANGED, hook.id)


def remove_all_of(conn: Connection, box: SecretBox, owner: Owner) -> list[tuple[str, str]]:
    """Removes all integrations of an owner that ends, within that transaction.

    Returns:
        The outbox messages, topic and key, that the caller writes after its last audit row.
    """
    hooks = store.list_integrations(conn, box, owner)
    for hook in hooks:
        store.delete_integration(conn, owner, hook.id)
    return [(CHANGED, hook.id) for hook in hooks]


def facts_of(hook: Integration) -> dict[str, Any]:
    """What the audit trail keeps: nothing that could be a secret."""
    return {
        "owner": f"{hook.owner.kind}/{hook.owner.id}",
        "integration_type": hook.kind,
        "event": hook.event,
        "name": hook.name,
        "device_id": hook.device_id,
        "disabled": hook.disabled,
        "template": hook.template,
    }


def _of(draft: Draft) -> dict[str, Any]:
    return {
        "kind": draft.kind,
        "event": draft.event,
        "name": draft.name,
        "device_id": draft.device_id,
        "disabled": draft.disabled,
        "template": draft.template,
        "settings": draft.settings,
    }
