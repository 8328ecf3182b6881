"""Which transfer suits a device, and how it is paced. Pure.

A device says in its Hello which of the two transfers it speaks; it ignores the messages of the
other. Source: device protocol notes §3.3 (flag 0x80), §4.
"""

from typing import Final

from roadstead.devices.updates import UpdateEnd, UpdateFile, UpdateResult, UpdateStep
from roadstead.gateway.timeouts import CELLULAR_PLATFORMS
from roadstead.protocol.messages.classic_update import CHUNK_BYTES_UDP, CHUNK_COUNT_MAX
from roadstead.protocol.messages.hello import Hello, HelloFlag
from roadstead.protocol.messages.limits import limits_for
from roadstead.protocol.messages.update import UpdateStart, chunk_bytes_for
from roadstead.protocol.transfer.classic_server import ClassicParameters, ClassicServerTransfer
from roadstead.protocol.transfer.current_server import CurrentServerTransfer
from roadstead.protocol.transfer.steps import (
    Aborted,
    Accepted,
    Progressed,
    ServerTransfer,
    TransferEvent,
)
from roadstead.protocol.transfer.window import Pacing

WIRED: Final = Pacing()
"""Behind Wi-Fi and Ethernet."""

CELLULAR: Final = Pacing(flight_first=4, flight_max=32, interval_s=0.01, rto_min_s=2.0)
"""Behind a cellular network: round trips of seconds, and buffers that a burst fills for long."""

CLASSIC_CHUNK_MIN: Final = 128
"""A device that asks for less is not believed."""


def choose_transfer(
    hello: Hello, file: UpdateFile, *, continues: bool = False
) -> ServerTransfer | UpdateResult:
    """The transfer by which this device gets this file, not started; or why it cannot have it.

    Args:
        hello: what the device said last.
        file: what it shall get.
        continues: see ``DeviceLink.update``.
    """
    size, room = len(file.content), hello.max_binary_bytes
    if not size:
        return UpdateResult("unsuitable", text="The file is empty.")
    if room and size > room:
        return UpdateResult(
            "unsuitable", text=f"The file has {size} bytes; the device takes {room}."
        )
    if hello.has(HelloFlag.CURRENT_TRANSFER):
        return _current(hello, file)
    return _classic(hello, file, continues)


def _current(hello: Hello, file: UpdateFile) -> CurrentServerTransfer:
    start = UpdateStart(
        file_bytes=len(file.content),
        chunk_bytes=chunk_bytes_for(limits_for(hello).message),
        sha256=file.sha256,
        module_function=file.module_function,
    )
    cellular = hello.platform_id in CELLULAR_PLATFORMS
    return CurrentServerTransfer(file.content, start, CELLULAR if cellular else WIRED)


def _classic(
    hello: Hello, file: UpdateFile, continues: bool
) -> ClassicServerTransfer | UpdateResult:
    told = hello.ota_chunk_bytes
    chunk_bytes = told if told >= CLASSIC_CHUNK_MIN else CHUNK_BYTES_UDP
    # A chunk is not confirmable: header, token, path, checksum, number and marker beside it.
    chunk_bytes = min(chunk_bytes, limits_for(hello).message - 24)
    if -(-len(file.content) // chunk_bytes) > CHUNK_COUNT_MAX:
        return UpdateResult("unsuitable", text="The file has too many chunks for this device.")
    parameters = ClassicParameters(
        chunk_bytes=chunk_bytes,
        pads=hello.system_version == 0,
        asks_first=continues,
    )
    return ClassicServerTransfer(file.content, parameters)


def step_of(event: TransferEvent) -> UpdateStep | None:
    """What an event of a transfer means for whoever follows it; None for its end."""
    match event:
        case Accepted(offset_bytes):
            return UpdateStep(offset_bytes, accepted=True)
        case Progressed(done_bytes):
            return UpdateStep(done_bytes)
        case _:
            return None


def result_of(
    event: TransferEvent, step: UpdateStep | None, file: UpdateFile, sent_bytes: int
) -> UpdateResult:
    """How a transfer ended, by its last event and the last step before it."""
    accepted = step is not None
    if isinstance(event, Aborted):
        done_bytes = 0 if step is None else step.done_bytes
        return UpdateResult(event.reason, event.code, event.text, done_bytes, sent_bytes, accepted)
    return UpdateResult("delivered", 0, "", len(file.content), sent_bytes, accepted)


def broken_off(end: UpdateEnd, step: UpdateStep | None, sent_bytes: int) -> UpdateResult:
    """The end of a transfer whose connection ended first."""
    done_bytes = 0 if step is None else step.done_bytes
    return UpdateResult(end, 0, "", done_bytes, sent_bytes, step is not None)
