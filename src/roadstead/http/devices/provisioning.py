"""The public keys by which devices are known. Source: particle cloud notes §2.6."""

import msgspec

from roadstead.http.accounts.access_tokens import Ok
from roadstead.http.operation import Call, Operation
from roadstead.identity.permissions import Permission
from roadstead.kit.errors import Invalid


class ProvisioningBody(msgspec.Struct):
    """A device's public key as text (PEM), as ``particle keys send`` sends it."""

    publicKey: str
    deviceID: str | None = None
    algorithm: str = "ecc"
    filename: str | None = None
    order: str | None = None
    product_id: int | None = None


async def provision(call: Call) -> Ok:
    """Registers the key of a device."""
    body: ProvisioningBody = call.body
    device_id = call.path["device"]
    if body.deviceID is not None and body.deviceID.lower() != device_id.lower():
        raise Invalid("invalid_request", "Field 'deviceID' differs from the id in the path.")
    await call.parts.registry.provision_key(
        call.actor, device_id, body.publicKey, body.algorithm, body.product_id
    )
    return Ok()


OPERATIONS = (
    Operation(
        name="provision_device",
        method="POST",
        path="/v1/provisioning/{device}",
        tag="Devices",
        summary="Register the public key of a device",
        handler=provision,
        permission=Permission.DEVICES_PROVISION,
        body=ProvisioningBody,
        answer=Ok,
        errors=(403,),
    ),
)
