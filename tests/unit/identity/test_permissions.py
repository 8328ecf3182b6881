"""The permission table against the role matrix of the field."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.identity.model import OPERATOR, Actor
from roadstead.identity.permissions import (
    ACCOUNT_PERMISSIONS,
    ROLE_PERMISSIONS,
    SERVER_PERMISSIONS,
    Permission,
    Role,
    allows,
)

JO = Actor(user_id="a" * 24, username="jo@example.com")
ADMIN = Actor(user_id="b" * 24, username="root@example.com", is_admin=True)
STRANGER_ID = "c" * 24

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


def test_every_permission_is_of_the_account_of_the_server_or_of_the_owner_role():
    owner = ROLE_PERMISSIONS[Role.OWNER]
    assert owner | ACCOUNT_PERMISSIONS | SERVER_PERMISSIONS == set(Permission)
    assert not owner & ACCOUNT_PERMISSIONS
    assert not owner & SERVER_PERMISSIONS
    assert not ACCOUNT_PERMISSIONS & SERVER_PERMISSIONS


def test_roles_form_a_ladder():
    ladder = [ROLE_PERMISSIONS[role] for role in ALL]
    assert all(upper >= lower for upper, lower in pairwise(ladder))


@given(st.sampled_from(list(Permission)))
def test_nobody_but_an_administrator_may_touch_what_a_stranger_owns(permission):
    assert not allows(JO, permission, owner_id=STRANGER_ID)
    assert allows(ADMIN, permission, owner_id=STRANGER_ID)


@given(st.sampled_from(list(Permission)))
def test_one_may_do_everything_with_ones_own_but_not_with_the_server(permission):
    assert allows(JO, permission, owner_id=JO.user_id) == (permission not in SERVER_PERMISSIONS)


@given(st.sampled_from(list(Permission)))
def test_with_what_nobody_owns_one_may_do_no_more_than_any_signed_in_person(permission):
    assert allows(JO, permission, owner_id=None) == (permission in ACCOUNT_PERMISSIONS)


@given(st.sampled_from(list(Permission)), st.sampled_from(["", None, STRANGER_ID]))
def test_an_actor_without_an_account_may_do_nothing(permission, owner_id):
    assert not allows(Actor(user_id="", username=""), permission, owner_id=owner_id)


@given(st.sampled_from(list(Permission)))
def test_the_operator_may_do_everything(permission):
    assert allows(OPERATOR, permission, owner_id=None)
