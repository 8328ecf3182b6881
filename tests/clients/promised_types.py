"""What particle-api-js promises of an answer in its own type declarations, held against it.

The declarations are the client's word, not ours: a field that they name and the server does not
send is a program that breaks. Null passes for any type, because they are careless about it.
"""

import functools
import re
from typing import Any

from tests.clients.installing import MODULES

RESPONSES = MODULES / "particle-api-js" / "lib" / "src" / "types" / "responses.d.ts"

PROMISES = {
    "login": "LoginResponse",
    "sendOtp": "LoginResponse",
    "enableMfa": "EnableMfaResponse",
    "confirmMfa": "ConfirmMfaResponse",
    "getUserInfo": "UserInfo",
    "trackingIdentity": "TrackingIdentityResponse",
    "listDevices": "DeviceInfo[]",
    "getDevice": "DeviceInfo",
    "getVariable": "DeviceVariableResponse",
    "callFunction": "FunctionCallResponse",
    "getClaimCode": "ClaimCodeResponse",
}
"""Type of the answer by method, as the client declares it. Methods that change a device are not
here: they promise a whole device, which the field's server does not send either."""

EXCEPTIONS = frozenset({"login.refresh_token"})
"""A token that never ends comes without one to renew it."""

_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
}


def broken_promises(method: str, body: Any) -> list[str]:
    """Which of the declared fields are missing or of another kind; empty for other methods."""
    promise = PROMISES.get(method)
    if method == "listDevices" and isinstance(body, dict):
        body = body["devices"]  # of a product: a page, whose type the client does not declare
    return list(_differences(promise, body, method)) if promise else []


def _differences(wanted: str, value: Any, at: str) -> list[str]:
    if value is None or "|" in wanted:
        return []
    if wanted.endswith("[]"):
        if not isinstance(value, list):
            return [f"{at} is no list"]
        return [
            difference for one in value for difference in _differences(wanted[:-2], one, f"{at}[]")
        ]
    if wanted in _KINDS:
        fits = isinstance(value, _KINDS[wanted]) and (wanted == "boolean" or value is not True)
        return [] if fits else [f"{at} is {value!r} and no {wanted}"]
    found = []
    for name, optional, kind in _fields(wanted):
        if name in value:
            found += _differences(kind, value[name], f"{at}.{name}")
        elif not optional and f"{at}.{name}" not in EXCEPTIONS:
            found.append(f"{at}.{name} is missing")
    return found


@functools.cache
def _fields(interface: str) -> tuple[tuple[str, bool, str], ...]:
    """Name, whether it may be missing, and type of each field; none for what is no interface."""
    found = re.search(
        rf"^export interface {re.escape(interface)} {{\n(.*?)^}}",
        RESPONSES.read_text(),
        re.M | re.S,
    )
    lines = re.findall(r"^    (\w+)(\??): ([^;{]+);$", found[1], re.M) if found else []
    return tuple((name, bool(optional), kind) for name, optional, kind in lines)
