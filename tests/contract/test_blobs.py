"""One suite for both kinds of blobs: a folder, and an object store by its library."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import obstore.store
import pytest

from roadstead.kit.errors import Invalid, Unavailable
from roadstead.storage.blobs import (
    LISTED,
    Blobs,
    FolderBlobs,
    StoreBlobs,
    open_blobs,
    parse_blobs_url,
)

KEY = "firmware/0123/app.bin"


@pytest.fixture(params=["folder", "store"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "folder":
        return open_blobs(None, tmp_path / "blobs")
    opened = StoreBlobs("s3://bucket/prefix")
    opened._store = obstore.store.LocalStore(tmp_path)  # the same library, another place
    return opened


async def test_a_blob_is_kept_and_given_back_and_removed(blobs: Blobs):
    content = bytes(range(256)) * 5000
    await blobs.put(KEY, content)
    await blobs.put("firmware/0123/other.bin", b"")
    assert await blobs.get(KEY) == content
    assert await blobs.get("firmware/0123/other.bin") == b""
    await blobs.delete(KEY)
    await blobs.delete(KEY)
    with pytest.raises(Unavailable) as missing:
        await blobs.get(KEY)
    assert missing.value.code == "blob_missing"


async def test_blobs_are_listed_by_folder_and_age(blobs: Blobs):
    keys = [f"firmware/{number:03}/file" for number in range(450)]
    for key in [*keys, "flash/1/file", "firmware2/1/file"]:
        await blobs.put(key, b"x")
    later = datetime.now(UTC) + timedelta(seconds=5)
    pages = [page async for page in blobs.list_older("firmware", later)]
    assert sorted(key for page in pages for key in page) == keys
    assert all(len(page) <= LISTED for page in pages)
    earlier = later - timedelta(hours=1)
    assert not [key async for page in blobs.list_older("firmware", earlier) for key in page]
    assert not [key async for page in blobs.list_older("nothing", later) for key in page]


async def test_a_draft_of_a_process_that_died_goes_with_its_age(tmp_path: Path):
    blobs = FolderBlobs(tmp_path)
    await blobs.put(KEY, b"x")
    draft = tmp_path / "firmware/0123/.file.0badcafe"
    draft.write_bytes(b"half")
    now = datetime.now(UTC)
    assert [page async for page in blobs.list_older("firmware", now - timedelta(days=1))] == []
    assert draft.exists()
    pages = [page async for page in blobs.list_older("firmware", now + timedelta(seconds=5))]
    assert pages == [[KEY]]
    assert not draft.exists()


@pytest.mark.parametrize("key", ["", "/a", "a/../b", "../a", "A", "a//b", "a\0", "a/" * 9 + "a"])
async def test_a_key_leads_nowhere_else(blobs: Blobs, key: str):
    with pytest.raises(ValueError, match="no key"):
        await blobs.put(key, b"")
    with pytest.raises(ValueError, match="no key"):
        await blobs.get(key)
    with pytest.raises(ValueError, match="no key"):
        await blobs.delete(key)


async def test_files_are_private_and_no_draft_stays(tmp_path: Path):
    await FolderBlobs(tmp_path).put(KEY, b"x")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]  # noqa: ASYNC240
    assert files == [tmp_path / KEY]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


async def test_a_store_that_cannot_be_reached_is_said(monkeypatch: pytest.MonkeyPatch):
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_REGION": "x",
    }.items():
        monkeypatch.setenv(name, value)
    blobs = StoreBlobs("s3://bucket")
    blobs._store = obstore.store.from_url("s3://bucket", retry_config={"max_retries": 0})
    with pytest.raises(Unavailable) as refused:
        await blobs.get(KEY)
    assert refused.value.code == "blobs_unavailable"


def test_urls():
    assert parse_blobs_url("blobs_url", "") is None
    assert parse_blobs_url("blobs_url", "s3://bucket/some/prefix") == "s3://bucket/some/prefix"
    for wrong in ("bucket", "/var/blobs", "file:///x", "s3://", "http://x"):
        with pytest.raises(Invalid):
            parse_blobs_url("blobs_url", wrong)
