"""Builds what tells people of things, and says who they are."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from roadstead.http.metrics import Sample
from roadstead.identity.model import AccountKind, Actor, User
from roadstead.identity.permissions import TEAM_ROLES, Role
from roadstead.identity.store import find_user
from roadstead.kit.clock import Clock
from roadstead.notifications import store
from roadstead.notifications.courier import Courier
from roadstead.notifications.letters import read_templates
from roadstead.notifications.model import NoticeOwner
from roadstead.notifications.service import Notices
from roadstead.organizations import organization_store, team_store
from roadstead.organizations.model import team_of_organization, team_of_product
from roadstead.outbound.http_client import HttpClient
from roadstead.outbound.mail import MailSender
from roadstead.products.store import find_product
from roadstead.storage.database import Database
from roadstead.storage.secret_box import SecretBox

TOLD_ROLES = (Role.OWNER, Role.ADMINISTRATOR)
"""Who on a team gets letters."""


@dataclass(frozen=True, slots=True)
class Noticing:
    """Notices and what carries them out."""

    notices: Notices
    courier: Courier

    def samples(self) -> Iterable[Sample]:
        """Numbers for ``/metrics``."""
        words = "Ways by which notices went to people."
        for outcome, value in (("sent", self.courier.sent), ("failed", self.courier.failed)):
            labels = {"outcome": outcome}
            yield Sample("roadstead_notices_total", words, "counter", value, labels)


def build_noticing(
    database: Database,
    clock: Clock,
    box: SecretBox,
    sender: MailSender,
    client: HttpClient,
    origin: Callable[[], str],
    own_templates: Path,
    *,
    scale: float = 1.0,
) -> Noticing:
    """Builds the parts; nothing runs yet.

    Args:
        database: where notices are kept.
        clock: for quiet times.
        box: seals preferences.
        sender: hands letters over.
        client: sends requests.
        origin: gives the origin under which people reach this server.
        own_templates: the operator's file of words; it need not exist.
        scale: shrinks the pauses between attempts; 1 in a real server.
    """
    templates = read_templates(own_templates)
    courier = Courier(database, clock, box, sender, client, templates, origin, scale=scale)
    return Noticing(Notices(database, clock, box, addresses_of, courier.wake), courier)


def addresses_of(conn: Connection, owner: NoticeOwner) -> Sequence[str]:
    """Addresses of the people behind an owner; fills the port ``notifications.Addresses``."""
    if owner.kind == "user":
        return _address(conn, owner.id)
    if owner.kind == "organization":
        return _of_organization(conn, owner.id)
    product = find_product(conn, int(owner.id))
    if product is None:
        return []
    found = [*_of_team(conn, team_of_product(product.id))]
    if product.owner.user_id is not None:
        found += _address(conn, product.owner.user_id)
    if product.owner.organization_id is not None:
        found += _of_organization(conn, product.owner.organization_id)
    return found


def people_of_product(conn: Connection, product_id: int) -> Sequence[str]:
    """Addresses of everybody who may see a product; fills ``alerting.people.PeopleOf``."""
    product = find_product(conn, product_id)
    if product is None:
        return []
    found = [*_of_team(conn, team_of_product(product.id), TEAM_ROLES)]
    if product.owner.user_id is not None:
        found += _address(conn, product.owner.user_id)
    if product.owner.organization_id is not None:
        found += _of_organization(conn, product.owner.organization_id, TEAM_ROLES)
    return found


def forget_notices(
    conn: Connection, user: User, actor: Actor, at: datetime
) -> Sequence[tuple[str, str]]:
    """Forgets the notices of an account that ends, within that transaction."""
    store.delete_owner(conn, NoticeOwner("user", user.id))
    return ()


def _of_organization(
    conn: Connection, organization_id: str, roles: Sequence[Role] = TOLD_ROLES
) -> list[str]:
    found = _of_team(conn, team_of_organization(organization_id), roles)
    organization = organization_store.find_organization(conn, organization_id)
    return [*found, *(_address(conn, organization.owner_id) if organization else [])]


def _of_team(conn: Connection, team: str, roles: Sequence[Role] = TOLD_ROLES) -> list[str]:
    members = team_store.list_members(conn, team)
    return [member.username for member in members if member.role in roles]


def _address(conn: Connection, user_id: str) -> list[str]:
    user = find_user(conn, user_id)
    return [user.username] if user and user.kind is AccountKind.PERSON else []
