"""One simulated device for who has no board yet, run by the server itself.

It is the caller's own device like any other: listed, called, heard. It ends after a while by
itself, or when it is ended; then it is offline, until it is started again.
"""

import msgspec
from starlette.responses import Response

from roadstead.http.operation import Call, Operation
from roadstead.http.parts import RunningTrial, SimulatedDevices
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import iso_ms
from roadstead.kit.errors import NotOffered

_TAG = "Devices"


class SimulatedDevice(msgspec.Struct):
    """A simulated device that runs; ``ends_at`` is when it ends by itself."""

    id: str
    online: bool
    ends_at: str


class SimulatedDeviceAnswer(msgspec.Struct):
    """The caller's simulated device, null while none runs; ``offered`` is false where none can."""

    simulated_device: SimulatedDevice | None
    offered: bool


async def get_simulated_device(call: Call) -> SimulatedDeviceAnswer:
    """The caller's, if one runs."""
    desk = call.parts.simulated_devices
    if desk is None:
        return SimulatedDeviceAnswer(None, offered=False)
    return SimulatedDeviceAnswer(_document(desk.find(call.actor)), offered=desk.offered)


async def start_simulated_device(call: Call) -> SimulatedDeviceAnswer:
    """Answers once the device is online and the caller's."""
    trial = await _desk(call).start(call.actor)
    return SimulatedDeviceAnswer(_document(trial), offered=True)


async def end_simulated_device(call: Call) -> Response:
    """Ends it; without one nothing changes."""
    _desk(call).stop(call.actor)
    return Response(status_code=204)


def _desk(call: Call) -> SimulatedDevices:
    desk = call.parts.simulated_devices
    if desk is None:
        raise NotOffered(
            "simulated_devices_off",
            "This server takes no devices over UDP, so it runs no simulated one either.",
        )
    return desk


def _document(trial: RunningTrial | None) -> SimulatedDevice | None:
    if trial is None:
        return None
    return SimulatedDevice(trial.device_id, trial.online, iso_ms(trial.ends_at))


OPERATIONS = (
    Operation(
        name="get_simulated_device",
        method="GET",
        path="/v1/simulated_device",
        tag=_TAG,
        summary="Get the simulated device that the server runs for you",
        handler=get_simulated_device,
        permission=Permission.DEVICES_CLAIM,
        answer=SimulatedDeviceAnswer,
    ),
    Operation(
        name="start_simulated_device",
        method="POST",
        path="/v1/simulated_device",
        tag=_TAG,
        summary="Let the server run a simulated device for you; it ends by itself",
        handler=start_simulated_device,
        permission=Permission.DEVICES_CLAIM,
        answer=SimulatedDeviceAnswer,
        errors=(429, 501, 503),
    ),
    Operation(
        name="end_simulated_device",
        method="DELETE",
        path="/v1/simulated_device",
        tag=_TAG,
        summary="End your simulated device",
        handler=end_simulated_device,
        permission=Permission.DEVICES_CLAIM,
        status=204,
        errors=(501,),
    ),
)
