"""Rollouts in lines for a terminal."""

from collections.abc import Iterator, Sequence

from roadstead.http.rollouts.rollout_documents import (
    ExplanationAnswer,
    PlanAnswer,
    RolloutAnswer,
    RolloutDocument,
)
from roadstead.rollouts.reporting import ReportedDevice

BAR_WIDTH = 24
LISTED = 20
"""Devices of a plan that are named; ``--json`` gives more, ``report`` all."""

MARKS = {"passes": "ok", "waits": "waits", "stops": "STOPS"}


def plain(text: str) -> str:
    """The text with nothing in it that could steer a terminal; names come from people."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def line_of(one: RolloutDocument) -> str:
    """A rollout in one line."""
    stage = f"stage {min(one.stage, len(one.stages))}/{len(one.stages)}" if one.stages else "-"
    total = one.devices + one.late_devices
    words = f"{one.id} {one.state:<17} version {one.version} {stage} offered {one.offered}/{total}"
    return plain(f"{words} {one.text}").rstrip()


def plan_lines(plan: PlanAnswer) -> Iterator[str]:
    """A plan."""
    one = plan.rollout
    whom = f"groups {', '.join(one.groups)}" if one.groups else "the whole product"
    if one.filter:
        whom += f" where {one.filter}"
    yield plain(f"version {one.version} to {whom}")
    yield f"devices       {plan.devices} drawn, {plan.late_devices} late (they come last)"
    yield f"stages        {' -> '.join(map(str, plan.stages)) or 'none'}"
    runs = [
        f"{count} from {'none' if version == '0' else version}"
        for version, count in plan.from_versions.items()
    ]
    yield f"they run      {', '.join(runs) or 'nothing'}"
    yield f"on the air    {plan.bytes} bytes"
    yield f"cellular      {plan.cellular_devices} devices, cost {plan.cellular_cost:.2f}"
    yield f"takes         {plan.expected_hours:.1f} hours, if each stage goes on after one soak"
    for reason, count in sorted(plan.left_out.items()):
        yield plain(f"left out      {count}: {reason.replace('_', ' ')}")
    for warning in plan.warnings:
        yield plain(f"warning       {warning}")
    for device in plan.list[:LISTED]:
        stage = "left out" if device.stage is None else f"stage {device.stage}"
        runs_now = "runs nothing" if device.running is None else f"runs {device.running}"
        where = "online" if device.online else "offline"
        words = f"  {device.device_id} {stage:<9} {runs_now}, {where} {device.name} {device.text}"
        yield plain(words).rstrip()
    if plan.listed_of > LISTED:
        yield f"  ... and {plan.listed_of - LISTED} more; --json names them"
    yield f"plan          {one.id}"


def progress_lines(answer: RolloutAnswer) -> Iterator[str]:
    """A rollout as it stands."""
    one = answer.rollout
    yield line_of(one)
    for stage in answer.stages:
        filled = BAR_WIDTH * stage.offered // stage.devices if stage.devices else 0
        name = "the rest" if stage.stage > len(one.stages) else f"stage {stage.stage}"
        bar = "#" * filled + "." * (BAR_WIDTH - filled)
        yield f"  {name:<9} [{bar}] {stage.offered}/{stage.devices} {stage.state}"
    if answer.counts:
        counts = ", ".join(f"{count} {state}" for state, count in sorted(answer.counts.items()))
        yield f"  devices   {counts}"
    if one.next_at:
        yield f"  next      {one.next_at}"
    for look in answer.looks[-3:]:
        yield plain(f"  look {look.number:<4} {look.at} {look.outcome} ({look.rule}): {look.text}")


def report_lines(answer: RolloutAnswer) -> Iterator[str]:
    """The head of a report: all that was decided, before the devices."""
    one = answer.rollout
    yield plain(f"rollout       {one.id}, version {one.version}, by {one.created_by or '-'}")
    yield plain(f"state         {one.state.replace('_', ' ')}: {one.text}".rstrip(": "))
    yield f"from, to      {one.started_at or 'not started'}, {one.ended_at or 'not over'}"
    for ignored in one.policy.ignore:
        yield plain(f"ignored       {ignored.signal}: {ignored.reason}")
    for stage in answer.stages:
        yield f"stage {stage.stage:<8}{stage.offered} of {stage.devices} offered, {stage.state}"
    for state, count in sorted(answer.counts.items()):
        yield f"{state:<14}{count}"
    for look in answer.looks:
        yield plain(
            f"look {look.number:<9}{look.at} stage {look.stage} {look.outcome}: {look.text}"
            f" {look.unseen}"
        ).rstrip()


def device_lines(devices: Sequence[ReportedDevice]) -> Iterator[str]:
    """Devices of a report."""
    for one in devices:
        before = "-" if one.previous_version is None else str(one.previous_version)
        why = f" ({one.reason.replace('_', ' ')})" if one.reason else ""
        yield plain(f"  {one.device_id} stage {one.stage + 1} from {before} {one.state}{why}")


def explanation_lines(told: ExplanationAnswer) -> Iterator[str]:
    """Why a device has not got the version yet."""
    yield plain(f"{told.device_id} {told.state}: {told.text}")
    if told.stage is not None:
        yield f"stage         {told.stage}"
    if told.queue_position is not None:
        yield f"in the queue  {told.queue_position}"
    if told.until is not None:
        yield f"until         {told.until}"
    for rule in told.rules:
        mark = MARKS.get(rule.verdict, rule.verdict)
        yield plain(f"  {mark:<7} {rule.rule.replace('_', ' ')}: {rule.text}")
