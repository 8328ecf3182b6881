"""Reading bundles: good ones, and each way in which one can be wrong or hostile."""

import hashlib
import io
import struct
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadstead.firmware.images.bundle import (
    ASSET_BYTES_MAX,
    BUNDLE_BYTES_MAX,
    ENTRIES_MAX,
    is_bundle,
    parse_bundle,
)
from roadstead.firmware.images.extensions import AssetReference
from roadstead.firmware.images.image import IMAGE_BYTES_MAX, ImageRefused
from roadstead.firmware.images.image_builder import build_user_module

SOUND = b"sound" * 1000
ASSETS = {"sound.wav": SOUND, "faces/big.txt": b"big"}
APPLICATION = build_user_module(
    32,
    bytes(500),
    product_version=3,
    assets=[AssetReference(name, hashlib.sha256(one).digest()) for name, one in ASSETS.items()],
)
GOOD = {"app.bin": APPLICATION, **{f"assets/{name}": one for name, one in ASSETS.items()}}


def make_zip(
    entries: dict[str, bytes] | list[tuple[str | zipfile.ZipInfo, bytes]],
    method: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in entries.items() if isinstance(entries, dict) else entries:
            archive.writestr(name, content)
    return file.getvalue()


def refusal(file: bytes) -> str:
    with pytest.raises(ImageRefused) as caught:
        parse_bundle(file)
    return caught.value.code


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_bundle_is_read(method: int) -> None:
    file = make_zip(GOOD, method)
    assert is_bundle(file)
    bundle = parse_bundle(file)
    assert (bundle.name, bundle.file) == ("app.bin", APPLICATION)
    assert bundle.image.product_version == 3
    assert bundle.assets == ASSETS


def test_an_image_is_no_bundle() -> None:
    assert not is_bundle(APPLICATION)


def test_folders_and_what_desktops_add_are_skipped() -> None:
    extra = {"assets/": b"", "__MACOSX/._app.bin": b"x", ".DS_Store": b"x"}
    assert parse_bundle(make_zip({**GOOD, **extra})).assets == ASSETS


def test_an_application_without_assets_is_a_bundle_too() -> None:
    plain = build_user_module(13, bytes(100), product_version=1)
    assert parse_bundle(make_zip({"a.bin": plain})).assets == {}


def test_what_is_missing_or_too_much_is_refused() -> None:
    assert refusal(make_zip({})) == "no_application"
    without_application = {name: one for name, one in GOOD.items() if name != "app.bin"}
    assert refusal(make_zip(without_application)) == "no_application"
    assert refusal(make_zip({**GOOD, "b.bin": APPLICATION})) == "two_applications"
    without_asset = {name: one for name, one in GOOD.items() if name != "assets/sound.wav"}
    assert refusal(make_zip(without_asset)) == "missing_asset"
    assert refusal(make_zip({**GOOD, "assets/sound.wav": b"other"})) == "wrong_asset"
    assert refusal(make_zip({**GOOD, "readme.txt": b"x"})) == "unexpected_entry"
    assert refusal(make_zip({**GOOD, "deep/app.bin": b"x"})) == "unexpected_entry"
    assert refusal(make_zip({"app.bin": b"x" * 500})) == "not_a_module"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_asset_twice_is_refused() -> None:
    entries = [*GOOD.items(), ("assets/sound.wav", SOUND)]
    assert refusal(make_zip(entries)) == "unexpected_entry"


@pytest.mark.parametrize(
    "name",
    [
        "../app.bin",
        "/etc/passwd",
        "assets/../../x",
        "assets/..",
        "assets/./x",
        "assets\\x",
        "C:x.bin",
        "assets/a\nb",
        "assets/" + "x" * 300,
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    assert refusal(make_zip([*GOOD.items(), (zipfile.ZipInfo(name), b"x")])) == "bad_entry_name"


def test_a_link_is_refused() -> None:
    link = zipfile.ZipInfo("assets/link")
    link.external_attr = 0o120777 << 16
    assert refusal(make_zip([*GOOD.items(), (link, b"/etc/passwd")])) == "unsupported_entry"


def test_unusual_packing_and_encryption_are_refused() -> None:
    assert refusal(make_zip(GOOD, zipfile.ZIP_LZMA)) == "unsupported_entry"
    file = bytearray(make_zip(GOOD))
    at = file.index(b"PK\1\2")
    file[at + 8] |= 1
    assert refusal(bytes(file)) == "unsupported_entry"


def test_bombs_are_stopped_at_their_limits() -> None:
    big = bytes(ASSET_BYTES_MAX + 1)
    assert refusal(make_zip({**GOOD, "assets/zeros": big})) == "assets_too_large"
    parts = {f"assets/{number}": bytes(ASSET_BYTES_MAX // 4) for number in range(5)}
    assert refusal(make_zip({**GOOD, **parts})) == "assets_too_large"
    assert refusal(make_zip({"app.bin": bytes(IMAGE_BYTES_MAX + 1)})) == "entry_too_large"
    many = {f"assets/{number}": b"" for number in range(ENTRIES_MAX + 1)}
    assert refusal(make_zip(many)) == "too_many_entries"
    assert refusal(b"PK\3\4" + bytes(BUNDLE_BYTES_MAX)) == "file_too_large"


def test_an_entry_that_lies_about_its_length_does_not_pass() -> None:
    file = bytearray(make_zip(GOOD))
    at = file.index(b"PK\1\2")
    struct.pack_into("<I", file, at + 24, 10)
    assert refusal(bytes(file)) in ("bad_archive", "file_too_small")


@pytest.mark.parametrize("file", [b"", b"PK\3\4", b"no archive at all", make_zip(GOOD)[:-30]])
def test_what_is_no_archive_is_refused(file: bytes) -> None:
    assert refusal(file) == "bad_archive"


WHOLE = make_zip(GOOD)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(WHOLE) - 4), st.binary(max_size=4)), max_size=6),
    st.integers(0, 40),
)
def test_damage_is_refused_by_name_and_never_otherwise(
    changes: list[tuple[int, bytes]], cut: int
) -> None:
    file = bytearray(WHOLE)
    for offset, content in changes:
        file[offset : offset + len(content)] = content
    try:
        parse_bundle(bytes(file[: len(file) - cut]))
    except ImageRefused as error:
        assert error.code and error.message
