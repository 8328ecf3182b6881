"""The permission table against the role matrix of the field."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.identity.model import OPERATOR, AccountKind, Actor
from roadstead.identity.permissions import (
    ACCOUNT_PERMISSIONS,
    ROLE_PERMISSIONS,
    SCOPES,
    SERVER_PERMISSIONS,
    TOKEN_PERMISSIONS,
    Permission,
    Role,
    allows,
    role_for_oneself,
)

JO = Actor(user_id="a" * 24, username="jo@example.com")
ADMIN = Actor(user_id="b" * 24, username="root@example.com", is_admin=True)
API_USER = Actor(
    user_id="c" * 24,
    username="ci+ab12@api.particle.io",
    kind=AccountKind.API_USER,
    scopes=frozenset({"devices:list"}),
)
CUSTOMER = Actor(user_id="d" * 24, username="jane@example.com", kind=AccountKind.CUSTOMER)

# One row of the matrix: a permission that stands for the capability, and the roles that have it.
ALL = (Role.OWNER, Role.ADMINISTRATOR, Role.DEVELOPER, Role.SUPPORT, Role.VIEW_ONLY)
MATRIX = [
    (Permission.DEVICES_LIST, ALL),
    (Permission.TEAM_LIST, ALL),
    (Permission.EVENTS_GET, ALL),
    (Permission.DEVICES_DIAGNOSTICS_GET, ALL),
    (Permission.DEVICES_DIAGNOSTICS_UPDATE, ALL[:4]),
    (Permission.DEVICES_PING, ALL[:4]),
    (Permission.DEVICES_SIGNAL, ALL[:4]),
    (Permission.DEVICES_VARIABLE_GET, ALL[:4]),
    (Permission.DEVICES_FUNCTION_CALL, ALL[:4]),
    (Permission.SIMS_UPDATE, ALL[:4]),
    (Permission.DEVICES_UPDATE, ALL[:3]),
    (Permission.DEVICES_IMPORT, ALL[:3]),
    (Permission.DEVICES_RELEASE, ALL[:3]),
    (Permission.FIRMWARE_RELEASE, ALL[:3]),
    (Permission.GROUPS_CREATE, ALL[:3]),
    (Permission.INTEGRATIONS_CREATE, ALL[:3]),
    (Permission.CLIENTS_REMOVE, ALL[:3]),
    (Permission.EVENTS_SEND, ALL[:3]),
    (Permission.CONFIGURATION_UPDATE, ALL[:3]),
    (Permission.PRODUCTS_CREATE, ALL[:3]),
    (Permission.TEAM_INVITE, ALL[:2]),
    (Permission.TEAM_REMOVE, ALL[:2]),
    (Permission.PRODUCTS_UPDATE, ALL[:2]),
    (Permission.AGREEMENTS_USAGE_GET, ALL[:2]),
]


@pytest.mark.parametrize(("permission", "roles"), MATRIX)
def test_each_role_has_what_the_matrix_of_the_field_gives_it(permission, roles):
    assert [role for role in ALL if permission in ROLE_PERMISSIONS[role]] == list(roles)


def test_every_permission_is_of_the_account_of_the_token_of_the_server_or_of_a_role():
    owner = ROLE_PERMISSIONS[Role.OWNER]
    blocks = [owner, ACCOUNT_PERMISSIONS, SERVER_PERMISSIONS, TOKEN_PERMISSIONS]
    assert frozenset().union(*blocks) == set(Permission)
    assert sum(map(len, blocks)) == len(Permission)


def test_roles_of_people_form_a_ladder():
    ladder = [ROLE_PERMISSIONS[role] for role in ALL]
    assert all(upper >= lower for upper, lower in pairwise(ladder))


@given(st.sampled_from(list(Permission)), st.sampled_from([JO, ADMIN, API_USER, CUSTOMER]))
def test_a_stranger_may_do_nothing_and_an_administrator_of_the_server_is_one(permission, actor):
    allowed = permission in TOKEN_PERMISSIONS
    allowed |= actor is ADMIN and permission in SERVER_PERMISSIONS
    assert allows(actor, permission, role=None) == allowed


@given(st.sampled_from(list(Permission)))
def test_one_may_do_everything_with_ones_own_but_not_with_the_server(permission):
    own = role_for_oneself(JO)
    assert allows(JO, permission, role=own) == (permission not in SERVER_PERMISSIONS)


@given(st.sampled_from(list(Permission)), st.sampled_from(list(Role)))
def test_an_actor_without_an_account_may_do_nothing(permission, role):
    assert not allows(Actor(user_id="", username=""), permission, role=role)


@given(st.sampled_from(list(Permission)))
def test_the_operator_may_do_everything(permission):
    assert allows(OPERATOR, permission, role=None)


@given(st.sampled_from(list(Permission)), st.sets(st.sampled_from(list(Permission))))
def test_scopes_take_away_and_never_add(permission, scopes):
    limited = replace(API_USER, scopes=frozenset(scopes))
    if allows(limited, permission, role=Role.PROGRAM) and permission not in TOKEN_PERMISSIONS:
        assert permission in scopes and permission in ROLE_PERMISSIONS[Role.PROGRAM]


def test_an_api_user_administers_nothing_whatever_its_scopes():
    all_scopes = replace(API_USER, scopes=frozenset(SCOPES))
    for permission in (Permission.TEAM_INVITE, Permission.TEAM_UPDATE, Permission.TEAM_REMOVE):
        assert permission in SCOPES
        assert not allows(all_scopes, permission, role=Role.PROGRAM)
    assert not any(
        allows(all_scopes, permission, role=role_for_oneself(all_scopes))
        for permission in ACCOUNT_PERMISSIONS
    )


def test_a_customer_may_do_what_the_field_says_and_no_more():
    allowed = {
        permission
        for permission in Permission
        if allows(CUSTOMER, permission, role=role_for_oneself(CUSTOMER))
    }
    assert allowed == {
        *(Permission.DEVICES_LIST, Permission.DEVICES_GET, Permission.DEVICES_VARIABLE_GET),
        *(Permission.DEVICES_FUNCTION_CALL, Permission.CLAIM_CODES_CREATE),
        *(Permission.TOKEN_GET, Permission.TOKEN_REVOKE),
    }
