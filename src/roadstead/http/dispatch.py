"""One request, step by step: route, caller, body, operation, permission, handler, answer.

Every refusal becomes a JSON body here; an unexpected exception becomes an incident number for the
caller and a traceback in the log.
"""

import contextlib
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from roadstead.http import callers, credentials, errors
from roadstead.http.accounts.browser_session import find_cookie_token
from roadstead.http.envelope import Exchange
from roadstead.http.fields import (
    FILE_FIELD,
    FORM_TYPE,
    JSON_TYPE,
    Body,
    ClientGone,
    convert,
    is_multipart,
    known_fields,
    read_body,
)
from roadstead.http.operation import Access, Call, Edge, Operation
from roadstead.http.rate_limits import RateLimits
from roadstead.http.routing import Found, RouteTable, WrongMethod
from roadstead.http.sse import StreamAnswer
from roadstead.http.uploads import Upload, read_upload
from roadstead.identity.model import AccountKind, Actor
from roadstead.identity.permissions import allows, role_for_oneself
from roadstead.kit.errors import DomainError, Forbidden, Invalid, NotFound
from roadstead.organizations.service import ReachedOrganization
from roadstead.products.service import Reached

log = logging.getLogger("roadstead.http")

MAX_PATH_BYTES = 2048
"""Longest path. The longest known one (a product's device event stream) has under 300 bytes."""

MAX_QUERY_BYTES = 8192
"""Longest query; the longest known one (filters of a device list) has a few hundred bytes."""

MAX_HEADER_BYTES = 16 * 1024
"""Largest headers together, the usual limit of proxies."""

METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})

DEVICE_ROUTES = ("/v1/devices/{device}", "/v1/diagnostics/{device}")
"""Routes that reach one's own devices as well as those of products in which one has a role."""

Variants = tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    raw_path: bytes
    headers: Mapping[str, str]
    query: Mapping[str, str]
    caller: callers.Caller
    receive: Receive


class Dispatcher:
    """Answers HTTP requests by the table of operations."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._parts = edge.parts
        self._limits = RateLimits(edge.parts.clock, enabled=edge.parts.settings.rate_limits)
        self._routes = RouteTable(
            (method, path, variants) for (method, path), variants in group(edge.operations).items()
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; the scope carries its ``Exchange``."""
        exchange: Exchange = scope["exchange"]
        try:
            answer = await self._answer(scope, receive, exchange)
        except ClientGone:
            return
        except DomainError as error:
            answer = _json(errors.body_of(error), errors.status_of(error))
            answer.headers.update(errors.headers_of(error))
        except Exception:
            log.exception("incident %s in %s", exchange.request_id, exchange.operation)
            answer = _json(errors.internal_error(exchange.request_id), 500)
        await answer(scope, receive, send)

    async def _answer(
        self, scope: Scope, receive: Receive, exchange: Exchange
    ) -> Response | StreamAnswer:
        request = self._parse(scope, receive)
        exchange.address = request.caller.address
        found = self._route(request)
        exchange.operation = found.target[0].name
        self._limits.admit(
            request.caller,
            (operation.name for operation in found.target),
            streams=found.target[0].streams,
        )
        body, actor = await self._authenticate(request, found.target)
        operation = _choose(found.target, body)
        exchange.operation = operation.name
        exchange.streams = operation.streams
        reached = await self._reach_product(operation, found.parameters, actor)
        organization = await self._reach_organization(operation, found.parameters, actor)
        if organization is None and (reached is None or not reached.rights):
            self._check_permission(operation, actor, request.caller)
        with contextlib.closing(Upload()) as upload:
            if operation.files is not None and is_multipart(request.headers):
                await read_upload(request.receive, request.headers, operation.files, upload)
                body = Body(upload.fields, is_form=True)
            elif operation.body is not None:
                body = body or await read_body(request.receive, request.headers)
                _check_form(operation, body)
            call = Call(
                edge=self._edge,
                caller=request.caller,
                headers=request.headers,
                path=found.parameters,
                query=request.query,
                body=convert(body, operation.body) if operation.body is not None and body else None,
                files=upload.files,
                signed_in=actor,
                reached=reached,
                reached_organization=organization,
            )
            answer = _as_answer(await operation.handler(call), operation)
            if isinstance(answer, StreamAnswer) and actor is not None:
                self._keep_while_allowed(answer, operation, found.parameters, actor)
            return answer

    def _parse(self, scope: Scope, receive: Receive) -> _Request:
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        if len(raw_path) > MAX_PATH_BYTES or len(scope["query_string"]) > MAX_QUERY_BYTES:
            raise Invalid("path_too_long", "The address of this request is too long.")
        headers = _headers(scope["headers"])
        peer = scope.get("client")
        caller = callers.identify(
            peer[0] if peer else None,
            scope.get("scheme", "http"),
            headers,
            self._parts.settings.trusted_proxies,
        )
        query = _query(scope["query_string"])
        return _Request(scope["method"], raw_path, headers, query, caller, receive)

    def _route(self, request: _Request) -> Found[Variants]:
        method = "GET" if request.method == "HEAD" else request.method
        try:
            found = self._routes.find(method, request.raw_path)
        except UnicodeDecodeError as error:
            raise Invalid("invalid_request", "The path is not valid UTF-8.") from error
        if found is None:
            raise NotFound("not_found", "There is nothing at this path. See /docs/api.")
        if isinstance(found, WrongMethod):
            raise _method_not_allowed(request.method, found.allowed)
        if request.method == "HEAD" and found.target[0].streams:
            raise _method_not_allowed("HEAD", ("GET",))
        if "\0" in "".join(found.parameters.values()):
            raise Invalid("invalid_request", "The path must not contain a zero character.")
        return found

    async def _authenticate(
        self, request: _Request, variants: Variants
    ) -> tuple[Body | None, Actor | None]:
        """The body, where it had to be read to know who asks or what for, and who asks."""
        access = variants[0].access
        token = credentials.find_bearer(request.headers, request.query)
        body: Body | None = None
        has_body = request.method in METHODS_WITH_BODY and _announces_body(request.headers)
        if token is None and access is not Access.OPEN and has_body:
            body = await read_body(request.receive, request.headers)
            token = credentials.find_field_token(body.fields)
        if token is None:
            token = find_cookie_token(request.headers, request.caller, request.method)
        actor = await self._find_actor(token, request, access)
        if body is None and len(variants) > 1:
            body = await read_body(request.receive, request.headers)
        return body, actor

    async def _find_actor(
        self, token: str | None, request: _Request, access: Access
    ) -> Actor | None:
        if access is Access.OPEN or (access is Access.LOCAL and request.caller.is_local):
            return None
        if access is Access.BASIC and token is None:
            return await self._find_basic(request)
        if token is None:
            raise errors.token_missing()
        actor = await self._parts.identity.find_actor(token, request.caller.address)
        if actor is None:
            raise errors.invalid_token()
        return actor

    async def _find_basic(self, request: _Request) -> Actor:
        pair = credentials.find_basic(request.headers)
        if pair is None:
            raise errors.credentials_missing()
        address, code = request.caller.address, request.query.get("otp", "")
        user = await self._parts.sign_in.check(*pair, code, address)
        return Actor(user.id, user.email, user.is_admin, address=address)

    async def _reach_product(
        self, operation: Operation, parameters: Mapping[str, str], actor: Actor | None
    ) -> Reached | None:
        """The product of a route that names one, once the caller may do this with it.

        A route without a permission proves in its own way what it may do (a product's client
        secret, a customer's password); it gets the product without rights.
        """
        ref = parameters.get("product")
        if ref is None or not operation.offered:
            return None
        if operation.permission is None:
            return Reached(await self._parts.products.get_any(ref), frozenset())
        if actor is None:
            raise errors.token_missing()
        reached = await self._parts.products.reach(actor, ref)
        if operation.permission not in reached.rights:
            raise _refusal(actor)
        return reached

    async def _reach_organization(
        self, operation: Operation, parameters: Mapping[str, str], actor: Actor | None
    ) -> ReachedOrganization | None:
        """The organization of a route that names one, once the caller may do this with it."""
        ref = parameters.get("org")
        if ref is None or not operation.offered or "product" in parameters:
            return None
        if actor is None:
            raise errors.token_missing()
        reached = await self._parts.people.organizations.reach(actor, ref)
        if operation.permission not in reached.rights:
            raise _refusal(actor)
        return reached

    def _keep_while_allowed(
        self,
        answer: StreamAnswer,
        operation: Operation,
        parameters: Mapping[str, str],
        actor: Actor,
    ) -> None:
        """Ends a stream of a product or organization when its reader may not have it any more."""
        if not {"product", "org"} & parameters.keys():
            return

        async def still_allowed() -> bool:
            try:
                await self._reach_product(operation, parameters, actor)
                await self._reach_organization(operation, parameters, actor)
            except (NotFound, Forbidden):
                return False
            return True

        answer.user_id, answer.still_allowed = actor.user_id, still_allowed

    @staticmethod
    def _check_permission(
        operation: Operation, actor: Actor | None, caller: callers.Caller
    ) -> None:
        if operation.permission is None or (operation.access is Access.LOCAL and caller.is_local):
            return
        # What the caller owns is the only scope of these routes; that a device is the caller's own
        # is the service's to check, which looks for it among theirs alone.
        if actor is None:
            raise errors.permission_denied()
        if operation.path.startswith(DEVICE_ROUTES):
            return  # the actor's own device, or one of a product: the service knows which, and asks
        if not allows(actor, operation.permission, role=role_for_oneself(actor)):
            raise _refusal(actor)


def group(operations: Sequence[Operation]) -> dict[tuple[str, str], Variants]:
    """The operations of each method and path, in the order of the table."""
    grouped: defaultdict[tuple[str, str], list[Operation]] = defaultdict(list)
    for operation in operations:
        grouped[operation.method, operation.path].append(operation)
    return {key: tuple(rows) for key, rows in grouped.items()}


def _refusal(actor: Actor) -> Forbidden:
    is_program = actor.kind in (AccountKind.API_USER, AccountKind.CLIENT)
    return errors.program_refused() if is_program else errors.permission_denied()


def _choose(variants: Variants, body: Body | None) -> Operation:
    """The operation that a body means; a field of none is refused.

    A mix of several is refused unless one of them knows all the fields.

    Raises:
        Invalid: ``invalid_request``.
    """
    if len(variants) == 1:
        return variants[0]
    names = set(body.fields) if body else set()
    meant = [operation for operation in variants if operation.when & names]
    whole = [operation for operation in meant if names <= _known_fields(operation)]
    if len(meant) == 1 or len(whole) == 1:
        operation = (whole or meant)[0]
        unknown = names - _known_fields(operation) if operation.offered else set()
        if not unknown:
            return operation
        raise Invalid("invalid_request", f"Field {min(unknown)!r} does not go with this request.")
    if meant:
        mix = ", ".join(sorted(name for row in meant for name in row.when & names))
        raise Invalid("invalid_request", f"These cannot be done in one request: {mix}.")
    accepted = ", ".join(sorted(name for row in variants if row.offered for name in row.when))
    raise Invalid("invalid_request", f"Nothing to do: the body needs one of {accepted}.")


def _known_fields(operation: Operation) -> frozenset[str]:
    files = {FILE_FIELD} if operation.files is not None else set()
    return known_fields(operation.body) | files


def _check_form(operation: Operation, body: Body) -> None:
    """Refuses files, and JSON where the field has forms only."""
    if body.has_files or (operation.form_only and body.fields and not body.is_form):
        accepted = FORM_TYPE if operation.form_only else f"{JSON_TYPE} or {FORM_TYPE}"
        raise Invalid("unsupported_media_type", f"The body must be sent as {accepted}.")


def _as_answer(result: object, operation: Operation) -> Response | StreamAnswer:
    if isinstance(result, Response | StreamAnswer):
        return result
    return _json(result, operation.status)


def _json(document: object, status: int) -> Response:
    return Response(msgspec.json.encode(document), status, media_type=JSON_TYPE)


def _headers(pairs: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    size_bytes = 0
    for raw_name, raw_value in pairs:
        size_bytes += len(raw_name) + len(raw_value)
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if size_bytes > MAX_HEADER_BYTES:
        raise Invalid("headers_too_large", f"The headers exceed {MAX_HEADER_BYTES} bytes.")
    return headers


def _query(query_string: bytes) -> dict[str, str]:
    if not query_string:
        return {}
    try:
        pairs = parse_qsl(query_string.decode(), keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise Invalid("invalid_request", "The query is not valid UTF-8.") from error
    return dict(pairs)


def _announces_body(headers: Mapping[str, str]) -> bool:
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type in (JSON_TYPE, FORM_TYPE) and (
        headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    )


def _method_not_allowed(method: str, allowed: tuple[str, ...]) -> Invalid:
    return Invalid(
        "method_not_allowed",
        f"{method} is not possible here; possible: {', '.join(allowed)}.",
        {"allowed": list(allowed)},
    )
