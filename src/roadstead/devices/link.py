"""The port to a connected device, owned by devices and filled by the gateway.

The HTTP edge and the services talk to devices through this and nothing else; in one process the
gateway implements it directly, later another process may hold the device.
"""

from typing import Protocol

from roadstead.devices.updates import OnStep, UpdateFile, UpdateResult


class DeviceLink(Protocol):
    """Asks of a connected device.

    Every call raises ``device_offline`` when the device has no session that is online, and
    ``device_timed_out`` when it stays silent for ``timeout_s`` seconds.
    """

    def is_online(self, device_id: str) -> bool:
        """True while the device is thought to be connected."""

    async def call_function(
        self, device_id: str, name: str, argument: str, *, timeout_s: float
    ) -> int:
        """Calls a cloud function; gives its 32-bit signed return value.

        Raises:
            NotFound: ``function_not_found``.
            Invalid: ``argument_too_long`` for this device's release and message size.
        """

    async def read_variable(
        self, device_id: str, name: str, *, timeout_s: float
    ) -> bool | int | float | str:
        """Reads a cloud variable in the type that the device registered it with.

        Raises:
            NotFound: ``variable_not_found``.
        """

    async def signal(self, device_id: str, on: bool, *, timeout_s: float) -> None:
        """Starts or stops the device's rainbow signal."""

    async def ping(self, device_id: str, *, timeout_s: float) -> bool:
        """True if the device acknowledged a ping now; never raises for an offline device."""

    async def request_vitals(self, device_id: str, *, timeout_s: float) -> None:
        """Asks for the vitals; returns when the device's answer was stored and published."""

    async def request_handshake(self, device_id: str) -> None:
        """Asks the device to begin a new full handshake (key change); does not wait for it."""

    async def update(
        self,
        device_id: str,
        file: UpdateFile,
        *,
        continues: bool = False,
        on_step: OnStep | None = None,
    ) -> UpdateResult:
        """Sends a file by the transfer that the device speaks; returns when that has ended.

        Every step has a deadline of its own. When the caller is cancelled, the transfer stops
        without a word to the device, so that a later one can go on with it.

        Args:
            device_id: who gets it.
            file: what.
            continues: the device accepted this very file from an earlier transfer whose end is not
                known, because its process died. Never set when the acceptance is not known.
            on_step: told of the acceptance and of progress.

        Raises:
            Conflict: ``update_running``, a transfer to this device runs already.
        """

    def cancel_update(self, device_id: str) -> bool:
        """Gives a running transfer up, and tells the device; False when there is none."""

    def tell_consent(self, device_id: str, *, forced: bool, pending: bool | None) -> bool:
        """Tells a device whether its consent is overridden and whether an update waits for it.

        Nothing is said of the latter when ``pending`` is None.

        False when it is not online, or its release knows no such thing.
        """
