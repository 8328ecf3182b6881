"""Pages for people in a browser: the console, its files, and the addresses within it.

The console is one page that shows what its address says, so each of its addresses gives the same
file; a file that is not there is 404 and never that page.
"""

from starlette.responses import Response

from roadstead.http.operation import Access, Call, Operation
from roadstead.kit.errors import NotFound

_TAG = "Pages"

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
"""Content-Security-Policy of pages: everything from here, nothing inline."""

SECTIONS = (
    "sign-in",
    "sign-up",
    "reset",
    "invitations",
    "welcome",
    "home",
    "account",
    "devices",
    "products",
    "organizations",
    "events",
    "integrations",
    "plan",
    "server",
)
"""First segments of the console's addresses; ``console/src/routes.ts`` has the same."""

FOREVER = "public, max-age=31536000, immutable"
"""Cache-Control of files whose names carry a digest of their content."""


async def get_page(call: Call) -> Response:
    """The page of the console, whatever its address within it."""
    return _answer(call, "index.html")


async def get_asset(call: Call) -> Response:
    """A part of the pages."""
    return _answer(call, call.path["file"])


def html(content: bytes) -> Response:
    """An answer with a page that the server wrote itself."""
    return Response(content, headers=_headers("text/html; charset=utf-8", forever=False))


def _answer(call: Call, name: str) -> Response:
    pages = call.parts.pages
    found = pages.find(name) if pages is not None else None
    if found is None:
        raise NotFound("not_found", "There is nothing at this path. See /docs/api.")
    headers = _headers(found.media_type, forever=found.forever) | {"vary": "accept-encoding"}
    if found.compressed is not None and "gzip" in call.headers.get("accept-encoding", ""):
        return Response(found.compressed, headers=headers | {"content-encoding": "gzip"})
    return Response(found.content, headers=headers)


def _headers(media_type: str, *, forever: bool) -> dict[str, str]:
    return {
        "content-type": media_type,
        "content-security-policy": PAGE_POLICY,
        "cache-control": FOREVER if forever else "no-cache",
        "cross-origin-opener-policy": "same-origin",
    }


def _page_row(name: str, path: str) -> Operation:
    return Operation(
        name=name.replace("-", "_"),
        method="GET",
        path=path,
        tag=_TAG,
        summary="Show the console",
        handler=get_page,
        access=Access.OPEN,
        media_type="text/html",
        described=path == "/",
    )


OPERATIONS = (
    _page_row("get_start_page", "/"),
    *(_page_row(f"get_page_{name}", f"/{name}") for name in SECTIONS),
    *(_page_row(f"get_page_in_{name}", f"/{name}/{{page*}}") for name in SECTIONS),
    Operation(
        name="get_asset",
        method="GET",
        path="/assets/{file*}",
        tag=_TAG,
        summary="Give a part of a page",
        handler=get_asset,
        access=Access.OPEN,
        media_type="application/octet-stream",
    ),
)
