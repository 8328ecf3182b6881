"""Reading module images: those of others, our own, and each way in which one can be wrong."""

import dataclasses
import hashlib
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadstead.firmware.images.extensions import AssetReference, Dependency
from roadstead.firmware.images.image import (
    IMAGE_BYTES_MAX,
    Image,
    ImageRefused,
    ModuleFunction,
    check_for_product,
    parse_image,
    parse_modules,
)
from roadstead.firmware.images.image_builder import build_user_module
from roadstead.firmware.images.platforms import PLATFORMS

IMAGES = Path(__file__).parents[3] / "vectors" / "data" / "images"
BODY = bytes(range(256)) * 8
ASSET = AssetReference("sound.wav", hashlib.sha256(b"sound").digest())


def recorded(name: str) -> bytes:
    return (IMAGES / f"{name}.bin").read_bytes()


def sealed(content: bytes) -> bytes:
    """A module with its CRC made right again."""
    return content[:-4] + zlib.crc32(content[:-4]).to_bytes(4, "big")


def patched(file: bytes, offset: int, content: bytes) -> bytes:
    offset %= len(file)
    return sealed(file[:offset] + content + file[offset + len(content) :])


def refusal(file: bytes) -> str:
    with pytest.raises(ImageRefused) as caught:
        parse_image(file)
    assert caught.value.message.endswith(".")
    return caught.value.code


@pytest.mark.parametrize(
    ("name", "platform_id", "product_id", "version", "index", "dependency"),
    [
        ("boron_v1", 13, 1234, 1, 2, Dependency(4, 1, 5301)),
        ("boron_v2", 13, 1234, 2, 2, Dependency(4, 1, 5301)),
        ("photon_v3", 6, 1234, 3, 1, Dependency(4, 2, 1)),
        ("p2_v7", 32, 1234, 7, 1, Dependency(4, 1, 5301)),
        ("user_v7", 3, 0xCC8F, 2, 1, Dependency(4, 1, 6200)),
        ("user_p2_v7", 32, 0xCC8F, 2, 1, Dependency(4, 1, 6200)),
    ],
)
def test_user_modules_of_another_builder_are_read(
    name: str, platform_id: int, product_id: int, version: int, index: int, dependency: Dependency
) -> None:
    file = recorded(name)
    image = parse_image(file)
    assert image.function == ModuleFunction.USER
    assert (image.platform_id, image.index, image.size_bytes) == (platform_id, index, len(file))
    assert (image.product_id, image.product_version) == (product_id, version)
    assert image.dependencies == (dependency,)
    assert image.sha256_matches
    assert image.sha256 == hashlib.sha256(file[:-38]).digest()


def test_a_monolithic_module_is_read() -> None:
    image = parse_image(recorded("mono_v7000"))
    assert (image.function, image.module_version) == (ModuleFunction.MONOLITHIC, 7000)


@pytest.mark.parametrize(
    ("name", "dynalib"), [("boron_v1", (0, 0)), ("photon_v3", (0, 0)), ("p2_v7", (1, 2))]
)
def test_our_builder_makes_what_another_builder_made(name: str, dynalib: tuple[int, int]) -> None:
    file = recorded(name)
    image = parse_image(file)
    end = len(file) - 4 - int.from_bytes(file[-6:-4], "little")
    if name == "p2_v7":
        dynalib = struct.unpack_from("<II", file, end + 8)
    again = build_user_module(
        image.platform_id,
        file[24:end].removesuffix(b"\0\0") if name == "p2_v7" else file[24:end],
        product_version=image.product_version or 0,
        product_id=image.product_id,
        dependency=image.dependencies[0],
        module_version=image.module_version,
        dynalib=dynalib,
    )
    assert again == file


@pytest.mark.parametrize("platform_id", sorted(PLATFORMS))
def test_what_we_build_is_read_again_for_every_platform(platform_id: int) -> None:
    file = build_user_module(platform_id, BODY, product_version=9, product_id=777, assets=(ASSET,))
    image = parse_image(file)
    assert image.platform_id == platform_id
    assert (image.product_id, image.product_version) == (777, 9)
    assert image.size_bytes == len(file)
    assert len(file) % 4 == 0
    assert image.assets == (ASSET,)
    assert image.sha256_matches
    check_for_product(image, platform_id=platform_id, product_id=777, version=9)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(PLATFORMS)),
    st.binary(max_size=3000),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFF),
    st.lists(st.text("abc/._é", min_size=1, max_size=20), max_size=3),
)
def test_what_we_build_is_read_again_whatever_is_in_it(
    platform_id: int, body: bytes, version: int, product_id: int, names: list[str]
) -> None:
    assets = tuple(AssetReference(name, bytes(32)) for name in names)
    file = build_user_module(
        platform_id, body, product_version=version, product_id=product_id, assets=assets
    )
    image = parse_image(file)
    assert image.product_version == (None if version == 0xFFFF else version)
    assert image.product_id == (None if product_id == 0xFFFF else product_id)
    assert image.assets == assets


@pytest.mark.parametrize("prefix", [0x200, 0x184, 0x10C, 0xC0, 0x20, 0x1234 & ~3])
def test_a_header_behind_a_vector_table_is_found(prefix: int) -> None:
    assert parse_image(behind(prefix)).header_offset == prefix


def behind(prefix: int) -> bytes:
    file = bytearray(b"\xaa" * prefix + build_user_module(13, BODY, product_version=1))
    start = 0xB4000
    struct.pack_into("<II", file, prefix, start, start + len(file) - 4)
    return sealed(bytes(file))


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (b"", "file_empty"),
        (b"x" * 63, "file_too_small"),
        (bytes(IMAGE_BYTES_MAX + 1), "file_too_large"),
        (bytes(4096), "not_a_module"),
        (b"\xff" * 4096, "not_a_module"),
        (b"PK\3\4" + bytes(4096), "not_a_module"),
        (b":10000000" * 500, "not_a_module"),
    ],
)
def test_what_is_no_image_is_refused(file: bytes, code: str) -> None:
    assert refusal(file) == code


def test_a_file_of_another_kind_is_named() -> None:
    with pytest.raises(ImageRefused, match=r"It looks like a \.zip"):
        parse_image(b"PK\3\4" + bytes(4096))


@pytest.mark.parametrize("name", ["boron_v1", "p2_v7", "photon_v3"])
def test_each_way_of_damage_has_its_name(name: str) -> None:
    file = recorded(name)
    assert refusal(file[:-1]) == "truncated"
    assert refusal(file[: len(file) // 2]) == "truncated"
    assert refusal(file + b"\0") == "trailing_bytes"
    assert refusal(file[:100] + b"?" + file[101:]) == "bad_crc"
    assert refusal(file[:-1] + bytes((file[-1] ^ 1,))) == "bad_crc"
    assert refusal(patched(file, -6, b"\0\0")) == "bad_suffix"
    assert refusal(patched(file, -6, b"\xff\xff")) == "bad_suffix"
    assert refusal(patched(file, 4, bytes(4))) == "bad_addresses"
    assert refusal(patched(file, 4, b"\xff" * 4)) == "bad_addresses"
    assert refusal(patched(file, 12, b"\xee\xee")) == "not_a_module"
    assert refusal(patched(file, 14, b"\x0a")) == "not_a_module"


def test_a_broken_extension_is_refused() -> None:
    file = recorded("p2_v7")
    assert refusal(patched(file, -66 + 2, b"\xff\0")) == "bad_extension"
    assert refusal(patched(file, -66 + 2, b"\1\0")) == "bad_extension"
    with_asset = build_user_module(13, BODY, assets=(ASSET,))
    at = with_asset.index(ASSET.sha256) - 2
    assert refusal(patched(with_asset, at, b"\7")) == "bad_extension"
    assert refusal(patched(with_asset, at + 34, b"\xff")) == "bad_extension"


def test_a_wrong_digest_is_told_and_not_refused_for_devices_do_not_look() -> None:
    assert not parse_image(patched(recorded("boron_v1"), -38, bytes(32))).sha256_matches


def test_a_compressed_module_tells_its_length_and_an_absurd_one_is_refused() -> None:
    body = struct.pack("<HBBI", 8, 0, 0, 5000) + BODY
    file = build_user_module(13, body, product_version=1)
    assert parse_image(patched(file, 9, b"\2")).original_bytes == 5000
    absurd = build_user_module(13, struct.pack("<HBBI", 8, 0, 0, 1 << 31), product_version=1)
    assert refusal(patched(absurd, 9, b"\2")) == "bad_compression"


def test_a_combined_file_holds_two_modules_and_not_three() -> None:
    system = bytearray(build_user_module(13, BODY))
    system[9], system[14] = 4, ModuleFunction.SYSTEM
    first, user = sealed(bytes(system)), recorded("boron_v1")
    modules = parse_modules(first + user)
    assert [one.function for one in modules] == [ModuleFunction.SYSTEM, ModuleFunction.USER]
    assert parse_image(first + user).product_version == 1
    assert refusal(first) == "truncated"
    assert refusal(first + first + user) == "too_many_modules"


def make_image(**changes: object) -> Image:
    image = parse_image(recorded("boron_v1"))
    fields = {name: getattr(image, name) for name in Image.__struct_fields__}
    return Image(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"function": ModuleFunction.BOOTLOADER}, "wrong_function"),
        ({"function": ModuleFunction.SYSTEM}, "wrong_function"),
        ({"function": ModuleFunction.ASSET}, "wrong_function"),
        ({"platform_id": 6}, "wrong_platform"),
        ({"product_version": None}, "missing_version"),
        ({"product_version": 2}, "wrong_version"),
        ({"product_id": 4321}, "wrong_product_id"),
    ],
)
def test_an_image_of_something_else_is_refused_for_a_product(
    changes: dict[str, object], code: str
) -> None:
    with pytest.raises(ImageRefused) as caught:
        check_for_product(make_image(**changes), platform_id=13, product_id=1234, version=1)
    assert caught.value.code == code


@pytest.mark.parametrize("product_id", [1234, 13, None])
def test_the_product_the_platform_and_none_are_good_product_ids(product_id: int | None) -> None:
    check_for_product(make_image(product_id=product_id), platform_id=13, product_id=1234, version=1)


@pytest.mark.parametrize(
    "wrong", [{"product_version": -1}, {"product_version": 65_536}, {"module_version": 70_000}]
)
def test_the_builder_refuses_numbers_out_of_range(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"65535|format"):
        build_user_module(13, BODY, **wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not known"):
        build_user_module(99, BODY)


def test_platforms_are_values() -> None:
    assert len({dataclasses.astuple(one)[0] for one in PLATFORMS.values()}) == len(PLATFORMS)


WHOLE = recorded("p2_v7")


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(WHOLE) - 8), st.binary(max_size=8)), max_size=6),
    st.integers(0, len(WHOLE)),
    st.booleans(),
)
def test_damage_is_refused_by_name_and_never_otherwise(
    changes: list[tuple[int, bytes]], length: int, seals: bool
) -> None:
    file = bytearray(WHOLE)
    for offset, content in changes:
        file[offset : offset + len(content)] = content
    damaged = bytes(file[:length])
    if seals and len(damaged) > 4:
        damaged = sealed(damaged)
    try:
        image = parse_image(damaged)
    except ImageRefused as error:
        assert error.code and error.message
    else:
        assert image.size_bytes == len(damaged)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=600))
def test_garbage_is_refused(file: bytes) -> None:
    with pytest.raises(ImageRefused):
        parse_image(file)
