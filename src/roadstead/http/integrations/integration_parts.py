"""What the HTTP edge is given of integrations."""

from dataclasses import dataclass

from roadstead.integrations.breakers import Breakers
from roadstead.integrations.delivery_log import DeliveryLog
from roadstead.integrations.engine import DeliveryEngine
from roadstead.integrations.service import IntegrationService


@dataclass(frozen=True, slots=True)
class IntegrationParts:
    """The services of events that leave the server."""

    service: IntegrationService
    log: DeliveryLog
    engine: DeliveryEngine
    breakers: Breakers
