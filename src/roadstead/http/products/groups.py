"""Groups of a product's devices.

Source: particle cloud notes §1.6, §2.13.
"""

import msgspec
from starlette.responses import Response

from roadstead.http.operation import Call, Operation, QueryParameter
from roadstead.identity.permissions import Permission
from roadstead.kit.errors import Invalid
from roadstead.products.groups import GroupView
from roadstead.products.model import DeviceGroup

_TAG = "Groups"


class NewGroupBody(msgspec.Struct):
    """A new group; ``name`` has lower-case letters, digits, ``-`` and ``_``."""

    name: str
    description: str = ""
    color: str = ""


class GroupBody(msgspec.Struct):
    """What to change of a group; at least one of the three."""

    name: str | None = None
    description: str | None = None
    color: str | None = None


class GroupDocument(msgspec.Struct):
    """A group; ``fw_version`` is the firmware version that is released to it."""

    name: str
    description: str
    color: str
    fw_version: int | None
    device_count: int


class GroupAnswer(msgspec.Struct):
    """One group."""

    group: GroupDocument


class GroupsAnswer(msgspec.Struct):
    """Groups by name."""

    groups: list[GroupDocument]


async def list_groups(call: Call) -> GroupsAnswer:
    """The product's groups, or those with a part of a name."""
    views = await call.parts.product.groups.list_groups(call.product, call.query.get("name", ""))
    return GroupsAnswer([document_of(view) for view in views])


async def create_group(call: Call) -> GroupAnswer:
    """Makes a group."""
    body: NewGroupBody = call.body
    group = await call.parts.product.groups.create(
        call.actor, call.product, body.name, body.description, body.color
    )
    return GroupAnswer(document_of(GroupView(group)))


async def get_group(call: Call) -> GroupAnswer:
    """One group."""
    view = await call.parts.product.groups.get_group(call.product, call.path["group"])
    return GroupAnswer(document_of(view))


async def update_group(call: Call) -> GroupAnswer:
    """Changes name, description or colour of a group."""
    body: GroupBody = call.body or GroupBody()
    if body == GroupBody():
        raise Invalid("invalid_request", "Give at least one of name, description and color.")
    changed: DeviceGroup = await call.parts.product.groups.update(
        call.actor,
        call.product,
        call.path["group"],
        new_name=body.name,
        description=body.description,
        color=body.color,
    )
    view = await call.parts.product.groups.get_group(call.product, changed.name)
    return GroupAnswer(document_of(view))


async def delete_group(call: Call) -> Response:
    """Deletes a group; its devices stay in the product."""
    await call.parts.product.groups.delete(call.actor, call.product, call.path["group"])
    return Response(status_code=204)


def document_of(view: GroupView) -> GroupDocument:
    """A group as the API writes it."""
    group = view.group
    return GroupDocument(
        group.name, group.description, group.color, view.fw_version, group.device_count
    )


_ALL = "/v1/products/{product}/groups"
_ONE = "/v1/products/{product}/groups/{group}"

OPERATIONS = (
    Operation(
        name="list_groups",
        method="GET",
        path=_ALL,
        tag=_TAG,
        summary="List the groups of a product",
        handler=list_groups,
        permission=Permission.GROUPS_LIST,
        answer=GroupsAnswer,
        query=(QueryParameter("name", "A part of the name."),),
    ),
    Operation(
        name="create_group",
        method="POST",
        path=_ALL,
        tag=_TAG,
        summary="Create a group",
        handler=create_group,
        permission=Permission.GROUPS_CREATE,
        body=NewGroupBody,
        answer=GroupAnswer,
        status=201,
        errors=(409,),
    ),
    Operation(
        name="get_group",
        method="GET",
        path=_ONE,
        tag=_TAG,
        summary="Get a group",
        handler=get_group,
        permission=Permission.GROUPS_GET,
        answer=GroupAnswer,
    ),
    Operation(
        name="update_group",
        method="PUT",
        path=_ONE,
        tag=_TAG,
        summary="Change a group",
        handler=update_group,
        permission=Permission.GROUPS_UPDATE,
        body=GroupBody,
        answer=GroupAnswer,
        errors=(409,),
    ),
    Operation(
        name="delete_group",
        method="DELETE",
        path=_ONE,
        tag=_TAG,
        summary="Delete a group",
        handler=delete_group,
        permission=Permission.GROUPS_REMOVE,
        status=204,
    ),
)
