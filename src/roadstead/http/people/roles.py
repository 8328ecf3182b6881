"""The roles of people and what each may do: the permission table, to read.

Source: particle cloud notes §3.5.
"""

import msgspec

from roadstead.http.operation import Call, Operation
from roadstead.identity.permissions import LADDER, ROLE_PERMISSIONS, Permission


class RoleDocument(msgspec.Struct):
    """A role of a team, and all that it allows."""

    name: str
    permissions: list[Permission]


class RolesAnswer(msgspec.Struct):
    """Roles of people, from least to most."""

    roles: list[RoleDocument]


async def list_roles(call: Call) -> RolesAnswer:
    """All roles of people."""
    return RolesAnswer([RoleDocument(one.value, sorted(ROLE_PERMISSIONS[one])) for one in LADDER])


OPERATIONS = (
    Operation(
        name="list_roles",
        method="GET",
        path="/v1/roles",
        tag="Teams",
        summary="List the roles of teams and what each may do",
        handler=list_roles,
        permission=Permission.ACCOUNT_GET,
        answer=RolesAnswer,
    ),
)
