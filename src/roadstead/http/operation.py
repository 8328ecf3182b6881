"""What one row of the table of operations says, and what its handler is called with."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from roadstead.http.callers import Caller
from roadstead.http.errors import token_missing
from roadstead.http.metrics import RequestCounters
from roadstead.http.parts import HttpParts
from roadstead.http.sse import OpenStreams
from roadstead.http.uploads import FileLimits, UploadedFile
from roadstead.identity.model import Actor
from roadstead.identity.permissions import ROLE_PERMISSIONS, Permission, Role
from roadstead.kit.errors import NotOffered
from roadstead.organizations.model import Organization
from roadstead.organizations.service import ReachedOrganization
from roadstead.products.access import Rights
from roadstead.products.model import Product
from roadstead.products.service import Reached


class Access(Enum):
    """How a caller proves that it may ask."""

    OPEN = "open"
    """Anybody may ask; what the request itself carries may still be proof (a password, a token)."""

    BEARER = "bearer"
    """An access token."""

    BASIC = "basic"
    """Username and password by HTTP Basic, or an access token."""

    LOCAL = "local"
    """Anybody on this machine; from elsewhere an access token that has the permission."""


@dataclass(frozen=True, slots=True)
class QueryParameter:
    """A parameter of the query, for the description of the API."""

    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that the API can do.

    Attributes:
        name: stable identifier, lower-case words joined by ``_``.
        method: HTTP method, or ``*``.
        path: ``/v1/devices/{device}``; a last ``{prefix*}`` takes the rest of the path.
        tag: the noun that it belongs to.
        summary: one short sentence without a full stop.
        handler: carries it out; gives a JSON-able value or an ASGI answer.
        access: how the caller proves that it may ask.
        permission: the one right that it needs; None where access is open.
        body: struct of the fields it takes.
        answer: struct or type of its JSON answer.
        status: status of a good answer.
        when: body fields that choose this operation among those of the same method and path.
        form_only: the body must be a form.
        files: what files its body may bring, as multipart; None for none.
        query: parameters of the query that it reads.
        media_type: of a good answer.
        errors: statuses that it may answer beside those that follow from the other attributes.
        streams: the answer lasts until one side ends it.
        described: whether the description of the API has it.
        offered: False for what the field knows and this version does not do.
    """

    name: str
    method: str
    path: str
    tag: str
    summary: str
    handler: "Handler"
    access: Access = Access.BEARER
    permission: Permission | None = None
    body: type[Any] | None = None
    answer: Any = None
    status: int = 200
    when: frozenset[str] = frozenset()
    form_only: bool = False
    files: FileLimits | None = None
    query: tuple[QueryParameter, ...] = ()
    media_type: str = "application/json"
    errors: tuple[int, ...] = ()
    streams: bool = False
    described: bool = True
    offered: bool = True


@dataclass(frozen=True, slots=True)
class Edge:
    """The HTTP edge itself, as far as handlers need it.

    Attributes:
        parts: the services.
        operations: the whole table, for what describes it.
        open_streams: where event streams are admitted.
        counters: what the edge counts.
        started_at_s: monotonic time at which it was built.
    """

    parts: HttpParts
    operations: "tuple[Operation, ...]"
    open_streams: OpenStreams
    counters: RequestCounters
    started_at_s: float


@dataclass(frozen=True, slots=True)
class Call:
    """One request, taken apart, on its way to a handler.

    Attributes:
        edge: the edge that it came to.
        caller: where the request comes from.
        headers: by lower-case name.
        path: decoded path parameters by name.
        query: decoded query by name.
        body: the operation's body struct, None if it takes none.
        files: the files of its body; they are closed when the handler has ended.
        signed_in: who asks, None where access is open and no token came.
        reached: the product of a path that names one, with the caller's rights in it.
        reached_organization: the organization of a path that names one, likewise.
    """

    edge: Edge
    caller: Caller
    headers: Mapping[str, str]
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    files: Sequence[UploadedFile] = ()
    signed_in: Actor | None = None
    reached: Reached | None = None
    reached_organization: ReachedOrganization | None = None

    @property
    def parts(self) -> HttpParts:
        """The services."""
        return self.edge.parts

    @property
    def actor(self) -> Actor:
        """Who asks.

        Raises:
            TokenRefused: nobody is signed in.
        """
        if self.signed_in is None:
            raise token_missing()
        return self.signed_in

    @property
    def product(self) -> Product:
        """The product that the path names; the caller has the operation's permission in it."""
        assert self.reached is not None, "the path of this operation names no product"
        return self.reached.product

    @property
    def organization(self) -> Organization:
        """The organization that the path names; the caller has the operation's permission in it."""
        assert self.reached_organization is not None, "the path names no organization"
        return self.reached_organization.organization

    @property
    def organization_role(self) -> str:
        """The caller's role in it."""
        assert self.reached_organization is not None, "the path names no organization"
        return self.reached_organization.role.value

    @property
    def organization_rights(self) -> frozenset[Permission]:
        """What the caller may do with it."""
        assert self.reached_organization is not None, "the path names no organization"
        return self.reached_organization.rights

    @property
    def product_id(self) -> int | None:
        """Number of the product that the path names; None where it names none."""
        return None if self.reached is None else self.reached.product.id

    @property
    def rights(self) -> Rights:
        """What the caller may do with the product that the path names; else with their own."""
        return ROLE_PERMISSIONS[Role.OWNER] if self.reached is None else self.reached.rights

    @property
    def wants_raw(self) -> bool:
        """The caller wants the bare value instead of JSON (``?format=raw``)."""
        return self.query.get("format") == "raw" or getattr(self.body, "format", None) == "raw"


Handler = Callable[[Call], Awaitable[object]]


def not_offered(what: str) -> Handler:
    """A handler that says that ``what`` is not offered by this version."""

    async def refuse(call: Call) -> object:
        raise NotOffered("not_offered", f"{what}: not offered by this version of the server.")

    return refuse
