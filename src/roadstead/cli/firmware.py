"""``roadstead firmware``: images for tries and tests, and what is in an image."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from roadstead.firmware.images.bundle import (
    ASSET_BYTES_MAX,
    BUNDLE_BYTES_MAX,
    is_bundle,
    parse_bundle,
)
from roadstead.firmware.images.bundle_builder import build_bundle, refer_to
from roadstead.firmware.images.extensions import Dependency
from roadstead.firmware.images.image import IMAGE_BYTES_MAX, Image, ModuleFunction, parse_modules
from roadstead.firmware.images.image_builder import build_user_module, make_code
from roadstead.firmware.images.platforms import PLATFORMS, platform_name

MAX_NUMBER = 65_535
DEFAULT_SIZE_BYTES = 16 * 1024
_UNITS = {"": 1, "K": 1024, "M": 1024**2}


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(help="Firmware images: make one, look into one.", no_args_is_help=True)
    group.command("build-image")(build_image)
    group.command()(inspect)
    app.add_typer(group, name="firmware")


def build_image(
    output: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the image.")],
    platform: Annotated[str, typer.Option(metavar="NAME", help="As boron, p2, 13.")],
    version: Annotated[
        int, typer.Option(metavar="N", min=0, max=MAX_NUMBER - 1, help="PRODUCT_VERSION.")
    ],
    product_id: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, max=MAX_NUMBER, help="PRODUCT_ID [default: none]"),
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="BYTES", help="Of the code, as 128K [default: 16K]")
    ] = None,
    body: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What stands for the code.")
    ] = None,
    needs_device_os: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, max=MAX_NUMBER, help="Device OS that it needs, as 6301."),
    ] = None,
    asset: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Adds an asset; makes a bundle.")
    ] = None,
) -> None:
    """Make a firmware image that devices and other tools take.

    Its code is no program: it shows how updates travel and is for virtual devices alone.
    """
    platform_id = _parse_platform(platform)
    if size is not None and body is not None:
        raise typer.BadParameter("--size and --body exclude each other")
    code = _read(body, IMAGE_BYTES_MAX) if body else _make_code(platform_id, version, size)
    assets = {path.name: _read(path, ASSET_BYTES_MAX) for path in asset or ()}
    needs = None
    if needs_device_os is not None:
        index = PLATFORMS[platform_id].system_index
        needs = Dependency(ModuleFunction.SYSTEM, index, needs_device_os)
    try:
        image = build_user_module(
            platform_id,
            code,
            product_version=version,
            product_id=product_id,
            dependency=needs,
            assets=refer_to(assets),
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    file = build_bundle("firmware.bin", image, assets) if assets else image
    output.write_bytes(file)
    kind = "bundle" if assets else "image"
    print(f"wrote {output}: {kind} for {platform_name(platform_id)}, version {version}, ", end="")
    print(f"{len(file)} bytes")


def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .bin or a bundle .zip.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Say what a firmware image is, or what is wrong with it."""
    content = _read(file, BUNDLE_BYTES_MAX)
    assets: dict[str, bytes] = {}
    if is_bundle(content):
        bundle = parse_bundle(content)
        modules, assets = parse_modules(bundle.file), bundle.assets
    else:
        modules = parse_modules(content)
    documents = [_describe(module) for module in modules]
    packed = {name: len(asset) for name, asset in sorted(assets.items())}
    if as_json:
        print(json.dumps({"modules": documents, "assets": packed}, indent=2))
        return
    for document in documents:
        for name, value in document.items():
            print(f"{name.replace('_', ' '):<16}{_words(value)}")
    for name, length in packed.items():
        print(f"{'asset':<16}{name}, {length} bytes")


def _describe(image: Image) -> dict[str, object]:
    return {
        "platform": f"{platform_name(image.platform_id)} ({image.platform_id})",
        "function": ModuleFunction(image.function).name.lower().replace("_", " "),
        "product_version": image.product_version,
        "product_id": image.product_id,
        "size_bytes": image.size_bytes,
        "needs": list(_needs(image)),
        "expects_assets": [one.name for one in image.assets],
        "sha256": image.sha256.hex(),
        "sha256_matches": image.sha256_matches,
        "crc32": f"{image.crc32:08x}",
    }


def _needs(image: Image) -> Iterator[str]:
    for one in image.dependencies:
        name = ModuleFunction(one.function).name.lower().replace("_", " ")
        yield f"{name} {one.index} version {one.version}"


def _words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def _parse_platform(text: str) -> int:
    by_name = {platform.name: number for number, platform in PLATFORMS.items()}
    number = int(text) if re.fullmatch(r"[0-9]{1,5}", text) else by_name.get(text.lower())
    if number not in PLATFORMS:
        raise typer.BadParameter(f"platform {text!r} is not known; known are {', '.join(by_name)}")
    return number


def _make_code(platform_id: int, version: int, size: str | None) -> bytes:
    length = DEFAULT_SIZE_BYTES if size is None else _parse_size(size)
    return make_code(f"{platform_id}/{version}", length)


def _parse_size(text: str) -> int:
    shaped = re.fullmatch(r"([0-9]{1,8})([KM]?)", text.upper())
    length = int(shaped[1]) * _UNITS[shaped[2]] if shaped else 0
    if not 0 < length <= IMAGE_BYTES_MAX:
        raise typer.BadParameter(f"{text!r} is no size from 1 to 16M")
    return length


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise typer.BadParameter(f"cannot read {path}: {error.strerror}") from None
    if len(content) > limit:
        raise typer.BadParameter(f"{path} is longer than {limit} bytes")
    return content
