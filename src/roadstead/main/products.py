"""Builds what belongs to products and their devices."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from roadstead.bus.local import LocalBus
from roadstead.devices.presence import PresenceBoard
from roadstead.devices.registry import DeviceRegistry
from roadstead.firmware.for_products import FirmwareOfProducts
from roadstead.http.products.product_parts import ProductParts
from roadstead.kit.clock import Clock
from roadstead.organizations.limits import PlanLimits
from roadstead.products.allowance import PlanAllowance
from roadstead.products.devices import ProductDevices
from roadstead.products.ending import Leftovers, ProductEndings
from roadstead.products.gatekeeping import Gatekeeper
from roadstead.products.groups import DeviceGroups
from roadstead.products.importing import Importer
from roadstead.products.imports import DeviceImports
from roadstead.products.service import ProductService
from roadstead.products.team_access import TeamAccess
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal


@dataclass(frozen=True, slots=True)
class ProductNeeds:
    """What these parts are built on.

    Attributes:
        announce: called after a change was committed that other processes must hear of.
        firmware: told what becomes of products, and asked what is released.
        leftovers: what other rooms keep of products, to be deleted with them.
    """

    database: Database
    clock: Clock
    bus: LocalBus
    announce: Callable[[], None]
    journal: Journal
    limits: PlanLimits
    firmware: FirmwareOfProducts
    leftovers: Sequence[Leftovers] = ()


def build_gatekeeper(needs: ProductNeeds) -> Gatekeeper:
    """Who answers to the room of devices; built before its parts."""
    return Gatekeeper(
        needs.journal, TeamAccess(), PlanAllowance(needs.limits), needs.firmware, needs.bus
    )


def build_products(
    needs: ProductNeeds,
    gatekeeper: Gatekeeper,
    registry: DeviceRegistry,
    presence: PresenceBoard,
) -> ProductParts:
    """Builds them; nothing runs yet."""
    database, clock, announce, firmware = (
        needs.database,
        needs.clock,
        needs.announce,
        needs.firmware,
    )
    access = TeamAccess()
    importer = Importer(access, PlanAllowance(needs.limits), firmware)
    return ProductParts(
        products=ProductService(database, clock, announce, access),
        endings=ProductEndings(database, clock, announce, firmware, needs.leftovers),
        devices=ProductDevices(
            database, clock, announce, access, registry, presence, gatekeeper, firmware
        ),
        groups=DeviceGroups(database, clock, announce, firmware),
        imports=DeviceImports(database, clock, announce, importer, access, registry, gatekeeper),
    )
