"""May the rollout go on? One pure function: facts and the gate's verdict in, the next step out.

A rollout opens its stages one after the other. A stage offers to its devices, soaks, is looked at
after a quarter, half and all of its soak (and at the end of a second soak if it gets one), and what
the gate says then decides. After the last stage come the devices that were held back and those that
were dormant; then it is finished.
Spec: rollout gate §6.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from roadstead.rollouts.evidence import Extension, Outcome, Verdict

LOOKS: Final = (0.25, 0.5, 1.0)
"""When a stage is looked at, in parts of its soak: 6, 12 and 24 hours of a day."""

LOOK_AGAIN: Final = 0.25
"""Part of a soak after which a look that could not conclude is repeated."""

Phase = Literal["running", "paused"]
"""``paused`` here means by the gate: it may heal; what a person paused is not asked."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Where a stage stands in time.

    Attributes:
        soak: how long a stage is watched.
        opened_at: when the stage began to offer.
        soaking_since: when the last of its devices was offered, and every device had its window;
            None while it still offers.
        looks: looks that are behind it.
        last_look_at: the latest of them.
        extended_at: when it got its second soak.
        paused_at: since when the gate has paused it.
        soaks: how many soaks it is watched for: 1 but for the watch over a standard release.
    """

    soak: timedelta
    opened_at: datetime
    soaking_since: datetime | None = None
    looks: int = 0
    last_look_at: datetime | None = None
    extended_at: datetime | None = None
    paused_at: datetime | None = None
    soaks: int = 1

    def is_soak_over(self, now: datetime) -> bool:
        """Whether the first soak has ended."""
        since = self.soaking_since
        return since is not None and now >= since + self.soak * self.soaks

    def extension(self, now: datetime) -> Extension:
        """Whether there is a second soak, and whether it has ended."""
        if self.extended_at is None:
            return "none"
        return "over" if now >= self.extended_at + self.soak else "running"

    def next_look_at(self) -> datetime | None:
        """When the gate is asked next; None while only the offering must end first."""
        if self.paused_at is not None:
            return (self.last_look_at or self.paused_at) + self.soak * LOOK_AGAIN
        early = [*LOOKS[:-1], *map(float, range(1, self.soaks))]
        if self.looks < len(early):
            return self.opened_at + self.soak * early[self.looks]
        if self.soaking_since is None:
            return None
        end = self.soaking_since + self.soak * self.soaks
        if self.extended_at is not None:
            end = self.extended_at + self.soak
        if self.last_look_at is None or self.last_look_at < end:
            return end
        return self.last_look_at + self.soak * LOOK_AGAIN


@dataclass(frozen=True, slots=True)
class ProgressFacts:
    """Everything that the decision looks at.

    Attributes:
        now: the time.
        phase: see Phase.
        stage: the open stage, counted from 0; equal to ``stages`` for what was held back.
        stages: stages that are judged.
        schedule: where the stage stands.
        all_offered: every device of the stage has its offer.
        verdict: of the look that is due now; None when none is.
        assisted: the fleet is too small for the gate: each stage waits for a person.
        released: a person has released this stage.
        gated: False for what is not judged at all (held-back devices; no gate wanted).
        watch: it only watches a release: to wait for a person would stop the release instead.
    """

    now: datetime
    phase: Phase
    stage: int
    stages: int
    schedule: Schedule
    all_offered: bool
    verdict: Verdict | None = None
    assisted: bool = False
    released: bool = False
    gated: bool = True
    watch: bool = False


@dataclass(frozen=True, slots=True)
class Advance:
    """Open this stage."""

    stage: int
    text: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing until then.

    Attributes:
        until: when to ask again; None when something else must happen first.
        text: why.
        extend: the stage gets a second soak.
        resume: the gate's pause is over.
    """

    until: datetime | None
    text: str
    extend: bool = False
    resume: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Offer nothing new; look again then."""

    until: datetime
    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Hold:
    """A person must decide."""

    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Halt:
    """Stop for good; roll back if the product says so."""

    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing is left to do."""

    text: str


Step = Advance | Wait | Pause | Hold | Halt | Finish


def next_step(facts: ProgressFacts) -> Step:
    """What to do next; the same facts give the same step."""
    if not facts.gated or facts.stage >= facts.stages:
        return _ungated(facts)
    if facts.released:
        return _open_next(facts, "A person has released the stage.")
    if facts.verdict is None:
        return Wait(facts.schedule.next_look_at(), _waiting_text(facts))
    return _by_verdict(facts, facts.verdict)


def _ungated(facts: ProgressFacts) -> Step:
    if not facts.all_offered:
        return Wait(None, "The last devices get their offers.")
    since = facts.schedule.soaking_since
    if since is not None and facts.now < since:
        return Wait(
            since, "Each device is updated in its window; all windows come once until then."
        )
    if facts.stage < facts.stages:
        return _open_next(facts, "This rollout is not judged.")
    return Finish("Every device has its offer; those that sleep take it when they wake.")


def _open_next(facts: ProgressFacts, text: str) -> Step:
    if not facts.all_offered:
        return Wait(None, "The stage still offers to its devices.")
    return Advance(facts.stage + 1, text)


def _waiting_text(facts: ProgressFacts) -> str:
    if not facts.all_offered:
        return "The stage offers to its devices."
    return "The stage soaks."


def _by_verdict(facts: ProgressFacts, verdict: Verdict) -> Step:
    if verdict.outcome is Outcome.HALT:
        return Halt(verdict.rule, verdict.text)
    if verdict.outcome is Outcome.HOLD and facts.watch and verdict.rule == "too_few":
        return _open_next(facts, "The watch ends: too few devices could be judged to know.")
    if verdict.outcome is Outcome.HOLD:
        return Hold(verdict.rule, verdict.text)
    until = _after_this_look(facts, extend=verdict.extend)
    if verdict.outcome is Outcome.PAUSE:
        return Pause(facts.now + facts.schedule.soak * LOOK_AGAIN, verdict.rule, verdict.text)
    resume = facts.phase == "paused"
    if verdict.outcome is Outcome.WAIT or resume or not facts.all_offered:
        return Wait(until, verdict.text, extend=verdict.extend, resume=resume)
    if facts.assisted and not facts.watch:
        text = f"{verdict.text} {verdict.unseen} So few devices show little: a person must decide."
        return Hold("assisted", text)
    return Advance(facts.stage + 1, f"{verdict.text} {verdict.unseen}".strip())


def _after_this_look(facts: ProgressFacts, *, extend: bool) -> datetime | None:
    schedule = facts.schedule
    after = Schedule(
        soak=schedule.soak,
        soaks=schedule.soaks,
        opened_at=schedule.opened_at,
        soaking_since=schedule.soaking_since,
        looks=schedule.looks + 1,
        last_look_at=facts.now,
        extended_at=facts.now if extend else schedule.extended_at,
    )
    return after.next_look_at()
