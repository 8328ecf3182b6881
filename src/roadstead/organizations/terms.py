"""What a plan allows, read from ``plans.toml`` beside this file. Pure but for that one reading."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from roadstead.identity.permissions import Role
from roadstead.kit.errors import Forbidden
from roadstead.organizations.model import PLAN_NAMES, PlanName

Feature = Literal[
    "groups",
    "team_members",
    "organizations",
    "team_access_controls",
    "fleet_health",
    "intelligent_ota",
    "service_levels",
    "support_options",
]

FEATURE_WORDS: Mapping[Feature, str] = {
    "groups": "Device groups",
    "team_members": "Team members",
    "organizations": "Organizations",
    "team_access_controls": "Roles and API users on a team",
    "fleet_health": "Fleet health metrics",
    "intelligent_ota": "Intelligent updates and rollouts",
    "service_levels": "Service levels",
    "support_options": "Additional support options",
}
"""How a refusal names each feature."""


class PlanTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one plan allows; ``plans.toml`` says what each field means. None is no limit."""

    updates: Literal["device", "group"]
    team_roles: tuple[Role, ...]
    groups: bool
    team_members: bool
    organizations: bool
    team_access_controls: bool
    fleet_health: bool
    intelligent_ota: bool
    service_levels: bool
    support_options: bool
    devices_per_account: int | None = None
    devices_outside_products: int | None = None
    devices_per_product: int | None = None

    def has(self, feature: Feature) -> bool:
        """Whether the plan includes a feature."""
        return bool(getattr(self, feature))


@cache
def all_terms() -> dict[PlanName, PlanTerms]:
    """The terms of every plan, as shipped."""
    document = tomllib.loads(files(__package__).joinpath("plans.toml").read_text("utf-8"))
    return {name: msgspec.convert(document[name], PlanTerms) for name in PLAN_NAMES}


def terms_of(plan: PlanName) -> PlanTerms:
    """The terms of a plan."""
    return all_terms()[plan]


def smallest_plan_with(feature: Feature) -> PlanName:
    """The first plan, from the smallest, that includes a feature."""
    return next(name for name in PLAN_NAMES if terms_of(name).has(feature))


def require(plan: PlanName, feature: Feature) -> None:
    """Refuses what the plan does not include.

    Raises:
        Forbidden: ``plan_limit``, with ``plan``, ``feature`` and the ``needed_plan``.
    """
    if terms_of(plan).has(feature):
        return
    needed = smallest_plan_with(feature)
    raise Forbidden(
        "plan_limit",
        f"{FEATURE_WORDS[feature]} are not part of the {plan} plan; they need the {needed} plan. "
        "Ask the people who run this server to change the plan.",
        {"plan": plan, "feature": feature, "needed_plan": needed},
    )
