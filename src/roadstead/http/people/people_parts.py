"""What the HTTP edge is given of teams, organizations, customers and their programs."""

from dataclasses import dataclass

from roadstead.devices.ownership import OwnershipHistory
from roadstead.identity.authorizing import Authorizations
from roadstead.identity.customers import Customers
from roadstead.identity.oauth_clients import OAuthClients
from roadstead.organizations.agreements import Agreements
from roadstead.organizations.api_users import ApiUsers
from roadstead.organizations.invitations import Invitations
from roadstead.organizations.limits import PlanLimits
from roadstead.organizations.plans import PlanService
from roadstead.organizations.service import Organizations
from roadstead.organizations.teams import Teams
from roadstead.products.moving import ProductMoves
from roadstead.storage.secret_box import SecretBox


@dataclass(frozen=True, slots=True)
class PeopleParts:
    """The services of everything about who belongs together.

    Attributes:
        box: seals what the login page sends to itself.
    """

    plans: PlanService
    limits: PlanLimits
    organizations: Organizations
    teams: Teams
    invitations: Invitations
    api_users: ApiUsers
    clients: OAuthClients
    customers: Customers
    authorizations: Authorizations
    moves: ProductMoves
    agreements: Agreements
    ownership: OwnershipHistory
    box: SecretBox
