"""Why a device has not got the version of a rollout yet: every rule that was asked, in order."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from roadstead.kit.errors import NotFound
from roadstead.rollouts import store
from roadstead.rollouts.audience import REASONS
from roadstead.rollouts.candidates import (
    Candidate,
    audience_of,
    find_candidates,
    is_wanted,
    taken_by_others,
)
from roadstead.rollouts.model import Member, Rollout
from roadstead.rollouts.reporting import is_late, rank_of, stage_of
from roadstead.rollouts.windows import opens_at, parse_zone


@dataclass(frozen=True, slots=True)
class RuleSaid:
    """One rule: ``passes``, ``waits`` (time solves it) or ``stops`` (a person must)."""

    rule: str
    verdict: str
    text: str


@dataclass(slots=True)
class Explanation:
    """The answer.

    Attributes:
        state: of the device in the rollout; ``left_out`` when it is not a member.
        reason: the first thing that keeps it, or ``offered``, ``updated`` …
        text: that in a sentence.
        stage: its stage, from 0.
        queue_position: devices that are offered the version before it, of those that wait.
        until: when time alone solves it.
        rules: all that was asked.
    """

    device_id: str
    state: str
    reason: str = ""
    text: str = ""
    stage: int | None = None
    queue_position: int | None = None
    until: datetime | None = None
    rules: list[RuleSaid] = field(default_factory=list)


def explain(conn: Connection, rollout: Rollout, device_id: str, now: datetime) -> Explanation:
    """Why, for one device.

    Raises:
        NotFound: ``device_not_found``.
    """
    found = find_candidates(conn, rollout.product_id, now, rollout, [device_id])
    candidate = found.get(device_id)
    member = store.find_member(conn, rollout.id, device_id)
    if candidate is None and member is None:
        raise NotFound("device_not_found", "The product has no such device.")
    told = Explanation(device_id, member.state if member else "left_out")
    _explain_audience(told, rollout, candidate, member)
    if member is None:
        others = taken_by_others(conn, rollout, [device_id])
        if device_id in others:
            text = f"It is in rollout {others[device_id]}, too, which goes first."
            _say(told, "other_rollout", "waits", text)
        _settle(told, "not_drawn", "It was not in the audience when the devices were drawn.")
        return told
    rank = rank_of(conn, rollout, member)
    told.stage = stage_of(rollout, rank)
    if member.state in ("updated", "failed", "skipped"):
        _settle(told, member.reason or member.state, _done_text(member))
        return told
    _explain_rollout(told, rollout)
    _explain_turn(conn, told, rollout, member)
    _explain_window(told, rollout, member, now)
    if candidate is not None and not candidate.facts.online:
        _say(told, "online", "waits", "It is offline; it gets the version when it connects.")
    else:
        _say(told, "online", "passes", "It is connected.")
    _settle(
        told, "offered", "It has its offer; the target of the device tells how the update goes."
    )
    return told


def _say(told: Explanation, rule: str, verdict: str, text: str) -> None:
    told.rules.append(RuleSaid(rule, verdict, text))
    if verdict != "passes" and not told.reason:
        told.reason, told.text = rule, text


def _settle(told: Explanation, reason: str, text: str) -> None:
    if not told.reason:
        told.reason, told.text = reason, text


def _explain_audience(
    told: Explanation, rollout: Rollout, candidate: Candidate | None, member: Member | None
) -> None:
    if rollout.rollback_of is not None or (member and member.state in ("updated", "offered")):
        return
    audience, test = audience_of(rollout)
    reason = "not_a_member" if candidate is None else is_wanted(audience, test, candidate)
    if reason is None:
        _say(told, "audience", "passes", "It is in the audience.")
        return
    _say(told, reason, "stops", REASONS.get(reason, reason))


def _explain_rollout(told: Explanation, rollout: Rollout) -> None:
    state = rollout.state
    if state in ("halted", "aborted", "held", "awaiting_approval", "paused"):
        _say(told, f"rollout_{state}", "stops", rollout.text or "A person must act.")
    elif state in ("preparing", "queued", "paused_by_gate"):
        _say(told, f"rollout_{state}", "waits", rollout.text or "The rollout has not started yet.")
    else:
        _say(told, "rollout", "passes", "The rollout runs.")


def _explain_turn(conn: Connection, told: Explanation, rollout: Rollout, member: Member) -> None:
    if member.state != "waiting":
        _say(told, "turn", "passes", "It has its offer.")
        return
    before = store.count_range(conn, rollout.id, rollout.cursor, member.order, ("waiting",))
    told.queue_position = before
    place = f"It is number {before} of those that wait"
    if is_late(member):
        text = f"{place}: it was not heard of for long, and such devices come last."
        _say(told, "late", "waits", text)
    elif told.stage is not None and told.stage > rollout.stage:
        last = told.stage >= rollout.stages
        which = "held back until after the last stage" if last else f"in stage {told.stage + 1}"
        _say(told, "stage", "waits", f"{place}, {which}; stage {rollout.stage + 1} is open.")
    else:
        _say(told, "pace", "waits", f"{place} in the open stage, by the pace of the rollout.")


def _explain_window(told: Explanation, rollout: Rollout, member: Member, now: datetime) -> None:
    window = rollout.policy.parsed_window()
    if window is None:
        return
    opening = opens_at(window, parse_zone(member.zone), now)
    if opening is None:
        _say(told, "window", "passes", f"Its window is open ({member.zone}).")
        return
    told.until = opening
    text = f"Its window opens at {opening:%Y-%m-%d %H:%M} UTC ({member.zone})."
    _say(told, "window", "waits", text)


def _done_text(member: Member) -> str:
    texts = {
        "updated": "It runs the version.",
        "failed": "Its installation failed; that counts in the gate, and it is tried again.",
        "skipped": f"It was passed over: {REASONS.get(member.reason, member.reason)}",
    }
    return texts[member.state]
