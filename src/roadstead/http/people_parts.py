"""What the HTTP edge is given of teams, organizations, customers and their programs."""

from dataclasses import dataclass

from roadstead.organizations.api_users import ApiUsers
from roadstead.organizations.invitations import Invitations
from roadstead.organizations.limits import PlanLimits
from roadstead.organizations.plans import PlanService
from roadstead.organizations.service import Organizations
from roadstead.organizations.teams import Teams


@dataclass(frozen=True, slots=True)
class PeopleParts:
    """The services of everything about who belongs together."""

    plans: PlanService
    limits: PlanLimits
    organizations: Organizations
    teams: Teams
    invitations: Invitations
    api_users: ApiUsers
