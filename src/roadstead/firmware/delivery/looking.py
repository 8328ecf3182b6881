"""Looks at many devices at once: what should each run, and may it be sent now?

One read transaction for a batch, whatever its size, and one write for what is to be sent: a release
to thousands of devices makes no thousands of transactions, and a handshake costs a share of one.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from roadstead.firmware import store
from roadstead.firmware.delivery.model import Cause
from roadstead.firmware.facts import Surroundings, TransferState, gather_many
from roadstead.firmware.model import FirmwareVersion
from roadstead.firmware.target_rules import Occasion, TargetFacts
from roadstead.firmware.targeting import Decision, Offer, decide

BATCH: Final = 200
"""Devices in one look: some ten milliseconds of a reader's time."""


class Look(NamedTuple):
    """A device to look at.

    Attributes:
        product_id: product that it belongs to; None for none.
        occasion: what gives a reason.
        cause: what a delivery that begins now was begun by.
        asked_by: user id of who asked.
    """

    device_id: str
    product_id: int | None
    occasion: Occasion
    cause: Cause
    asked_by: str | None = None


class Found(NamedTuple):
    """What a look found.

    Attributes:
        facts: None for a device without a product.
        decision: None likewise.
        version: what is to be sent, when the decision is an offer.
    """

    look: Look
    facts: TargetFacts | None
    decision: Decision | None
    version: FirmwareVersion | None


def look_at(
    conn: Connection,
    looks: Sequence[Look],
    now: datetime,
    online: frozenset[str],
    transfers: Mapping[str, TransferState],
) -> list[Found]:
    """Decides for each device; a unit of work that reads only.

    Args:
        conn: of the read transaction.
        looks: at most ``BATCH``, each device once.
        now: the time.
        online: those that are connected here.
        transfers: what runs and what failed.
    """
    by_occasion: defaultdict[Occasion, list[str]] = defaultdict(list)
    for look in looks:
        if look.product_id is not None:
            by_occasion[look.occasion].append(look.device_id)
    facts: dict[str, TargetFacts] = {}
    for occasion, device_ids in by_occasion.items():
        facts |= gather_many(conn, device_ids, Surroundings(now, occasion, online, transfers))
    versions: dict[tuple[int, int], FirmwareVersion | None] = {}
    return [_decide(conn, look, facts.get(look.device_id), versions) for look in looks]


def _decide(
    conn: Connection,
    look: Look,
    facts: TargetFacts | None,
    versions: dict[tuple[int, int], FirmwareVersion | None],
) -> Found:
    if facts is None or look.product_id is None:
        return Found(look, None, None, None)
    decision = decide(facts)
    if not isinstance(decision, Offer):
        return Found(look, facts, decision, None)
    key = (look.product_id, decision.version)
    if key not in versions:
        versions[key] = store.find_version(conn, *key)
    return Found(look, facts, decision, versions[key])
