"""Firmware versions over HTTP: uploaded, refused, listed, described, given back, deleted."""

import asyncio
import hashlib
import io
import zipfile
import zlib

import pytest
from sqlalchemy import select
from tests.builders.cloud import Cloud, Person
from tests.builders.firmware import BORON, P2, make_image, needs_device_os
from tests.builders.maker import Maker, make_maker

from roadstead.audit.trail import list_rows
from roadstead.events.store import events
from roadstead.firmware import store
from roadstead.firmware.images import bundle
from roadstead.firmware.images.bundle_builder import build_bundle, refer_to

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
async def maker(cloud: Cloud, jo: Person) -> Maker:
    return await make_maker(cloud, jo)


async def test_a_version_is_uploaded_listed_got_and_given_back(cloud: Cloud, maker: Maker):
    image = make_image(7, dependency=needs_device_os(6301)[0])
    answer = await maker.upload(7, image, part="binary", title=" Seven ", description="d")
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert len(made["_id"]) == 24
    expected = {
        "version": 7,
        "title": "Seven",
        "description": "d",
        "name": "firmware.bin",
        "size": len(image),
        "product_id": maker.product_id,
        "product_default": False,
        "current": False,
        "groups": [],
        "intelligent": False,
        "mandatory": False,
        "device_count": 0,
        "released_at": None,
        "proven_at": None,
        "platform_id": BORON,
        "needs": [{"function": 4, "index": 1, "version": 6301}],
        "assets": [],
        "sha256": hashlib.sha256(image).hexdigest(),
    }
    assert {name: made[name] for name in expected} == expected
    assert made["uploaded_by"]["username"] == "jo@example.com"
    assert made["uploaded_on"] == "2026-01-01T00:00:00.000Z"
    await maker.uploaded(8)
    assert [one["version"] for one in await maker.get("/firmware")] == [8, 7]
    assert await maker.get("/firmware/7") == made
    got = await maker.person.client.get(f"/v1/products/{maker.slug}/firmware/7/binary")
    assert got.content == image
    assert got.headers["content-type"] == "application/octet-stream"
    assert "firmware.bin" in got.headers["content-disposition"]
    await cloud.journal.flush()
    rows = await cloud.parts.database.read(
        lambda conn: conn.execute(select(events.c.name, events.c.payload)).all()
    )
    assert [(row.name, bytes(row.payload)) for row in rows] == [
        ("particle/firmware/create", b'{"version":"7"}'),
        ("particle/firmware/create", b'{"version":"8"}'),
    ]


def broken(position: int) -> bytes:
    content = bytearray(make_image(7))
    content[position] ^= 0xFF
    return bytes(content)


def resealed(offset: int, value: bytes) -> bytes:
    """The image with other bytes at an offset, and a checksum that fits them."""
    content = bytearray(make_image(7))
    start = offset % len(content)
    content[start : start + len(value)] = value
    content[-4:] = zlib.crc32(content[:-4]).to_bytes(4, "big")
    return bytes(content)


REFUSED = {
    "file_empty": b"",
    "file_too_small": b"\0" * 40,
    "not_a_module": b"no firmware at all " * 10,
    "bad_crc": broken(500),
    "truncated": make_image(7)[:-100],
    "trailing_bytes": make_image(7) + b"\0" * 8,
    "bad_addresses": resealed(4, bytes(4)),
    "bad_suffix": resealed(-6, b"\xff\xff"),
    "wrong_platform": make_image(7, P2),
    "wrong_version": make_image(8),
    "missing_version": make_image(0xFFFF),
    "wrong_product_id": make_image(7, product_id=4321),
    "wrong_function": resealed(14, b"\x04"),
    "bad_archive": b"PK\3\4 and then nothing",
}


@pytest.mark.parametrize(("code", "content"), REFUSED.items(), ids=list(REFUSED))
async def test_a_file_that_is_no_such_version_is_refused_by_name(maker: Maker, code, content):
    answer = await maker.upload(7, content)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] == code
    assert answer.json()["error_description"].endswith(".")
    assert await maker.get("/firmware") == []


async def test_a_file_that_is_too_long_is_refused_while_it_arrives(maker: Maker):
    answer = await maker.upload(7, bytes(33 * 1024 * 1024))
    assert (answer.status_code, answer.json()["error"]) == (413, "upload_too_large")
    answer = await maker.upload(7, bytes(17 * 1024 * 1024))
    assert (answer.status_code, answer.json()["error"]) == (400, "file_too_large")


@pytest.mark.parametrize("version", ["0", "65535", "-1", "7.5", "seven", "", "٧"])
async def test_a_number_that_is_no_version(maker: Maker, version: str):
    answer = await maker.person.client.post(
        f"{maker.path}/firmware", data={"version": version}, files={"file": make_image(7)}
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_version")


async def test_what_a_request_lacks_is_named(maker: Maker):
    client, path = maker.person.client, f"{maker.path}/firmware"
    answer = await client.post(path, files={"file": make_image(7)})
    assert answer.json()["error_description"] == "Field 'version' is missing."
    answer = await client.post(path, json={"version": 7})
    assert answer.json()["error"] == "no_file"
    answer = await client.post(path, data={"version": "7"}, files={"file": ("app.ino", b"x")})
    assert answer.json()["error"] == "no_compile_service"
    assert "compile" in answer.json()["error_description"]
    answer = await maker.upload(7, title="t" * 256)
    assert answer.json()["error"] == "bad_title"


async def test_a_number_is_given_once_whoever_comes_at_the_same_time(cloud: Cloud, maker: Maker):
    answers = await asyncio.gather(*(maker.upload(7) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert {a.json()["error"] for a in answers if a.status_code == 409} == {"version_exists"}
    made = next(a.json() for a in answers if a.status_code == 201)
    files = cloud.parts.firmware.files.blobs
    kept = await cloud.parts.database.read(
        lambda conn: store.find_version(conn, maker.product_id, 7)
    )
    assert kept is not None
    assert kept.id == made["_id"]
    folders = list(files._folder.glob("firmware/*/*"))  # type: ignore[attr-defined]
    assert [path.parent.name for path in folders if path.is_file()] == [kept.id]


async def test_a_bundle_brings_its_assets(cloud: Cloud, maker: Maker):
    assets = {"ding.wav": b"ding" * 500, "logo.png": b"logo" * 50}
    image = make_image(7, assets=refer_to(assets))
    packed = build_bundle("firmware.bin", image, {**assets, "spare.txt": b"not expected"})
    answer = await maker.upload(7, packed)
    assert answer.status_code == 201, answer.text
    assert [(one["name"], one["size"]) for one in answer.json()["assets"]] == [
        ("ding.wav", 2000),
        ("logo.png", 200),
    ]
    got = await maker.person.client.get(f"{maker.path}/firmware/7/binary")
    assert got.content == packed
    assert got.headers["content-type"] == "application/zip"
    kept = await cloud.parts.database.read(
        lambda conn: store.find_version(conn, maker.product_id, 7)
    )
    assert kept is not None
    assert kept.is_bundle
    read = cloud.parts.firmware.files.read
    assert await read(kept.application_key, kept.application_sha256) == image
    for one in kept.assets:
        assert await read(one.blob_key, one.sha256) == assets[one.name]


def archive(*entries: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries:
            made.writestr(name, content)
    return packed.getvalue()


EXPECTS = make_image(7, assets=refer_to({"a": b"a"}))
ROOM = bundle.ASSET_BYTES_MAX
BAD_BUNDLES = {
    "assets_too_large": archive(("a.bin", EXPECTS), ("assets/a", bytes(ROOM + 1))),
    "entry_too_large": archive(("a.bin", bytes(17 * 1024 * 1024))),
    "too_many_entries": archive(*((f"assets/{n}", b"") for n in range(300))),
    "bad_entry_name": archive(("a.bin", EXPECTS), ("assets/../../x", b"")),
    "no_application": archive(("assets/a", b"a")),
    "two_applications": archive(("a.bin", EXPECTS), ("b.bin", EXPECTS)),
    "missing_asset": archive(("a.bin", EXPECTS)),
    "wrong_asset": archive(("a.bin", EXPECTS), ("assets/a", b"b")),
    "unexpected_entry": archive(("a.bin", EXPECTS), ("readme.txt", b"b")),
}


@pytest.mark.parametrize(("code", "content"), BAD_BUNDLES.items(), ids=list(BAD_BUNDLES))
async def test_a_bundle_that_is_wrong_or_a_bomb_is_refused_by_name(maker: Maker, code, content):
    answer = await maker.upload(7, content)
    assert (answer.status_code, answer.json()["error"]) == (400, code)


async def test_title_and_description_can_be_changed(cloud: Cloud, maker: Maker):
    await maker.uploaded(7)
    client = maker.person.client
    changed = await client.put(f"{maker.path}/firmware/7", json={"title": "t2", "mandatory": True})
    assert changed.json()["title"] == "t2"
    assert changed.json()["mandatory"] is True
    assert (await client.put(f"{maker.path}/firmware/7", json={})).status_code == 400
    assert (await client.put(f"{maker.path}/firmware/9", json={"title": "x"})).status_code == 404
    rows = await cloud.parts.database.read(lambda conn: list_rows(conn, limit=1))
    assert rows[0].action == "firmware.update"
    assert rows[0].before == {"title": "", "mandatory": False}
    assert rows[0].target == f"product/{maker.product_id}/firmware/7"


async def test_a_version_that_was_never_released_can_be_deleted_and_come_again(
    cloud: Cloud, maker: Maker
):
    await maker.uploaded(7)
    answer = await maker.person.client.delete(f"{maker.path}/firmware/7")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await maker.person.client.get(f"{maker.path}/firmware/7")).status_code == 404
    folder = cloud.parts.firmware.files.blobs._folder  # type: ignore[attr-defined]
    assert [path for path in folder.glob("firmware/*/*") if path.is_file()] == []
    await maker.uploaded(7)
    await cloud.parts.database.write(
        lambda conn: store.mark_released(conn, maker.product_id, 7, cloud.clock.now())
    )
    answer = await maker.person.client.delete(f"{maker.path}/firmware/7")
    assert (answer.status_code, answer.json()["error"]) == (409, "firmware_released")


async def test_a_file_that_was_damaged_on_the_disk_is_not_given_out(cloud: Cloud, maker: Maker):
    await maker.uploaded(7)
    folder = cloud.parts.firmware.files.blobs._folder  # type: ignore[attr-defined]
    [path] = [path for path in folder.glob("firmware/*/*") if path.is_file()]
    path.write_bytes(b"something else")
    answer = await maker.person.client.get(f"{maker.path}/firmware/7/binary")
    assert (answer.status_code, answer.json()["error"]) == (503, "blob_damaged")


async def test_a_strangers_firmware_is_unknown(maker: Maker, stranger: Person):
    await maker.uploaded(7)
    for method, path in [
        ("GET", "/firmware"),
        ("GET", "/firmware/7"),
        ("GET", "/firmware/7/binary"),
        ("DELETE", "/firmware/7"),
        ("PUT", "/firmware/7"),
        ("POST", "/firmware"),
    ]:
        body = {"title": "x", "version": 7} if method in ("PUT", "POST") else None
        answer = await stranger.client.request(method, f"{maker.path}{path}", json=body)
        assert answer.status_code == 404, (method, path)
    assert (await maker.get("/firmware/7"))["title"] == ""
