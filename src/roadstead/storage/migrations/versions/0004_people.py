"""Organizations, teams, API users, customers, OAuth clients; what a token gives.

Revision: 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

from roadstead.storage.columns import Json, UtcTimestamp

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables, and tells more of accounts, tokens, claim codes and audit rows."""
    _accounts()
    _teams()
    _clients()
    op.add_column("claim_codes", sa.Column("product_id", sa.Integer(), nullable=True))
    op.add_column("audit_rows", sa.Column("scope", sa.Text(), nullable=True))
    op.create_index(op.f("ix_audit_rows_scope"), "audit_rows", ["scope"])


def _accounts() -> None:
    kind = sa.Column("kind", sa.Text(), nullable=False, server_default="person")
    op.add_column("users", kind)
    op.add_column("users", sa.Column("product_id", sa.Integer(), nullable=True))
    op.add_column("users", sa.Column("organization_id", sa.String(length=24), nullable=True))
    op.add_column("users", sa.Column("scopes", Json(), nullable=True))
    op.create_index(op.f("ix_users_product_id"), "users", ["product_id"])
    op.create_index(op.f("ix_users_organization_id"), "users", ["organization_id"])
    for table in ("access_tokens", "refresh_tokens"):
        op.add_column(table, sa.Column("kind", sa.Text(), nullable=True))
        op.add_column(table, sa.Column("scopes", Json(), nullable=True))
        op.add_column(table, sa.Column("product_id", sa.Integer(), nullable=True))
    op.create_table(
        "customers",
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.String(length=24), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        _of_a_user("customers", "user_id"),
        sa.PrimaryKeyConstraint("product_id", "user_id", name=op.f("pk_customers")),
    )
    op.create_index(op.f("ix_customers_user_id"), "customers", ["user_id"])
    op.create_index(op.f("ix_customers_product_id_email"), "customers", ["product_id", "email"])


def _teams() -> None:
    op.create_table(
        "organizations",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.String(length=24), nullable=False),
        sa.Column("mfa_required", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations")),
        sa.UniqueConstraint("slug", name=op.f("uq_organizations_slug")),
    )
    op.create_index(op.f("ix_organizations_owner_id"), "organizations", ["owner_id"])
    op.create_table(
        "team_members",
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("user_id", sa.String(length=24), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("joined_at", UtcTimestamp(), nullable=False),
        _of_a_user("team_members", "user_id"),
        sa.PrimaryKeyConstraint("team", "user_id", name=op.f("pk_team_members")),
    )
    op.create_index(op.f("ix_team_members_user_id"), "team_members", ["user_id"])
    op.create_table(
        "team_invitations",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("invited_by", sa.String(length=24), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        sa.Column("expires_at", UtcTimestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team_invitations")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_team_invitations_token_digest")),
        sa.UniqueConstraint("team", "email", name=op.f("uq_team_invitations_team_email")),
    )
    op.create_index(op.f("ix_team_invitations_email"), "team_invitations", ["email"])


def _clients() -> None:
    op.create_table(
        "oauth_clients",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("account_id", sa.String(length=24), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=True),
        sa.Column("redirect_uri", sa.Text(), nullable=True),
        sa.Column("scopes", Json(), nullable=True),
        sa.Column("secret_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        _of_a_user("oauth_clients", "account_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_clients")),
    )
    op.create_index(op.f("ix_oauth_clients_account_id"), "oauth_clients", ["account_id"])
    op.create_index(op.f("ix_oauth_clients_product_id"), "oauth_clients", ["product_id"])
    op.create_table(
        "authorization_codes",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.String(length=24), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("challenge", sa.Text(), nullable=False),
        sa.Column("password_version", sa.Integer(), nullable=False),
        sa.Column("expires_at", UtcTimestamp(), nullable=False),
        _of_a_user("authorization_codes", "user_id"),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["oauth_clients.id"],
            name=op.f("fk_authorization_codes_client_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_authorization_codes")),
    )
    op.create_index(op.f("ix_authorization_codes_user_id"), "authorization_codes", ["user_id"])
    op.create_index(op.f("ix_authorization_codes_client_id"), "authorization_codes", ["client_id"])


def _of_a_user(table: str, column: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], ["users.id"], name=name, ondelete="CASCADE")
