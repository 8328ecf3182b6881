"""Making bundles: a .zip of one application and the assets that it expects.

Spec: product notes §3.1.5.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from typing import Final

from roadstead.firmware.images.extensions import AssetReference

_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)
"""The same content makes the same file, whenever it is packed."""


def refer_to(assets: Mapping[str, bytes]) -> tuple[AssetReference, ...]:
    """What an application has to say of these assets, by name, to expect them."""
    return tuple(
        AssetReference(name, hashlib.sha256(content).digest())
        for name, content in sorted(assets.items())
    )


def build_bundle(name: str, application: bytes, assets: Mapping[str, bytes]) -> bytes:
    """A bundle.

    Args:
        name: of the application in it, ending in ``.bin``.
        application: its image, which should expect the assets.
        assets: files by name.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        files = {name: application, **{f"assets/{key}": assets[key] for key in sorted(assets)}}
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path, _LONG_AGO), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
