"""Which version a device should run, and whether it may be sent now.

One function decides, for deliveries as for explanations, so that the two cannot differ.
Spec: product notes §3.1, §7.2.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from roadstead.firmware.target_rules import CHOOSING, HOLDING, Choice, TargetFacts

Verdict = Literal["decides", "passes", "holds", "not_reached"]
"""``decides``: this rule chose the version, or that there is none; ``passes``: it has nothing to
say, or nothing against it; ``holds``: it holds the version back; ``not_reached``: an earlier rule
decided."""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule said.

    Attributes:
        rule: its name.
        verdict: see Verdict.
        text: a sentence when it decides or holds, else empty.
    """

    rule: str
    verdict: Verdict
    text: str


@dataclass(frozen=True, slots=True)
class Offer:
    """Send this version now.

    Attributes:
        version: the version.
        reason: why this one: ``lock``, ``rollout``, ``group_release`` or ``product_default``.
        rules: what each rule said, in order.
    """

    version: int
    reason: str
    rules: tuple[RuleResult, ...]


@dataclass(frozen=True, slots=True)
class Hold:
    """Send nothing now.

    Attributes:
        reason: why not: a rule's named reason.
        until: when time alone solves it; None when something else must happen.
        target: the version that the device should run; None when there is none.
        target_reason: why that one, or why none.
        rules: what each rule said, in order.
    """

    reason: str
    until: datetime | None
    target: int | None
    target_reason: str
    rules: tuple[RuleResult, ...]


Decision = Offer | Hold

_NO_RELEASE = Choice(
    None, "no_release", "Nothing is released to the device; it keeps what it runs."
)


def decide(facts: TargetFacts) -> Decision:
    """What to do about the firmware of a device."""
    choice, rules = _choose(facts)
    version = choice.version
    if version is None:
        rules += [RuleResult(rule, "not_reached", "") for rule, _ in HOLDING]
        return Hold(choice.reason, None, None, choice.reason, tuple(rules))
    hold: tuple[str, datetime | None] | None = None
    for rule, holds in HOLDING:
        # Later rules look up what earlier ones have made sure of.
        objection = None if hold else holds(facts, version)
        if objection:
            hold = (objection.reason, objection.until)
            rules.append(RuleResult(rule, "holds", objection.text))
        else:
            rules.append(RuleResult(rule, "not_reached" if hold else "passes", ""))
    if hold:
        return Hold(*hold, version, choice.reason, tuple(rules))
    return Offer(version, choice.reason, tuple(rules))


def choose_version(facts: TargetFacts) -> int | None:
    """The version that the device should run, whether or not it may be sent now; None for none."""
    return _choose(facts)[0].version


def _choose(facts: TargetFacts) -> tuple[Choice, list[RuleResult]]:
    chosen: Choice | None = None
    rules: list[RuleResult] = []
    for rule, choose in CHOOSING:
        choice = None if chosen else choose(facts)
        if choice:
            chosen = choice
            rules.append(RuleResult(rule, "decides", choice.text))
        else:
            rules.append(RuleResult(rule, "not_reached" if chosen else "passes", ""))
    if chosen is None:
        chosen = _NO_RELEASE
        rules.append(RuleResult("nothing_released", "decides", chosen.text))
    return chosen, rules


def explain(facts: TargetFacts, decision: Decision) -> dict[str, Any]:
    """The decision as a document: ``running``, ``target``, ``reason``, ``hold`` and ``rules``.

    ``reason`` tells why this target; ``hold`` is None when the version is sent now, and for a
    device that has no target its reason is the same.
    """
    hold = None
    if isinstance(decision, Hold):
        until = decision.until.isoformat() if decision.until else None
        hold = {"reason": decision.reason, "until": until}
        target, reason = decision.target, decision.target_reason
    else:
        target, reason = decision.version, decision.reason
    return {
        "running": facts.running_version,
        "target": target,
        "reason": reason,
        "hold": hold,
        "rules": [
            {"rule": one.rule, "verdict": one.verdict, "text": one.text} for one in decision.rules
        ],
    }
