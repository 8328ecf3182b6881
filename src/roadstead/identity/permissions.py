"""THE permission table: which role may do what, and the pure question ``allows``.

Every operation of the API names one permission of this module. The names are those of the field's
API scopes, so that an API user's scopes and a person's rights are the same words; the few of our
own stand in their own blocks.

Whoever asks has a role for the owner of the thing (``organizations.authority`` gathers it from
teams), and the role has permissions. Programs, clients and customers have roles of their own; the
scopes of their account or token then say which of those permissions are left.

Source: particle cloud notes §1.8 to §1.11, §2.12, §3.5.
"""

from enum import StrEnum

from roadstead.identity.model import AccountKind, Actor


class Permission(StrEnum):
    """One right, named ``area:verb`` as in the field's API scopes."""

    DEVICES_LIST = "devices:list"
    DEVICES_GET = "devices:get"
    DEVICES_IMPORT = "devices:import"
    DEVICES_UPDATE = "devices:update"
    DEVICES_REMOVE = "devices:remove"
    DEVICES_RELEASE = "devices:release"
    DEVICES_PING = "devices:ping"
    DEVICES_VARIABLE_GET = "devices.variable:get"
    DEVICES_FUNCTION_CALL = "devices.function:call"
    DEVICES_DIAGNOSTICS_GET = "devices.diagnostics:get"
    DEVICES_DIAGNOSTICS_UPDATE = "devices.diagnostics:update"
    EVENTS_GET = "events:get"
    EVENTS_SEND = "events:send"
    FIRMWARE_LIST = "firmware:list"
    FIRMWARE_GET = "firmware:get"
    FIRMWARE_CREATE = "firmware:create"
    FIRMWARE_UPDATE = "firmware:update"
    FIRMWARE_RELEASE = "firmware:release"
    FIRMWARE_REMOVE = "firmware:remove"
    FIRMWARE_BINARY_GET = "firmware.binary:get"
    GROUPS_LIST = "groups:list"
    GROUPS_GET = "groups:get"
    GROUPS_CREATE = "groups:create"
    GROUPS_UPDATE = "groups:update"
    GROUPS_REMOVE = "groups:remove"
    GROUPS_IMPACT_GET = "groups.impact:get"
    CUSTOMERS_LIST = "customers:list"
    CUSTOMERS_CREATE = "customers:create"
    CUSTOMERS_UPDATE = "customers:update"
    CUSTOMERS_REMOVE = "customers:remove"
    CLIENTS_LIST = "clients:list"
    CLIENTS_CREATE = "clients:create"
    CLIENTS_UPDATE = "clients:update"
    CLIENTS_REMOVE = "clients:remove"
    INTEGRATIONS_LIST = "integrations:list"
    INTEGRATIONS_GET = "integrations:get"
    INTEGRATIONS_CREATE = "integrations:create"
    INTEGRATIONS_UPDATE = "integrations:update"
    INTEGRATIONS_REMOVE = "integrations:remove"
    INTEGRATIONS_TEST = "integrations:test"
    TEAM_LIST = "teams.users:list"
    TEAM_INVITE = "teams.users:invite"
    TEAM_UPDATE = "teams.users:update"
    TEAM_REMOVE = "teams.users:remove"
    METRICS_ONLINE_GET = "metrics.online:get"
    METRICS_EVENTS_GET = "metrics.events:get"
    METRICS_INTEGRATIONS_GET = "metrics.integrations:get"
    METRICS_FUNCTIONS_GET = "metrics.functions:get"
    METRICS_VARIABLES_GET = "metrics.variables:get"
    SIMS_LIST = "sims:list"
    SIMS_GET = "sims:get"
    SIMS_IMPORT = "sims:import"
    SIMS_UPDATE = "sims:update"
    SIMS_REMOVE = "sims:remove"
    SIMS_STATUS_GET = "sims.status:get"
    SIMS_USAGE_GET = "sims.usage:get"
    CONFIGURATION_GET = "configuration:get"
    CONFIGURATION_UPDATE = "configuration:update"
    LOCATIONS_GET = "locations:get"
    LEDGER_DEFINITIONS_LIST = "ledger.definitions:list"
    LEDGER_DEFINITIONS_GET = "ledger.definitions:get"
    LEDGER_DEFINITIONS_CREATE = "ledger.definitions:create"
    LEDGER_DEFINITIONS_UPDATE = "ledger.definitions:update"
    LEDGER_DEFINITIONS_ARCHIVE = "ledger.definitions:archive"
    LEDGER_INSTANCES_LIST = "ledger.instances:list"
    LEDGER_INSTANCES_GET = "ledger.instances:get"
    LEDGER_INSTANCES_SET = "ledger.instances:set"
    LEDGER_INSTANCES_REMOVE = "ledger.instances:remove"
    LEDGER_VERSIONS_LIST = "ledger.instances.versions:list"
    LEDGER_VERSIONS_GET = "ledger.instances.versions:get"
    LOGIC_FUNCTIONS_LIST = "logic.functions:list"
    LOGIC_FUNCTIONS_GET = "logic.functions:get"
    LOGIC_FUNCTIONS_CREATE = "logic.functions:create"
    LOGIC_FUNCTIONS_UPDATE = "logic.functions:update"
    LOGIC_FUNCTIONS_REMOVE = "logic.functions:remove"
    LOGIC_FUNCTIONS_EXECUTE = "logic.functions:execute"
    LOGIC_RUNS_LIST = "logic.runs:list"
    LOGIC_RUNS_GET = "logic.runs:get"
    LOGIC_LOGS_LIST = "logic.logs:list"
    LOGIC_STATS_LIST = "logic.stats:list"
    ORGANIZATION_GET = "organization:get"
    PRODUCTS_LIST = "products:list"
    PRODUCTS_GET = "products:get"
    AGREEMENTS_LIST = "service_agreements:list"
    AGREEMENTS_USAGE_GET = "service_agreements.usage_summary:get"
    AGREEMENTS_PRICING_GET = "service_agreements.pricing_terms:get"
    AGREEMENTS_REPORTS_GET = "service_agreements.usage_reports:get"
    AGREEMENTS_REPORTS_CREATE = "service_agreements.usage_reports:create"
    AGREEMENTS_NOTIFICATIONS_LIST = "service_agreements.notifications:list"

    # Ours: on what somebody owns.
    DEVICES_SIGNAL = "devices:signal"
    PRODUCTS_CREATE = "products:create"
    PRODUCTS_UPDATE = "products:update"
    PRODUCTS_REMOVE = "products:remove"
    PRODUCTS_MOVE = "products:move"
    ORGANIZATION_UPDATE = "organization:update"
    ORGANIZATION_REMOVE = "organization:remove"
    AUDIT_GET = "audit:get"
    METRICS_HEALTH_GET = "metrics.health:get"
    HEALTH_THRESHOLDS_GET = "health_thresholds:get"
    HEALTH_THRESHOLDS_UPDATE = "health_thresholds:update"
    ROLLOUTS_GET = "rollouts:get"
    ROLLOUTS_CREATE = "rollouts:create"
    ROLLOUTS_UPDATE = "rollouts:update"
    ALERTS_GET = "alerts:get"
    ALERTS_UPDATE = "alerts:update"
    ALERT_RULES_UPDATE = "alert_rules:update"

    # Ours: on one's own account.
    ACCOUNT_GET = "account:get"
    ACCOUNT_UPDATE = "account:update"
    ACCOUNT_DELETE = "account:delete"
    ACCOUNT_TOKENS_LIST = "account.tokens:list"
    ACCOUNT_TOKENS_REVOKE = "account.tokens:revoke"
    DEVICES_CLAIM = "devices:claim"
    DEVICES_PROVISION = "devices:provision"
    ORGANIZATIONS_LIST = "organizations:list"
    ORGANIZATIONS_CREATE = "organizations:create"
    INVITATIONS_DECIDE = "invitations:decide"

    # Ours: of everybody who holds a token.
    TOKEN_GET = "token:get"  # noqa: S105
    TOKEN_REVOKE = "token:revoke"  # noqa: S105
    CLAIM_CODES_CREATE = "claim_codes:create"

    # Ours: on the whole server.
    SERVER_METRICS_GET = "server.metrics:get"
    SERVER_STATUS_GET = "server.status:get"
    SERVER_USERS_LIST = "server.users:list"
    SERVER_USERS_CREATE = "server.users:create"
    SERVER_PLANS_SET = "server.plans:set"


class Role(StrEnum):
    """What an actor is to an owner (themselves, a product or an organization)."""

    OWNER = "Owner"
    ADMINISTRATOR = "Administrator"
    DEVELOPER = "Developer"
    SUPPORT = "Support"
    VIEW_ONLY = "View-only"
    PROGRAM = "Program"
    CUSTOMER = "Customer"


TEAM_ROLES = (Role.ADMINISTRATOR, Role.DEVELOPER, Role.SUPPORT, Role.VIEW_ONLY)
"""The roles that can be given to a member of a team, from most to least."""


LADDER = (Role.VIEW_ONLY, Role.SUPPORT, Role.DEVELOPER, Role.ADMINISTRATOR, Role.OWNER)
"""Roles of people, from least to most."""

P = Permission

ACCOUNT_PERMISSIONS = frozenset(
    {
        P.ACCOUNT_GET,
        P.ACCOUNT_UPDATE,
        P.ACCOUNT_DELETE,
        P.ACCOUNT_TOKENS_LIST,
        P.ACCOUNT_TOKENS_REVOKE,
        P.DEVICES_CLAIM,
        P.DEVICES_PROVISION,
        P.ORGANIZATIONS_LIST,
        P.ORGANIZATIONS_CREATE,
        P.INVITATIONS_DECIDE,
    }
)
"""What every signed-in person may ask for; the service still checks the thing itself."""

TOKEN_PERMISSIONS = frozenset({P.TOKEN_GET, P.TOKEN_REVOKE})
"""What every holder of a token may do with that token, whatever its scopes."""

CUSTOMER_PERMISSIONS = frozenset(
    {
        *(P.DEVICES_LIST, P.DEVICES_GET, P.DEVICES_VARIABLE_GET, P.DEVICES_FUNCTION_CALL),
        P.CLAIM_CODES_CREATE,
    }
)
"""What a customer may do with their own devices. Source: particle cloud notes §1.9."""

SERVER_PERMISSIONS = frozenset(
    {
        *(P.SERVER_METRICS_GET, P.SERVER_STATUS_GET),
        *(P.SERVER_USERS_LIST, P.SERVER_USERS_CREATE, P.SERVER_PLANS_SET),
    }
)
"""What only administrators of the whole server may do."""

_VIEW = frozenset(
    {
        *(P.DEVICES_LIST, P.DEVICES_GET, P.DEVICES_DIAGNOSTICS_GET, P.EVENTS_GET),
        *(P.FIRMWARE_LIST, P.FIRMWARE_GET, P.FIRMWARE_BINARY_GET),
        *(P.GROUPS_LIST, P.GROUPS_GET, P.GROUPS_IMPACT_GET),
        *(P.CUSTOMERS_LIST, P.CLIENTS_LIST, P.INTEGRATIONS_LIST, P.INTEGRATIONS_GET, P.TEAM_LIST),
        *(P.METRICS_ONLINE_GET, P.METRICS_EVENTS_GET, P.METRICS_INTEGRATIONS_GET),
        *(P.METRICS_FUNCTIONS_GET, P.METRICS_VARIABLES_GET, P.ROLLOUTS_GET),
        *(P.METRICS_HEALTH_GET, P.HEALTH_THRESHOLDS_GET, P.ALERTS_GET),
        *(P.SIMS_LIST, P.SIMS_GET, P.SIMS_STATUS_GET, P.SIMS_USAGE_GET),
        *(P.CONFIGURATION_GET, P.LOCATIONS_GET),
        *(P.LEDGER_DEFINITIONS_LIST, P.LEDGER_DEFINITIONS_GET),
        *(P.LEDGER_INSTANCES_LIST, P.LEDGER_INSTANCES_GET),
        *(P.LEDGER_VERSIONS_LIST, P.LEDGER_VERSIONS_GET),
        *(P.LOGIC_FUNCTIONS_LIST, P.LOGIC_FUNCTIONS_GET, P.LOGIC_RUNS_LIST, P.LOGIC_RUNS_GET),
        *(P.LOGIC_LOGS_LIST, P.LOGIC_STATS_LIST),
        *(P.ORGANIZATION_GET, P.PRODUCTS_LIST, P.PRODUCTS_GET),
    }
)

_SUPPORT = _VIEW | {
    *(P.DEVICES_PING, P.DEVICES_SIGNAL, P.DEVICES_VARIABLE_GET, P.DEVICES_FUNCTION_CALL),
    *(P.DEVICES_DIAGNOSTICS_UPDATE, P.SIMS_IMPORT, P.SIMS_UPDATE, P.SIMS_REMOVE),
    P.ALERTS_UPDATE,
}

_DEVELOPER = _SUPPORT | {
    *(P.DEVICES_IMPORT, P.DEVICES_UPDATE, P.DEVICES_REMOVE, P.DEVICES_RELEASE, P.EVENTS_SEND),
    *(P.FIRMWARE_CREATE, P.FIRMWARE_UPDATE, P.FIRMWARE_RELEASE, P.FIRMWARE_REMOVE),
    *(P.ROLLOUTS_CREATE, P.ROLLOUTS_UPDATE, P.HEALTH_THRESHOLDS_UPDATE),
    P.ALERT_RULES_UPDATE,
    *(P.GROUPS_CREATE, P.GROUPS_UPDATE, P.GROUPS_REMOVE),
    *(P.CUSTOMERS_CREATE, P.CUSTOMERS_UPDATE, P.CUSTOMERS_REMOVE),
    *(P.CLIENTS_CREATE, P.CLIENTS_UPDATE, P.CLIENTS_REMOVE),
    *(P.INTEGRATIONS_CREATE, P.INTEGRATIONS_UPDATE, P.INTEGRATIONS_REMOVE, P.INTEGRATIONS_TEST),
    *(P.CONFIGURATION_UPDATE, P.PRODUCTS_CREATE),
    *(P.LEDGER_DEFINITIONS_CREATE, P.LEDGER_DEFINITIONS_UPDATE, P.LEDGER_DEFINITIONS_ARCHIVE),
    *(P.LEDGER_INSTANCES_SET, P.LEDGER_INSTANCES_REMOVE),
    *(P.LOGIC_FUNCTIONS_CREATE, P.LOGIC_FUNCTIONS_UPDATE, P.LOGIC_FUNCTIONS_REMOVE),
    *(P.LOGIC_FUNCTIONS_EXECUTE, P.CLAIM_CODES_CREATE),
}

_ADMINISTRATOR = _DEVELOPER | {
    *(P.TEAM_INVITE, P.TEAM_UPDATE, P.TEAM_REMOVE, P.PRODUCTS_UPDATE),
    *(P.AGREEMENTS_LIST, P.AGREEMENTS_USAGE_GET, P.AGREEMENTS_PRICING_GET),
    *(P.AGREEMENTS_REPORTS_GET, P.AGREEMENTS_REPORTS_CREATE, P.AGREEMENTS_NOTIFICATIONS_LIST),
    *(P.ORGANIZATION_UPDATE, P.AUDIT_GET),
}

_OWNER = _ADMINISTRATOR | {
    *(P.ORGANIZATION_REMOVE, P.PRODUCTS_REMOVE, P.PRODUCTS_MOVE),
}

_PROGRAM = _ADMINISTRATOR - {
    *(P.TEAM_INVITE, P.TEAM_UPDATE, P.TEAM_REMOVE, P.ORGANIZATION_UPDATE),
    # A program owns no devices.
    P.CLAIM_CODES_CREATE,
}

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(_OWNER),
    Role.ADMINISTRATOR: frozenset(_ADMINISTRATOR),
    Role.DEVELOPER: frozenset(_DEVELOPER),
    Role.SUPPORT: frozenset(_SUPPORT),
    Role.VIEW_ONLY: _VIEW,
    Role.PROGRAM: frozenset(_PROGRAM),
    Role.CUSTOMER: CUSTOMER_PERMISSIONS,
}
"""What each role may do with what the owner has. That nobody may remove or demote an owner is a
rule of the team and not a permission."""

SCOPES = frozenset(_PROGRAM) | {P.TEAM_INVITE, P.TEAM_UPDATE, P.TEAM_REMOVE}
"""What can be named as a scope of an API user. Those that change a team are words of the field's
list and give nothing, because an API user never administers. Source: particle cloud notes §3.5."""


def rights_of(actor: Actor, role: Role | None) -> frozenset[Permission]:
    """All that ``actor`` may do with the things of an owner.

    Args:
        actor: the one who asks.
        role: what the actor is to that owner; for "my devices" and "my account" what
            ``role_for_oneself`` gives; None for a stranger.
    """
    if not actor.user_id:
        return frozenset(Permission) if actor.is_admin else frozenset()
    if role is None:
        return frozenset()
    given = ROLE_PERMISSIONS[role]
    if role is Role.OWNER and actor.kind is AccountKind.PERSON:
        given |= ACCOUNT_PERMISSIONS
    return given if actor.scopes is None else given & actor.scopes


def allows(actor: Actor, permission: Permission, *, role: Role | None) -> bool:
    """Whether ``actor`` may do this with something of an owner, or with the server, or its token.

    Args:
        actor: the one who asks.
        permission: the right that the operation names.
        role: as in ``rights_of``.
    """
    if actor.user_id and permission in TOKEN_PERMISSIONS:
        return True
    if actor.user_id and permission in SERVER_PERMISSIONS:
        return actor.is_admin
    return permission in rights_of(actor, role)


def role_for_oneself(actor: Actor) -> Role | None:
    """What an actor is to the things of their own account; None where there are none."""
    if actor.kind is AccountKind.PERSON:
        return Role.OWNER
    return Role.CUSTOMER if actor.kind is AccountKind.CUSTOMER else None
