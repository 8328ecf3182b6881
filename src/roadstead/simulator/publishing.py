"""What becomes of the events that a virtual device publishes."""

from dataclasses import dataclass
from enum import StrEnum

from roadstead.protocol.coap.message import Message
from roadstead.simulator.firmware import Publication

ERROR_CODES_FROM = 0x80
"""CoAP codes from 4.00 on say that the publication failed. Spec: device protocol notes §3.1."""


class Outcome(StrEnum):
    """What became of a published event."""

    PENDING = "pending"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"


@dataclass(slots=True)
class PublishedEvent:
    """An event that the device published, with what became of it."""

    publication: Publication
    outcome: Outcome = Outcome.PENDING


def outcome_of(answer: Message | None) -> Outcome:
    """What the server's acknowledgement says; None is an empty one."""
    refused = answer is not None and answer.code >= ERROR_CODES_FROM
    return Outcome.REFUSED if refused else Outcome.ACKNOWLEDGED
