"""The plans that an owner can be on."""

from typing import Literal, get_args

PlanName = Literal["developer", "product", "enterprise"]
"""From the smallest to the largest. Source: particle cloud notes §5.1."""

PLAN_NAMES: tuple[PlanName, ...] = get_args(PlanName)
