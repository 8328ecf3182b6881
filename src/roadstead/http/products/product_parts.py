"""What the HTTP edge is given of products."""

from dataclasses import dataclass

from roadstead.products.devices import ProductDevices
from roadstead.products.ending import ProductEndings
from roadstead.products.groups import DeviceGroups
from roadstead.products.imports import DeviceImports
from roadstead.products.service import ProductService


@dataclass(frozen=True, slots=True)
class ProductParts:
    """The services of products, their devices and the groups of these."""

    products: ProductService
    endings: ProductEndings
    devices: ProductDevices
    groups: DeviceGroups
    imports: DeviceImports
