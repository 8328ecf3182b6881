"""Routes that the field knows and this version does not serve yet.

They answer 501 ``not_offered`` to whoever is signed in, so that a tool's user reads what is missing
instead of a bare 404. A part that is built takes its rows out of here.

Source: particle cloud notes §2; clients notes §4.
"""

from roadstead.http.operation import Access, Operation, not_offered
from roadstead.http.routing import ANY_METHOD

_AREAS = {
    "products": "This part of products",
    "orgs": "Organizations",
    "sims": "SIM management",
    "ledgers": "Ledger",
    "logic": "Logic",
    "libraries": "The library registry",
    "binaries": "Compiling in the cloud",
    "serial_numbers": "Looking up serial numbers",
    "device-os": "Device OS releases",
    "env": "Environment variables",
    "secrets": "Secrets",
}
"""First segment below ``/v1`` and what it is; every method and path below it."""

_OPEN_ROUTES = (("GET", "/v1/build_targets", "Compiling in the cloud"),)
"""Routes that clients ask without a token."""

_ROUTES = (
    ("GET", "/v1/user/search", "Searching"),
    (ANY_METHOD, "/v1/user/service_agreements/{rest*}", "Usage and service agreements"),
    (ANY_METHOD, "/v1/user/usage_reports/{rest*}", "Usage and service agreements"),
    ("PUT", "/v1/devices/{device}/unprotect", "Device Protection"),
    ("PUT", "/v1/devices/{device}/backup_files", "Manufacturing backups"),
)


def _operation(method: str, path: str, what: str, access: Access) -> Operation:
    return Operation(
        name="not_offered",
        method=method,
        path=path,
        tag="Not offered",
        summary=f"{what} (not offered)",
        handler=not_offered(what),
        access=access,
        offered=False,
    )


OPERATIONS = (
    *(_operation(method, path, what, Access.OPEN) for method, path, what in _OPEN_ROUTES),
    *(_operation(method, path, what, Access.BEARER) for method, path, what in _ROUTES),
    *(
        _operation(ANY_METHOD, path, what, Access.BEARER)
        for area, what in _AREAS.items()
        for path in (f"/v1/{area}", f"/v1/{area}/{{rest*}}")
    ),
)
