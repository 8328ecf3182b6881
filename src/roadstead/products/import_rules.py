"""Whether a device may be put into a product. Pure.

Two dangers are kept away here: that somebody else's device becomes part of one's product, and that
one's own devices end in the product of a stranger who learned their ids.

Source: particle cloud notes §3.3.1; design notes §6.
"""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["imported", "moved", "existing", "nonmember", "invalid", "limited"]
"""``imported``: it is in the product now; ``moved``: likewise, and was taken out of another;
``existing``: it was there; ``nonmember``: its owner is not of the product's team; ``invalid``: it
cannot be put in, for a reason that is said; ``limited``: the plan has no room for it."""

Result = Outcome | Literal["duplicate", "comment", "blank"]
"""What became of a line of a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFacts:
    """What is known of the device, and of who asks.

    Attributes:
        member_of: product that it belongs to.
        may_move: whoever asks wants it moved, and may take it out of that product.
        platform_id: its hardware; None while unknown.
        owned_by_stranger: somebody outside the product's team claimed it.
        owned_by_team: somebody of the product's team claimed it.
        key_of_stranger: it has a key, which somebody outside the team registered.
    """

    member_of: int | None = None
    may_move: bool = False
    platform_id: int | None = None
    owned_by_stranger: bool = False
    owned_by_team: bool = False
    key_of_stranger: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome, and for ``invalid`` the reason as a code and a sentence."""

    outcome: Outcome
    code: str = ""
    text: str = ""


def judge_import(facts: ImportFacts, product_id: int, platform_id: int) -> Judgement:
    """What is to become of a device; whether the plan has room for it is decided later."""
    if facts.member_of == product_id:
        return Judgement("existing")
    if facts.platform_id is not None and facts.platform_id != platform_id:
        return Judgement(
            "invalid",
            "wrong_platform",
            f"The device is of platform {facts.platform_id}, the product of {platform_id}.",
        )
    if facts.member_of is not None and not facts.may_move:
        return Judgement(
            "invalid",
            "in_other_product",
            "The device is in another product; remove it there, or move it.",
        )
    if facts.owned_by_stranger:
        return Judgement(
            "nonmember", "owner_not_in_team", "Its owner does not belong to the product's team."
        )
    if facts.key_of_stranger and not facts.owned_by_team and facts.member_of is None:
        return Judgement(
            "invalid",
            "key_of_somebody_else",
            "Somebody outside the team registered its key; they, or the administrator, can help.",
        )
    return Judgement("imported" if facts.member_of is None else "moved")
