"""The values of this room: plans, teams, members, invitations."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from roadstead.identity.permissions import Role

PlanName = Literal["developer", "product", "enterprise"]
"""From the smallest to the largest. Source: particle cloud notes §5.1."""

PLAN_NAMES: tuple[PlanName, ...] = get_args(PlanName)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who has products and is on a plan: a person or an organization, never both.

    Attributes:
        user_id, organization_id: 24 hex digits; one of them is None.
    """

    user_id: str | None = None
    organization_id: str | None = None

    @property
    def id(self) -> str:
        """The one id of the two."""
        owner_id = self.user_id or self.organization_id
        assert owner_id is not None
        return owner_id


@dataclass(frozen=True, slots=True)
class Organization:
    """A container of products with a team and a plan of its own.

    Attributes:
        id: 24 hex digits.
        slug: unique; stands for the id in paths.
        owner_id: user id of its one owner.
        mfa_required: members without a second factor may do nothing here.
    """

    id: str
    slug: str
    name: str
    owner_id: str
    mfa_required: bool
    created_at: datetime

    @property
    def team(self) -> str:
        """Key of its team."""
        return team_of_organization(self.id)

    @property
    def owner(self) -> Owner:
        """Itself, as who owns products."""
        return Owner(organization_id=self.id)


def team_of_organization(organization_id: str) -> str:
    """Key of an organization's team: what the audit trail calls the organization."""
    return f"organization/{organization_id}"


def team_of_product(product_id: int) -> str:
    """Key of a product's team: what the audit trail calls the product."""
    return f"product/{product_id}"


@dataclass(frozen=True, slots=True)
class Member:
    """A person on a team.

    Attributes:
        username: e-mail address.
        has_mfa: whether they sign in with a second factor.
    """

    user_id: str
    username: str
    role: Role
    has_mfa: bool
    has_password: bool = True


@dataclass(frozen=True, slots=True)
class ApiUser:
    """A program on a team.

    Attributes:
        username: as the field writes it, ``name+random@api.particle.io``.
        product_id: of a product's team; None for one of an organization.
    """

    id: str
    username: str
    friendly_name: str
    scopes: frozenset[str]
    product_id: int | None


@dataclass(frozen=True, slots=True)
class Invitation:
    """Somebody was asked to join a team, and has not answered.

    Attributes:
        id: 24 hex digits.
        team: key of the team.
        team_name: of the product or organization, as it was then.
        email: whom the letter went to.
        invited_by: user id.
        token_digest: SHA-256 of the secret in the letter.
    """

    id: str
    team: str
    team_name: str
    email: str
    role: Role
    invited_by: str
    token_digest: bytes
    created_at: datetime
    expires_at: datetime
