"""Coverage-guided fuzzing of uploads: module images, bundles, extension records.

Run: ``python fuzz/firmware_image.py -max_total_time=15`` (any option of libFuzzer). A finding is an
exception other than a refusal, or an image whose length is not the file's. Checksums are made right
again for every second try, so that what lies behind them is reached.
"""

import io
import sys
import zipfile
import zlib
from pathlib import Path

try:
    import atheris
except ImportError:
    print("firmware_image: atheris is not installed for this Python; nothing was fuzzed.")
    raise SystemExit(0) from None

with atheris.instrument_imports(include=["roadstead.firmware"]):
    from roadstead.firmware.images.bundle import is_bundle, parse_bundle
    from roadstead.firmware.images.extensions import AssetReference, parse_extensions
    from roadstead.firmware.images.image import ImageRefused, parse_modules
    from roadstead.firmware.images.image_builder import build_user_module

IMAGES = Path(__file__).parent.parent / "tests" / "vectors" / "data" / "images"
CORPUS = Path(__file__).parent / "corpus" / "firmware_image"


def sealed(file: bytes) -> bytes:
    return file[:-4] + zlib.crc32(file[:-4]).to_bytes(4, "big")


def fuzz_image(file: bytes) -> None:
    try:
        modules = parse_modules(file)
    except ImageRefused:
        return
    if sum(module.size_bytes for module in modules) != len(file):
        raise AssertionError("modules of another length than the file")


def fuzz_bundle(file: bytes) -> None:
    try:
        parse_bundle(file)
    except ImageRefused:
        return


def fuzz_extensions(region: bytes) -> None:
    try:
        parse_extensions(region)
    except ValueError:
        return


def fuzz_one(file: bytes) -> None:
    fuzz_image(file)
    fuzz_image(sealed(file))
    fuzz_extensions(file)
    if is_bundle(file):
        fuzz_bundle(file)


def write_corpus() -> None:
    """The engine keeps what it finds here, too, and begins with it next time."""
    CORPUS.mkdir(parents=True, exist_ok=True)
    for path in IMAGES.glob("*.bin"):
        (CORPUS / path.name).write_bytes(path.read_bytes())
    asset = AssetReference("a.txt", bytes(32))
    for platform_id in (6, 13, 32):
        module = build_user_module(platform_id, b"body", product_version=1, assets=[asset])
        (CORPUS / f"small_{platform_id}").write_bytes(module)
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("app.bin", build_user_module(13, b"body", product_version=1))
        archive.writestr("assets/a.txt", b"a")
    (CORPUS / "bundle.zip").write_bytes(bundle.getvalue())


def main() -> None:
    write_corpus()
    atheris.Setup([*sys.argv, str(CORPUS)], fuzz_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
