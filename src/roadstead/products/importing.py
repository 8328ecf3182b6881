"""Some lines of a list become devices of a product, within one transaction.

What is known of all of them is gathered in a few queries, each is judged by ``import_rules``, and
those that pass are let in together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from roadstead.devices import announcing, product_store
from roadstead.devices.product_store import DeviceStanding
from roadstead.identity.model import Actor
from roadstead.identity.permissions import Permission
from roadstead.products import group_membership, membership_store, store, telling
from roadstead.products.access import ProductAccess
from roadstead.products.admitting import Admission, admit, clear_waiting, dismiss
from roadstead.products.allowance import DeviceAllowance
from roadstead.products.device_lists import Line
from roadstead.products.firmware_port import NO_FIRMWARE, ProductFirmware
from roadstead.products.import_rules import ImportFacts, Judgement, Result, judge_import
from roadstead.products.model import Product
from roadstead.storage import outbox

CHUNK_LINES = 500
"""Lines in one transaction: some twenty milliseconds on SQLite, during which events wait."""

AUDITED_IDS = 100
"""Device ids that an audit row names; of longer lists it tells the number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOrder:
    """What somebody wants of a list.

    Attributes:
        claim_user_id: who is to own those devices that nobody owns.
        groups: names of groups that all devices of the list join.
        move: devices of other products are taken out of them, where whoever asks may do that.
        import_id: of a job; empty without one.
        is_continued: earlier lines of the same list were imported already, at the same time.
    """

    claim_user_id: str | None = None
    groups: tuple[str, ...] = ()
    move: bool = False
    import_id: str = ""
    is_continued: bool = False


class LineResult(NamedTuple):
    """What became of a line.

    Attributes:
        number: of the line, from 1.
        text: the line's first column.
        device_id: the device that it means; empty where none was found.
        result: see Result.
        code: for ``invalid``, ``nonmember`` and ``limited`` why, as a code.
        reason: likewise, as a sentence.
    """

    number: int
    text: str
    device_id: str
    result: Result
    code: str = ""
    reason: str = ""


@dataclass(slots=True)
class _Chunk:
    """The devices of the lines, and what is known of them."""

    lines: Sequence[Line]
    device_of: list[str] = field(default_factory=list)
    refused: dict[int, Judgement] = field(default_factory=dict)
    known: dict[str, DeviceStanding] = field(default_factory=dict)


class Importer:
    """Imports lines.

    Args:
        access: who belongs to a product's team, and who may take devices out of another.
        allowance: what the plan of a product's owner has room for.
        firmware: told which versions members run.
    """

    def __init__(
        self,
        access: ProductAccess,
        allowance: DeviceAllowance,
        firmware: ProductFirmware = NO_FIRMWARE,
    ) -> None:
        self._firmware = firmware
        self._access = access
        self._allowance = allowance

    def import_lines(
        self,
        conn: Connection,
        product_id: int,
        actor: Actor,
        order: ImportOrder,
        lines: Sequence[Line],
        at: datetime,
    ) -> list[LineResult]:
        """What became of each line, in their order.

        Args:
            conn: the unit of work.
            product_id: of a product that is there.
            actor: who imports; their right to do so was checked.
            order: what they want.
            lines: at most ``CHUNK_LINES``.
            at: when the import began; one time for all its lines.

        Raises:
            Conflict: ``device_moved``; the same lines may be given again.
        """
        product = store.find_product(conn, product_id)
        assert product is not None
        chunk = _gather(conn, lines)
        verdicts = self._judge(conn, product, actor, order, chunk)
        self._limit(conn, product, verdicts, at)
        entered = [one for one in verdicts if verdicts[one].outcome in ("imported", "moved")]
        repeated = self._repeated(conn, product, verdicts, at) if order.is_continued else set()
        self._move(conn, product, chunk, verdicts, at)
        unknown = [one for one in entered if one not in chunk.known]
        known = [chunk.known[one] for one in entered if one in chunk.known]
        admit(conn, product, Admission(unknown, known, actor.user_id or None, at), self._firmware)
        present = [*entered, *(one for one in verdicts if verdicts[one].outcome == "existing")]
        if order.claim_user_id is not None:
            product_store.claim_many(conn, present, order.claim_user_id, at)
        group_membership.join_groups(conn, product.id, order.groups, present, at)
        self._tell(conn, product, actor, order, entered, chunk, at)
        return _results(chunk, verdicts, repeated)

    def _judge(
        self,
        conn: Connection,
        product: Product,
        actor: Actor,
        order: ImportOrder,
        chunk: _Chunk,
    ) -> dict[str, Judgement]:
        team: dict[str | None, bool] = {None: False}
        movable: dict[int, bool] = {}
        verdicts: dict[str, Judgement] = {}
        for device_id in dict.fromkeys(one for one in chunk.device_of if one):
            known = chunk.known.get(device_id)
            if known is None:
                verdicts[device_id] = Judgement("imported")
                continue
            for person in (known.owner_id, known.registered_by):
                if person not in team:
                    assert person is not None
                    team[person] = self._access.in_team(conn, person, product)
            other = known.product_id
            if order.move and other not in (None, product.id) and other not in movable:
                assert other is not None
                movable[other] = self._may_take_from(conn, actor, other)
            facts = _facts(known, team, movable)
            verdicts[device_id] = judge_import(facts, product.id, product.platform_id)
        return verdicts

    def _may_take_from(self, conn: Connection, actor: Actor, product_id: int) -> bool:
        other = store.find_product(conn, product_id)
        if other is None:
            return False
        return Permission.DEVICES_REMOVE in self._access.rights_of(conn, actor, other)

    def _limit(
        self, conn: Connection, product: Product, verdicts: dict[str, Judgement], at: datetime
    ) -> None:
        wanted = [one for one in verdicts if verdicts[one].outcome in ("imported", "moved")]
        granted = self._allowance.reserve(conn, product, len(wanted), at) if wanted else 0
        for device_id in wanted[granted:]:
            verdicts[device_id] = Judgement(
                "limited", "plan_limit", "The plan of the product's owner has no room for it."
            )

    @staticmethod
    def _repeated(
        conn: Connection, product: Product, verdicts: Mapping[str, Judgement], at: datetime
    ) -> set[str]:
        """Devices that are there because an earlier line of the same list put them there."""
        there = [one for one in verdicts if verdicts[one].outcome == "existing"]
        entries = membership_store.find_many(conn, product.id, there) if there else {}
        return {one for one, entry in entries.items() if entry.imported_at == at}

    def _move(
        self,
        conn: Connection,
        product: Product,
        chunk: _Chunk,
        verdicts: Mapping[str, Judgement],
        at: datetime,
    ) -> None:
        leaving: dict[int, list[DeviceStanding]] = {}
        for device_id, verdict in verdicts.items():
            if verdict.outcome == "moved":
                known = chunk.known[device_id]
                assert known.product_id is not None
                leaving.setdefault(known.product_id, []).append(known)
        for other_id in sorted(leaving):
            other = store.find_product(conn, other_id)
            assert other is not None
            dismiss(conn, other, leaving[other_id], self._firmware, at)
            # It was taken out to be put in here, so its former product does not refuse it.
            clear_waiting(conn, other_id, [one.id for one in leaving[other_id]])

    @staticmethod
    def _tell(
        conn: Connection,
        product: Product,
        actor: Actor,
        order: ImportOrder,
        entered: Sequence[str],
        chunk: _Chunk,
        at: datetime,
    ) -> None:
        if not entered:
            return
        after: dict[str, object] = {"count": len(entered)}
        if len(entered) <= AUDITED_IDS:
            after["devices"] = list(entered)
        if order.import_id:
            after["import"] = order.import_id
        if order.claim_user_id:
            after["owner_id"] = order.claim_user_id
        telling.record(conn, actor, "product.import_devices", product.id, None, after, at)
        # Nobody can have met a device that nobody has seen, so no cache knows it.
        met = [one for one in entered if one in chunk.known]
        outbox.append_many(conn, announcing.DEVICE_CHANGED, met)


def _gather(conn: Connection, lines: Sequence[Line]) -> _Chunk:
    chunk = _Chunk(lines)
    numbers = list({line.text for line in lines if line.kind == "number"})
    by_number = product_store.find_by_numbers(conn, numbers) if numbers else {}
    for position, line in enumerate(lines):
        device_id = line.text if line.kind == "id" else ""
        if line.kind == "number":
            meant = by_number.get(line.text, [])
            if len(meant) == 1:
                device_id = meant[0]
            else:
                chunk.refused[position] = _no_device(line.text, len(meant))
        elif line.kind == "malformed":
            chunk.refused[position] = Judgement(
                "invalid", "bad_device_id", "This is no device id and no number of a device."
            )
        chunk.device_of.append(device_id)
    chunk.known = product_store.find_standings(
        conn, sorted({one for one in chunk.device_of if one})
    )
    return chunk


def _no_device(number: str, found: int) -> Judgement:
    if found:
        text = "Several devices have this number; name the device by its id."
        return Judgement("invalid", "number_not_unique", text)
    text = "No device has told this number yet; name the device by its id."
    return Judgement("invalid", "unknown_number", text)


def _facts(
    known: DeviceStanding, team: Mapping[str | None, bool], movable: Mapping[int, bool]
) -> ImportFacts:
    owned = known.owner_id is not None
    return ImportFacts(
        member_of=known.product_id,
        may_move=known.product_id is not None and movable.get(known.product_id, False),
        platform_id=known.platform_id,
        owned_by_stranger=owned and not team[known.owner_id],
        owned_by_team=owned and team[known.owner_id],
        key_of_stranger=known.has_key
        and known.registered_by is not None
        and not team[known.registered_by],
    )


def _results(
    chunk: _Chunk, verdicts: Mapping[str, Judgement], repeated: set[str]
) -> list[LineResult]:
    results: list[LineResult] = []
    seen: set[str] = set(repeated)
    for position, line in enumerate(chunk.lines):
        device_id = chunk.device_of[position]
        if line.kind == "comment" or line.kind == "blank":
            results.append(LineResult(line.number, line.text, "", line.kind))
        elif position in chunk.refused:
            refusal = chunk.refused[position]
            results.append(
                LineResult(line.number, line.text, "", "invalid", refusal.code, refusal.text)
            )
        elif device_id in seen:
            results.append(LineResult(line.number, line.text, device_id, "duplicate"))
        else:
            seen.add(device_id)
            verdict = verdicts[device_id]
            results.append(
                LineResult(
                    line.number,
                    line.text,
                    device_id,
                    verdict.outcome,
                    verdict.code,
                    verdict.text,
                )
            )
    return results
