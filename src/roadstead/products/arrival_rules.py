"""What becomes of a device that belongs to no product and whose firmware names one. Pure.

Source: particle cloud notes §3.2, §3.3.2.
"""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["denied", "quarantine", "admit"]
"""``denied``: the product refused it before; ``quarantine``: the product's people have to decide;
``admit``: the product lets it in at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalFacts:
    """What the verdict depends on.

    Attributes:
        denied: the named product refused it.
        automatic: the named product lets devices in without asking.
        fits: it is of the named product's platform.
        acceptable: it is nobody's, or belongs to somebody of the named product's team, and nobody
            else registered its key.
        has_room: the plan of the named product's owner has room for one more device.
    """

    denied: bool = False
    automatic: bool = False
    fits: bool = True
    acceptable: bool = True
    has_room: bool = True


def judge_arrival(facts: ArrivalFacts) -> Verdict:
    """The verdict."""
    if facts.denied:
        return "denied"
    if facts.automatic and facts.fits and facts.acceptable and facts.has_room:
        return "admit"
    return "quarantine"
