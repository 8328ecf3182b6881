"""The gate: did the update hurt? A pure function of small counts.

Each look goes down one table; the first row that applies decides. Rows that halt rest on chances
whose budget was divided beforehand over all looks, signals and stages, so that a release which
changes nothing is halted with a chance of at most ``GateRules.alpha``.
Spec: rollout gate §5, §6.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Final

from roadstead.rollouts.evidence import Evidence, Finding, GateRules, Outcome, Verdict
from roadstead.rollouts.exact import binomial_upper, fisher_upper
from roadstead.rollouts.own_past import compare_with_own_past
from roadstead.rollouts.permutation import Comparison, compare
from roadstead.rollouts.signals import SIGNALS

LEAST_HISTORIC_SHARE: Final = 0.005
"""A history that knows no failures at all is not believed."""

HARD_USUAL_SHARE: Final = 0.02
HARD_LEVEL: Final = 0.001
HARD_LEAST: Final = 3
"""Failed installations: usual share, chance, and number under which the hard limit is not asked."""

SMALL_STAGE: Final = 25
"""In a stage up to this size one failed device is worth a second soak."""

SMALL_STAGE_FACTOR: Final = 3.0
"""… if its share is so many times that of the control."""

LEAST_JUDGED: Final = 5
"""Fewer devices on one side can show nothing."""

JUDGED_SHARE: Final = 0.9
"""Share of a cohort past its deadline before a stage is judged; sleepers get their time."""

UNEVEN_POINTS: Final = 0.10
UNEVEN_LEVEL: Final = 0.01
"""Shares of judged devices that differ by more, and by more than chance, say the draw is broken."""

_TEXTS: Final = {signal.name: signal.text for signal in SIGNALS}


@dataclass(frozen=True, slots=True)
class _Look:
    """The evidence with everything that is computed from it once."""

    evidence: Evidence
    rules: GateRules
    findings: tuple[Finding, ...]
    chance_failures: float
    chance_history: float
    odd: frozenset[str]


_Row = Callable[[_Look], Verdict | None]


def judge(evidence: Evidence, rules: GateRules) -> Verdict:
    """The verdict of one look."""
    look = _take_look(evidence, rules)
    for row in _ROWS if evidence.soak_over else _EARLY_ROWS:
        verdict = row(look)
        if verdict is not None:
            return verdict
    if not evidence.soak_over:
        return _say(look, Outcome.WAIT, "soaking", "Nothing stands out; the soak goes on.")
    return _say(look, Outcome.ADVANCE, "quiet", _quiet_text(look))


def _take_look(evidence: Evidence, rules: GateRules) -> _Look:
    findings: list[Finding] = []
    for signal in rules.signals:
        comparison = _compare(evidence, signal)
        if comparison is not None:
            findings.append(
                Finding(
                    signal,
                    comparison.n,
                    comparison.m,
                    comparison.chance,
                    comparison.effect_marks,
                    comparison.worst_share,
                )
            )
    findings.sort(key=lambda one: one.chance)
    # Late returns stay failed against the control; what pauses looks at the present.
    chance_failures = 1.0
    if evidence.control_judged:
        chance_failures = fisher_upper(
            evidence.failed, evidence.judged, evidence.control_failed, evidence.control_judged
        )
    chance_history = binomial_upper(evidence.failed_now, evidence.judged, _usual_share(evidence))
    odd = frozenset(one.signal for one in findings if one.chance <= rules.odd_level)
    return _Look(evidence, rules, tuple(findings), chance_failures, chance_history, odd)


def _compare(evidence: Evidence, signal: str) -> Comparison | None:
    pairs = evidence.marks.get(signal, ())
    if evidence.control:
        comparison = compare(pairs)
        return comparison if comparison.n and comparison.m else None
    comparison = compare_with_own_past(pairs)
    return comparison if comparison.n else None


def _usual_share(evidence: Evidence) -> float:
    control = 0.0
    if evidence.control_judged:
        control = evidence.control_failed / evidence.control_judged
    return min(max(evidence.historic_share, control, LEAST_HISTORIC_SHARE), 1.0)


def _say(look: _Look, outcome: Outcome, rule: str, text: str, *, extend: bool = False) -> Verdict:
    return Verdict(
        outcome,
        rule,
        text,
        extend=extend,
        odd=look.odd if look.evidence.soak_over else frozenset(),
        chance_failures=look.chance_failures,
        chance_history=look.chance_history,
        findings=look.findings,
        unseen=describe_unseen(look.evidence) if outcome is Outcome.ADVANCE else "",
    )


def _input_missing(look: _Look) -> Verdict | None:
    missing = look.evidence.missing
    if not missing:
        return None
    text = f"The gate cannot judge: {missing}. The rollout does not go on without data."
    return _say(look, Outcome.WAIT, "input_missing", text)


def _uneven(look: _Look) -> Verdict | None:
    one = look.evidence
    if not one.control or not one.offered:
        return None
    updated, control = one.judged / one.offered, one.control_judged / one.control
    if abs(updated - control) <= UNEVEN_POINTS:
        return None
    missing = one.offered - one.judged
    control_missing = one.control - one.control_judged
    if updated < control:
        chance = fisher_upper(missing, one.offered, control_missing, one.control)
    else:
        chance = fisher_upper(control_missing, one.control, missing, one.offered)
    if chance > UNEVEN_LEVEL:
        return None
    text = (
        f"{updated:.0%} of the updated devices could be judged but {control:.0%} of the control:"
        " the two are not alike, so nothing is concluded yet."
    )
    return _say(look, Outcome.WAIT, "uneven_groups", text)


def _hard_limit(look: _Look) -> Verdict | None:
    one, rules = look.evidence, look.rules
    if one.install_errors < HARD_LEAST or one.install_errors <= rules.hard_share * one.installs:
        return None
    if binomial_upper(one.install_errors, one.installs, HARD_USUAL_SHARE) > HARD_LEVEL:
        return None
    text = (
        f"{one.install_errors} of {one.installs} installations failed or fell back;"
        f" the limit is {rules.hard_share:.0%}."
    )
    return _say(look, Outcome.HALT, "install_errors", text)


def _failures_against_control(look: _Look) -> Verdict | None:
    if look.chance_failures > look.rules.failure_level:
        return None
    text = (
        f"{_failed_text(look)}. By chance that happens in {_odds(look.chance_failures)}"
        " if the release changes nothing."
    )
    return _say(look, Outcome.HALT, "failed_devices", text)


def _signals_against_control(look: _Look) -> Verdict | None:
    if not look.evidence.control:
        return None
    for one in look.findings:
        if (
            one.chance <= look.rules.graded_level
            and one.effect_marks >= look.rules.least_effect_marks
        ):
            return _say(look, Outcome.HALT, f"signal_{one.signal}", _signal_text(one))
    return None


def _failures_against_history(look: _Look) -> Verdict | None:
    if look.chance_history > look.rules.failure_level:
        return None
    text = (
        f"{look.evidence.failed_now} of {look.evidence.judged} updated devices are in a failed"
        f" state; usual is {_usual_share(look.evidence):.1%}."
    )
    if look.evidence.paused_for_soak:
        text += " It has not healed for a whole soak; a person must decide."
        return _say(look, Outcome.HOLD, "failures_persist", text)
    return _say(look, Outcome.PAUSE, "failures_unusual", text)


def _odd_again(look: _Look) -> Verdict | None:
    if look.evidence.extension != "over":
        return None
    again = [one for one in look.findings if one.signal in look.odd & look.evidence.odd_before]
    if not again:
        return None
    text = f"{_signal_text(again[0])} It was so in both soaks; a person must decide."
    return _say(look, Outcome.HOLD, "odd_twice", text)


def _odd_once(look: _Look) -> Verdict | None:
    if look.evidence.extension != "none" or not look.odd:
        return None
    text = f"{_signal_text(look.findings[0])} It is odd, not proven; one more soak."
    return _say(look, Outcome.WAIT, "odd_signal", text, extend=True)


def _one_failed_early(look: _Look) -> Verdict | None:
    one = look.evidence
    if one.offered > SMALL_STAGE or not one.failed or one.extension != "none":
        return None
    control = one.control_failed / one.control_judged if one.control_judged else 0.0
    if one.failed / max(one.judged, 1) < SMALL_STAGE_FACTOR * control:
        return None
    named = f" ({', '.join(one.failed_devices)})" if one.failed_devices else ""
    text = f"{_failed_text(look)}{named}. In so small a stage one is worth one more soak."
    return _say(look, Outcome.WAIT, "one_failed", text, extend=True)


def _too_few_judged_yet(look: _Look) -> Verdict | None:
    one = look.evidence
    if one.judged >= JUDGED_SHARE * one.offered or one.waited_enough:
        return None
    text = (
        f"{one.judged} of {one.offered} devices could be judged; the others sleep as their pattern"
        " says and get their time."
    )
    return _say(look, Outcome.WAIT, "sleepers", text)


def _cannot_know(look: _Look) -> Verdict | None:
    one = look.evidence
    # A control this small is so by plan: it is the holdback of a last stage, and nobody else waits.
    control_says = one.control_judged >= LEAST_JUDGED or one.control < LEAST_JUDGED
    if one.judged >= LEAST_JUDGED and control_says:
        return None
    control = f" and {one.control_judged} of the control" if one.control else ""
    text = (
        f"Only {one.judged} updated devices{control} could be judged: too few to know."
        f" {describe_unseen(one)} A person must release the stage."
    )
    return _say(look, Outcome.HOLD, "too_few", text)


_EARLY_ROWS: Final[tuple[_Row, ...]] = (
    _input_missing,
    _uneven,
    _hard_limit,
    _failures_against_control,
    _signals_against_control,
    _failures_against_history,
)

_ROWS: Final[tuple[_Row, ...]] = (
    *_EARLY_ROWS,
    _odd_again,
    _odd_once,
    _one_failed_early,
    _too_few_judged_yet,
    _cannot_know,
)


def describe_unseen(evidence: Evidence) -> str:
    """What so many devices could not have shown: the limits of any method."""
    n, m = evidence.judged, evidence.control_judged
    if n == 0:
        return "Nothing could have been seen."
    share = min(1.0, 3.0 / n)
    text = f"Failures of up to {share:.1%} of devices could have gone unseen"
    if n >= 20 and m:
        # 3.9 and 0.84: the usual level of one signal, and a chance of 80 % to find it.
        least = (3.9 + 0.84) * 4.6 / 2 * sqrt(1 / n + 1 / m)
        return f"{text}, and days worse by less than {least:.1f} of 7."
    return f"{text}, and anything but a bad day of nearly all of them."


def _failed_text(look: _Look) -> str:
    one = look.evidence
    text = f"{one.failed} of {one.judged} updated devices failed"
    if one.control_judged:
        text += f", {one.control_failed} of {one.control_judged} in the control"
    return text


def _signal_text(one: Finding) -> str:
    return (
        f"Updated devices {_TEXTS[one.signal]} more than before: {one.worst_share:.0%} of"
        f" {one.updated} had a worse day than on any of their last seven; the average is"
        f" {one.effect_marks:+.1f} of 7 beside {one.control} others"
        f" (by chance in {_odds(one.chance)})."
    )


def _quiet_text(look: _Look) -> str:
    text = f"{_failed_text(look)}; "
    if not look.findings:
        return text + "no signal could be graded, for no device has four days of its own past."
    return text + f"none of {len(look.findings)} signals stands out."


def _odds(chance: float) -> str:
    return "less than 1 of 1,000,000" if chance < 1e-6 else f"1 of {max(1, round(1 / chance)):,}"
