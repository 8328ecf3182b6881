"""What the gate is given, and what it answers with. Both can be written down and replayed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from roadstead.rollouts.permutation import Pair
from roadstead.rollouts.signals import SIGNAL_NAMES

Extension = Literal["none", "running", "over"]
"""Whether the stage got a second soak: not (yet), it runs, or this look ends it."""


@dataclass(frozen=True, slots=True)
class GateRules:
    """The limits of one rollout, fixed before it starts. Spec: rollout gate §7.

    Attributes:
        alpha: chance that a release which changes nothing is halted, over the whole rollout.
        stages: number of stages; the budget is divided by them beforehand.
        odd_level: chance under which a signal at the end of a soak asks for another soak.
        least_effect_marks: smallest difference that halts, in days of seven.
        hard_share: share of failed installations above which the rollout halts.
        signals: graded signals that count; fewer give each more power.
    """

    alpha: float = 0.01
    stages: int = 1
    odd_level: float = 0.005
    least_effect_marks: float = 0.2
    hard_share: float = 0.10
    signals: tuple[str, ...] = SIGNAL_NAMES

    @property
    def failure_level(self) -> float:
        """Chance under which failures count, at each of three looks of each stage."""
        return 0.4 * self.alpha / (FAILURE_LOOKS * self.stages)

    @property
    def graded_level(self) -> float:
        """Chance under which one graded signal counts, at each of four looks of each stage."""
        return 0.6 * self.alpha / (max(len(self.signals), 1) * GRADED_LOOKS * self.stages)


FAILURE_LOOKS: Final = 3
GRADED_LOOKS: Final = 4
"""Looks among which the budget is divided; the fourth is the end of a second soak."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that one look knows.

    Attributes:
        soak_over: the stage had its whole soak.
        extension: see Extension.
        offered: devices of the newest cohort.
        judged: those of them past their deadline.
        failed: those of them that failed in this stage, also if they recovered.
        failed_now: those that are in a failed state now.
        failed_devices: ids of some of them, for people.
        control: devices of the control group; 0 where the plan has none.
        control_judged, control_failed: of the control, by the same rule.
        historic_share: share that fails within one soak without any release, as measured.
        installs: installations that ended, well or badly.
        install_errors: those that ended badly, or fell back by themselves.
        marks: histograms by signal, one pair for each kind of device.
        odd_before: signals that were odd at the end of the first soak.
        waited_enough: twice the longest deadline has passed, or three days.
        paused_for_soak: the rollout has been paused for a whole soak.
        missing: what of the input is not there; empty when all is.
    """

    soak_over: bool
    offered: int
    judged: int
    failed: int = 0
    failed_now: int = 0
    failed_devices: tuple[str, ...] = ()
    control: int = 0
    control_judged: int = 0
    control_failed: int = 0
    historic_share: float = 0.0
    installs: int = 0
    install_errors: int = 0
    marks: Mapping[str, Sequence[Pair]] = field(default_factory=dict)
    extension: Extension = "none"
    odd_before: frozenset[str] = frozenset()
    waited_enough: bool = False
    paused_for_soak: bool = False
    missing: str = ""


class Outcome(StrEnum):
    """What a look ends with."""

    ADVANCE = "advance"
    WAIT = "wait"
    PAUSE = "pause"
    HOLD = "hold"
    HALT = "halt"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one signal says at a look.

    Attributes:
        signal: its name.
        updated, control: devices graded.
        chance: of a difference this large if the release changed nothing.
        effect_marks: difference of the average marks.
        worst_share: share of the updated that had a worse day than on any of the seven before.
    """

    signal: str
    updated: int
    control: int
    chance: float
    effect_marks: float
    worst_share: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of the gate.

    Attributes:
        outcome: what to do.
        rule: stable name of the row of the table that decided.
        text: why, in a sentence or two.
        extend: the stage gets another soak.
        odd: signals that were odd at the end of this soak.
        chance_failures: of as many failures if the release changed nothing; against the control.
        chance_history: the same against what is usual.
        findings: the graded signals, the most telling first.
        unseen: what this stage could not have seen.
    """

    outcome: Outcome
    rule: str
    text: str
    extend: bool = False
    odd: frozenset[str] = frozenset()
    chance_failures: float = 1.0
    chance_history: float = 1.0
    findings: tuple[Finding, ...] = ()
    unseen: str = ""
