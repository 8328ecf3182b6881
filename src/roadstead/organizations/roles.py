"""Roles as people and tools write them: by name or by id. Pure.

Source: particle cloud notes §1.8 (the id of Administrator was seen; the others are ours).
"""

from roadstead.identity.permissions import TEAM_ROLES, Role
from roadstead.kit.errors import Forbidden, Invalid
from roadstead.organizations.model import PLAN_NAMES, PlanName
from roadstead.organizations.terms import terms_of

DEFAULT_ROLE = Role.DEVELOPER
"""Role of who is invited without one: all of the daily work, nothing of the team."""

ROLE_IDS = {
    Role.OWNER: f"{1:024x}",
    Role.ADMINISTRATOR: f"{2:024x}",
    Role.DEVELOPER: f"{3:024x}",
    Role.SUPPORT: f"{4:024x}",
    Role.VIEW_ONLY: f"{5:024x}",
}


def parse_role(text: str | None) -> Role:
    """The role of this name, in any case, or of this id; None for the usual one.

    Raises:
        Invalid: ``bad_role``.
    """
    if text is None:
        return DEFAULT_ROLE
    wanted = text.strip().lower()
    for role in TEAM_ROLES:
        if wanted in (role.value.lower(), ROLE_IDS[role]):
            return role
    names = ", ".join(role.value for role in TEAM_ROLES)
    raise Invalid("bad_role", f"There is no role {text!r} to give; choose {names}.")


def check_role(plan: PlanName, role: Role) -> None:
    """Refuses a role that the plan does not have.

    Raises:
        Forbidden: ``plan_limit``.
    """
    if role in terms_of(plan).team_roles:
        return
    needed = next(name for name in PLAN_NAMES if role in terms_of(name).team_roles)
    raise Forbidden(
        "plan_limit",
        f"The role {role.value} is not part of the {plan} plan; it needs the {needed} plan.",
        {"plan": plan, "feature": "team_access_controls", "needed_plan": needed},
    )
