"""What this room's services ask of whoever delivers. The engine of deliveries fills it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

from sqlalchemy import Connection

from roadstead.firmware.facts import TransferState
from roadstead.firmware.targeting import Decision
from roadstead.identity.model import Actor

AskCause = Literal["release", "lock", "rollout"]
"""Why devices are looked at out of turn."""


class Deliveries(Protocol):
    """Whoever brings files to devices."""

    async def ask(
        self, device_ids: Sequence[str], *, cause: AskCause, asked_by: str | None
    ) -> Mapping[str, Decision]:
        """Has devices updated now to what they should run, if they are connected and agree.

        Returns when what is to be sent is written down; sending goes on by itself. Gives what was
        decided of each; devices that no product knows are missing.
        """

    def push(self, conn: Connection, product_id: int, asked_by: str | None, at: datetime) -> None:
        """Has all connected members of a product looked at, soon; whatever happens to the process.

        In the transaction of the release; ``wake`` is called after its commit.
        """

    def wake(self) -> None:
        """A push was committed."""

    async def flash(
        self,
        device_id: str,
        *,
        file_key: str,
        file_sha256: str,
        file_bytes: int,
        version: int = 0,
        asked_by: str | None = None,
    ) -> object:
        """Sends one file to one device; returns once that is written down.

        Raises:
            TimedOut: ``device_offline``.
            Conflict: ``update_running``; ``updates_disabled``.
        """

    async def force(self, device_ids: Iterable[str], forced: bool) -> None:
        """Has devices take updates without their consent, or not any more."""

    def is_forced(self, device_id: str) -> bool:
        """Whether the device shall take updates without its consent."""

    def transfer_states(self, device_ids: Sequence[str]) -> Mapping[str, TransferState]:
        """What the target decision wants to know of deliveries."""

    def flashing(self, user_id: str) -> int:
        """Files on their way to single devices that this person sent."""


class Rollouts(Protocol):
    """Whoever watches what releases do to devices."""

    def supersede(
        self, conn: Connection, product_id: int, changed: Collection[str], at: datetime
    ) -> None:
        """Another release comes, to these groups by id; in its transaction."""

    def begin(
        self,
        conn: Connection,
        actor: Actor,
        product_id: int,
        version: int,
        changes: Mapping[str, int | None],
        in_force: Mapping[str, int | None],
        names: Mapping[str, str],
        at: datetime,
        *,
        immediate: bool,
    ) -> bool:
        """Something is released; in its transaction.

        Args:
            conn: the unit of work that releases.
            actor: who releases.
            product_id: in which product.
            version: what is released.
            changes: what becomes of each group, by id, and of all, by an empty id.
            in_force: what was released before, likewise.
            names: of groups by id.
            at: when.
            immediate: it is to go out at once; else each device gets it with its next session.

        Returns:
            True when it puts the version in force itself, once that is safe.
        """

    def wake(self) -> None:
        """The transaction was committed."""


class NoRollouts:
    """For tools and tests without rollouts: nobody watches."""

    def supersede(
        self, conn: Connection, product_id: int, changed: Collection[str], at: datetime
    ) -> None:
        """Nothing to end."""

    def begin(
        self,
        conn: Connection,
        actor: Actor,
        product_id: int,
        version: int,
        changes: Mapping[str, int | None],
        in_force: Mapping[str, int | None],
        names: Mapping[str, str],
        at: datetime,
        *,
        immediate: bool,
    ) -> bool:
        """Nobody watches."""
        return False

    def wake(self) -> None:
        """Nobody to wake."""


class NoDeliveries:
    """For tools and tests without a gateway: nothing is sent."""

    async def ask(
        self, device_ids: Sequence[str], *, cause: AskCause, asked_by: str | None
    ) -> Mapping[str, Decision]:
        """Nothing is sent."""
        return {}

    def push(self, conn: Connection, product_id: int, asked_by: str | None, at: datetime) -> None:
        """Nothing is sent."""

    def wake(self) -> None:
        """Nothing is sent."""

    async def flash(
        self,
        device_id: str,
        *,
        file_key: str,
        file_sha256: str,
        file_bytes: int,
        version: int = 0,
        asked_by: str | None = None,
    ) -> object:
        """Nothing is sent."""
        return None

    async def force(self, device_ids: Iterable[str], forced: bool) -> None:
        """Nothing is told."""

    def is_forced(self, device_id: str) -> bool:
        """None is."""
        return False

    def transfer_states(self, device_ids: Sequence[str]) -> Mapping[str, TransferState]:
        """None."""
        return {}

    def flashing(self, user_id: str) -> int:
        """None."""
        return 0
