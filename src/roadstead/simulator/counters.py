"""What virtual devices did, as plain numbers that many devices may share."""

from dataclasses import dataclass

from roadstead.simulator.publishing import Outcome


@dataclass(slots=True)
class DeviceCounters:
    """Counts since the start; every device of a fleet adds to the same object.

    Attributes:
        handshakes: sessions that came about by a handshake.
        resumes: sessions taken up again without one.
        connection_losses: ways to the server that ended unwanted.
        published: events handed to the wire.
        acknowledged: confirmable events that the server acknowledged.
        refused: events that the server answered with an error.
        failed: events that were never acknowledged.
        received: events that the server sent.
        calls: functions called, variables read and other requests answered.
        sleeps, moves, reboots: what happened to the devices.
        updates: firmware files applied.
        bricked: devices that did not start any more after one.
    """

    handshakes: int = 0
    resumes: int = 0
    connection_losses: int = 0
    published: int = 0
    acknowledged: int = 0
    refused: int = 0
    failed: int = 0
    received: int = 0
    calls: int = 0
    sleeps: int = 0
    moves: int = 0
    reboots: int = 0
    updates: int = 0
    bricked: int = 0

    def count_outcome(self, outcome: Outcome) -> None:
        """Counts what became of an event."""
        if outcome is Outcome.ACKNOWLEDGED:
            self.acknowledged += 1
        elif outcome is Outcome.REFUSED:
            self.refused += 1
        elif outcome is Outcome.FAILED:
            self.failed += 1
