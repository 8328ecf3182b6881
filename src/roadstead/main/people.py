"""Builds what belongs to organizations, teams and customers."""

from collections.abc import Callable
from dataclasses import dataclass

from roadstead.devices.leaving import release_of_customer
from roadstead.devices.ownership import OwnershipHistory
from roadstead.devices.service import DeviceService
from roadstead.http.people.people_parts import PeopleParts
from roadstead.identity.authorizing import Authorizations
from roadstead.identity.customers import Customers
from roadstead.identity.oauth_clients import OAuthClients
from roadstead.identity.service import IdentityService
from roadstead.kit.clock import Clock
from roadstead.organizations.agreements import Agreements
from roadstead.organizations.api_users import ApiUsers
from roadstead.organizations.invitations import Invitations
from roadstead.organizations.limits import PlanLimits
from roadstead.organizations.model import PlanName
from roadstead.organizations.plans import PlanService
from roadstead.organizations.service import Organizations
from roadstead.organizations.teams import Teams
from roadstead.outbound.mailbox import Mailbox
from roadstead.products.moving import ProductMoves
from roadstead.products.plan_counts import ProductDeviceCounts, product_ids_of
from roadstead.storage.database import Database
from roadstead.storage.secret_box import SecretBox


@dataclass(frozen=True, slots=True)
class PeopleNeeds:
    """What these parts are built on.

    Attributes:
        announce: called after a change was committed that other processes must hear of.
        origin: gives the origin under which people reach this server.
        box: seals what the login page sends to itself.
    """

    database: Database
    clock: Clock
    announce: Callable[[], None]
    identity: IdentityService
    mailbox: Mailbox
    origin: Callable[[], str]
    box: SecretBox
    devices: DeviceService


def build_limits(default_plan: PlanName) -> PlanLimits:
    """What plans allow; also asked by who adds devices."""
    return PlanLimits(ProductDeviceCounts(), default_plan=default_plan)


def build_people(needs: PeopleNeeds, plans: PlanService, limits: PlanLimits) -> PeopleParts:
    """Builds them; nothing runs yet."""
    database, clock, announce = needs.database, needs.clock, needs.announce
    identity = needs.identity
    return PeopleParts(
        plans=plans,
        limits=limits,
        organizations=Organizations(database, clock, announce, limits, product_ids_of),
        teams=Teams(database, clock, announce, limits),
        invitations=Invitations(
            database,
            clock,
            identity,
            limits,
            product_ids_of,
            announce,
            needs.mailbox,
            needs.origin,
        ),
        api_users=ApiUsers(database, clock, announce, limits, identity.forget),
        clients=OAuthClients(database, clock, announce, identity),
        customers=Customers(database, clock, identity, release_of_customer, announce),
        authorizations=Authorizations(database, clock, identity),
        moves=ProductMoves(database, clock, announce, limits),
        agreements=Agreements(database, limits),
        ownership=OwnershipHistory(database, needs.devices),
        box=needs.box,
    )
