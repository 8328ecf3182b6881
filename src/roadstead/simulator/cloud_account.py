"""What a fleet asks of the HTTP API: the server's key, registration and claiming of its devices."""

import asyncio
import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx

from roadstead.simulator.identity import VirtualIdentity

REQUEST_TIMEOUT_S = 30.0
"""Longest wait for an answer of the API; a server under a whole fleet's registration is slow."""

CONNECTION_LIMIT = 16
"""Requests at the same time; more gain nothing against one server process."""

ATTEMPTS = 4
"""Tries of one request when the server cannot be reached or is busy."""

NAME_TAKEN_STATUS = 409
"""Status of a rename to a name that another device of the account has."""

RETRY_PAUSE_S = 0.5
"""Pause before the second try in seconds; doubles."""


class AccountError(Exception):
    """The API refused or could not be reached; the text is for people."""


class NameTaken(AccountError):
    """Another device of the account has this name."""


@dataclass(frozen=True, slots=True)
class DeviceEndpoint:
    """Where devices reach the server, and the key by which they know it (SPKI DER)."""

    host: str
    port: int
    public_key: bytes


class CloudAccount:
    """One user's account on one server, by access token.

    Args:
        api_url: for example ``http://127.0.0.1:8080``.
        token: an access token of the user who shall own the devices.
        transport: carries the requests; None is the network.
    """

    def __init__(
        self, api_url: str, token: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        parts = urlsplit(api_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise AccountError(f"{api_url!r} is no http:// or https:// address")
        self._client = httpx.AsyncClient(
            base_url=api_url.rstrip("/"),
            headers={"Authorization": f"Bearer {token}"},
            timeout=REQUEST_TIMEOUT_S,
            limits=httpx.Limits(max_connections=CONNECTION_LIMIT),
            trust_env=False,
            verify=httpx.create_ssl_context(),
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def find_endpoint(self) -> DeviceEndpoint:
        """Where devices of the UDP generation connect.

        Raises:
            AccountError: the server serves no UDP devices, or is none of ours.
        """
        answer = await self._ask("GET", "/v1/server_keys")
        try:
            udp = answer["udp"]
            return DeviceEndpoint(
                udp["host"], int(udp["port"]), base64.b64decode(udp["public_key_der"])
            )
        except (TypeError, KeyError, ValueError, binascii.Error) as error:
            raise AccountError("this server offers no UDP device endpoint") from error

    async def register(self, identity: VirtualIdentity) -> None:
        """Registers the public key of a device.

        Raises:
            AccountError: the id belongs to someone else, or the server is away.
        """
        await self._ask(
            "POST",
            f"/v1/provisioning/{identity.text_id}",
            {
                "deviceID": identity.text_id,
                "publicKey": identity.public_pem,
                "filename": "simulator",
                "order": "simulated",
                "algorithm": "ecc",
            },
        )

    async def claim(self, identity: VirtualIdentity) -> None:
        """Claims a device that is online to the user of the token.

        Raises:
            AccountError: the server refuses.
        """
        await self._ask("POST", "/v1/devices", {"id": identity.text_id})

    async def rename(self, identity: VirtualIdentity, name: str) -> None:
        """Gives a claimed device a name.

        Raises:
            NameTaken: the account has another device of this name.
            AccountError: the server refuses.
        """
        await self._ask("PUT", f"/v1/devices/{identity.text_id}", {"name": name})

    async def join(self, identity: VirtualIdentity, product: str, groups: Sequence[str]) -> None:
        """Puts a device into a product, and there into groups.

        Args:
            identity: of the device.
            product: its id or slug.
            groups: missing ones are made.

        Raises:
            AccountError: the product does not take it; the text says why.
        """
        body: dict[str, Any] = {"id": identity.text_id}
        if groups:
            body["groups"] = list(groups)
        answer = await self._ask("POST", f"/v1/products/{quote(product, safe='')}/devices", body)
        taken = (*answer.get("updatedDeviceIds", ()), *answer.get("existingDeviceIds", ()))
        if identity.text_id not in taken:
            reasons = answer.get("invalidReasons") or {}
            reason = (
                reasons.get(identity.text_id) or "it belongs to somebody else, or there is no room"
            )
            raise AccountError(f"product {product} does not take {identity.text_id}: {reason}")

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        pause_s, trouble = RETRY_PAUSE_S, ""
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(pause_s)
                pause_s *= 2
            try:
                response = await self._client.request(method, path, json=body)
            except httpx.HTTPError as error:
                trouble = f"cannot reach {self._client.base_url}: {error or type(error).__name__}"
                continue
            if response.status_code not in (429, 502, 503, 504):
                return _read(response, f"{method} {path}")
            trouble = f"{method} {path}: the server is busy ({response.status_code})"
        raise AccountError(trouble)


def _read(response: httpx.Response, request: str) -> Any:
    try:
        answer = response.json() if response.content else {}
    except ValueError as error:
        raise AccountError(f"{request}: the answer is no JSON") from error
    if response.is_success:
        return answer
    fields = answer if isinstance(answer, dict) else {}
    reason = fields.get("error_description") or fields.get("error") or fields.get("info")
    trouble = f"{request}: {reason or 'refused'} ({response.status_code})"
    raise NameTaken(trouble) if response.status_code == NAME_TAKEN_STATUS else AccountError(trouble)
