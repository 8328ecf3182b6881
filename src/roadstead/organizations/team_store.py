"""The tables ``team_members`` and ``team_invitations`` and their queries.

A team is named by its key, ``organization/ID`` or ``product/ID``; every query takes it first.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    LargeBinary,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from roadstead.identity.model import AccountKind
from roadstead.identity.permissions import Role
from roadstead.identity.safety_store import second_factors
from roadstead.identity.store import scopes_as_read, users
from roadstead.organizations.model import ApiUser, Invitation, Member
from roadstead.storage.columns import UtcTimestamp, metadata

team_members = Table(
    "team_members",
    metadata,
    Column("team", Text, primary_key=True),
    Column("user_id", String(24), ForeignKey(users.c.id, ondelete="CASCADE"), primary_key=True),
    Column("role", Text, nullable=False),
    Column("joined_at", UtcTimestamp, nullable=False),
    Index(None, "user_id"),
)

team_invitations = Table(
    "team_invitations",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("team", Text, nullable=False),
    Column("team_name", Text, nullable=False, server_default=""),
    Column("email", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("invited_by", String(24), nullable=False),
    Column("token_digest", LargeBinary(32), nullable=False, unique=True),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("expires_at", UtcTimestamp, nullable=False),
    UniqueConstraint("team", "email"),
    Index(None, "email"),
)

_M = team_members.c
_I = team_invitations.c


def insert_member(conn: Connection, team: str, user_id: str, role: Role, at: datetime) -> None:
    """Adds a member; who is one already violates the primary key."""
    conn.execute(
        insert(team_members).values(team=team, user_id=user_id, role=role.value, joined_at=at)
    )


def find_role(conn: Connection, team: str, user_id: str) -> Role | None:
    """The role of a user on a team."""
    role = conn.scalar(select(_M.role).where(_M.team == team, _M.user_id == user_id))
    return None if role is None else Role(role)


def list_roles(conn: Connection, user_id: str) -> dict[str, Role]:
    """All teams of a user, by key, with the role on each."""
    rows = conn.execute(select(_M.team, _M.role).where(_M.user_id == user_id))
    return {row.team: Role(row.role) for row in rows}


def list_members(conn: Connection, team: str) -> list[Member]:
    """The members of a team, in the order in which they joined."""
    query = (
        select(
            *(_M.user_id, _M.role, users.c.username, users.c.password_hash),
            second_factors.c.user_id.label("factor_of"),
        )
        .join(users, users.c.id == _M.user_id)
        .outerjoin(second_factors, second_factors.c.user_id == _M.user_id)
        .where(_M.team == team)
        .order_by(_M.joined_at, _M.user_id)
    )
    return [
        Member(
            user_id=row.user_id,
            username=row.username,
            role=Role(row.role),
            has_mfa=row.factor_of is not None,
            has_password=row.password_hash is not None,
        )
        for row in conn.execute(query)
    ]


def update_role(conn: Connection, team: str, user_id: str, role: Role) -> bool:
    """Gives a member another role; False when they are none."""
    changed = conn.execute(
        update(team_members).where(_M.team == team, _M.user_id == user_id).values(role=role.value)
    )
    return changed.rowcount == 1


def delete_member(conn: Connection, team: str, user_id: str) -> bool:
    """Removes a member; False when they are none."""
    gone = delete(team_members).where(_M.team == team, _M.user_id == user_id)
    return conn.execute(gone).rowcount == 1


def delete_member_by_name(conn: Connection, team: str, username: str) -> None:
    """Removes the member with this e-mail address."""
    wanted = select(users.c.id).where(users.c.username == username)
    conn.execute(delete(team_members).where(_M.team == team, _M.user_id.in_(wanted)))


def delete_memberships(conn: Connection, user_id: str, teams: list[str]) -> list[str]:
    """Removes a user from those of the teams that they are on; gives these."""
    gone = delete(team_members).where(_M.user_id == user_id, _M.team.in_(teams))
    return [row.team for row in conn.execute(gone.returning(_M.team))]


def delete_team(conn: Connection, team: str) -> list[str]:
    """Removes all members and invitations of a team; gives the user ids of the members."""
    conn.execute(delete(team_invitations).where(_I.team == team))
    gone = delete(team_members).where(_M.team == team)
    return [row.user_id for row in conn.execute(gone.returning(_M.user_id))]


def put_invitation(conn: Connection, invitation: Invitation) -> None:
    """Keeps an invitation in place of an earlier one of the same person to the same team."""
    conn.execute(
        delete(team_invitations).where(_I.team == invitation.team, _I.email == invitation.email)
    )
    conn.execute(
        insert(team_invitations).values(
            id=invitation.id,
            team=invitation.team,
            team_name=invitation.team_name,
            email=invitation.email,
            role=invitation.role.value,
            invited_by=invitation.invited_by,
            token_digest=invitation.token_digest,
            created_at=invitation.created_at,
            expires_at=invitation.expires_at,
        )
    )


def count_invitations(conn: Connection, team: str, *, at: datetime) -> int:
    """How many valid invitations to a team wait."""
    query = select(func.count()).where(_I.team == team, _I.expires_at > at)
    return int(conn.scalar(query.select_from(team_invitations)) or 0)


def find_invitation(conn: Connection, invitation_id: str) -> Invitation | None:
    """The invitation with this id, expired or not."""
    return _first(conn, _I.id == invitation_id)


def find_invitation_by_token(conn: Connection, digest: bytes) -> Invitation | None:
    """The invitation whose letter has this token, expired or not."""
    return _first(conn, _I.token_digest == digest)


def find_invitation_of(conn: Connection, team: str, email: str) -> Invitation | None:
    """The invitation of this person to this team, expired or not."""
    return _first(conn, (_I.team == team) & (_I.email == email))


def list_invitations(conn: Connection, team: str, *, at: datetime) -> list[Invitation]:
    """Valid invitations to a team, oldest first."""
    return _list(conn, (_I.team == team) & (_I.expires_at > at))


def list_invitations_to(conn: Connection, email: str, *, at: datetime) -> list[Invitation]:
    """Valid invitations of a person, oldest first."""
    return _list(conn, (_I.email == email) & (_I.expires_at > at))


def delete_invitation(conn: Connection, invitation_id: str) -> bool:
    """Removes an invitation; False when it is gone already."""
    gone = delete(team_invitations).where(_I.id == invitation_id)
    return conn.execute(gone).rowcount == 1


def list_api_users(
    conn: Connection, *, organization_id: str | None = None, product_ids: list[int] | None = None
) -> list[ApiUser]:
    """The API users of an organization and of these products, oldest first."""
    on_product = users.c.product_id.in_(product_ids or [])
    on_either = or_(on_product, users.c.organization_id == organization_id)
    query = (
        select(users)
        .where(users.c.kind == AccountKind.API_USER.value)
        .where(on_product if organization_id is None else on_either)
        .order_by(users.c.created_at, users.c.id)
    )
    return [_to_api_user(row) for row in conn.execute(query)]


def _to_api_user(row: Row[Any]) -> ApiUser:
    return ApiUser(
        id=row.id,
        username=row.username.rpartition(":")[2],
        friendly_name=str(row.account_info.get("friendly_name", "")),
        scopes=scopes_as_read(row.scopes) or frozenset(),
        product_id=row.product_id,
    )


def _first(conn: Connection, wanted: Any) -> Invitation | None:
    row = conn.execute(select(team_invitations).where(wanted)).first()
    return None if row is None else _to_invitation(row)


def _list(conn: Connection, wanted: Any) -> list[Invitation]:
    query = select(team_invitations).where(wanted).order_by(_I.created_at, _I.id)
    return [_to_invitation(row) for row in conn.execute(query)]


def _to_invitation(row: Row[Any]) -> Invitation:
    return Invitation(
        id=row.id,
        team=row.team,
        team_name=row.team_name,
        email=row.email,
        role=Role(row.role),
        invited_by=row.invited_by,
        token_digest=bytes(row.token_digest),
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
