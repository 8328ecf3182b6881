import contextlib
import tempfile

import pytest
from tests.unit.http.test_fields import receiver

from roadstead.http import uploads
from roadstead.http.fields import ClientGone
from roadstead.http.uploads import FileLimits, Upload, read_upload
from roadstead.kit.errors import DomainError, Invalid, TimedOut

TYPE = {"content-type": 'multipart/form-data; boundary="b"'}
LIMITS = FileLimits(max_bytes=100, max_files=2)


def part(name: str, content: bytes, filename: str | None = None, *more: str) -> bytes:
    named = f'; filename="{filename}"' if filename is not None else ""
    head = [f'Content-Disposition: form-data; name="{name}"{named}', *more]
    return b"--b\r\n" + "\r\n".join(head).encode() + b"\r\n\r\n" + content + b"\r\n"


def body(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--b--\r\n"


@contextlib.asynccontextmanager
async def reading(content: bytes, limits: FileLimits = LIMITS, headers=TYPE, step: int = 7):
    pieces = [content[i : i + step] for i in range(0, len(content), step)] or [b""]
    with contextlib.closing(Upload()) as upload:
        await read_upload(receiver(*pieces), headers, limits, upload)
        yield upload


@pytest.mark.parametrize("step", [1, 7, 10_000])
async def test_fields_and_files_come_apart_however_the_body_is_cut(step):
    sent = body(
        part("version", b"7"),
        part("file", b"\r\n--a not quite", "C:\\jo\\a/firmware.bin", "Content-Type: app/x"),
        part("title", "Höhe".encode()),
        part("groups[]", b"a"),
        part("groups[]", b"b"),
        part("file2", b"", "empty.bin"),
    )
    async with reading(sent, step=step) as upload:
        assert upload.fields == {"version": "7", "title": "Höhe", "groups": ["a", "b"]}
        first, second = upload.files
        assert (first.part, first.name, first.media_type) == ("file", "firmware.bin", "app/x")
        assert first.content.read() == b"\r\n--a not quite"
        assert first.size_bytes == 15
        assert (second.part, second.content.read()) == ("file2", b"")


async def test_a_long_file_goes_to_the_disk():
    content = bytes(range(256)) * 8192  # 2 MiB
    limits = FileLimits(max_bytes=len(content))
    async with reading(body(part("file", content, "f")), limits, step=65536) as upload:
        spooled = upload.files[0].content
        assert isinstance(spooled, tempfile.SpooledTemporaryFile)
        assert spooled._rolled
        assert spooled.read() == content
    assert spooled.closed


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"", "invalid_request", "ends before"),
        (b"nonsense", "invalid_request", ""),
        (part("a", b"1"), "invalid_request", "ends before"),
        (body(b"--b\r\nContent-Type: x\r\n\r\nz\r\n"), "invalid_request", "no name"),
        (body(part("a", b"1"), part("a", b"2")), "invalid_request", "given twice"),
        (body(part("a", b"\xff")), "invalid_request", "UTF-8"),
        (body(part("a", b"x" * 70_000)), "invalid_request", "'a'"),
        (body(*(part(f"a{n}", b"1") for n in range(101))), "invalid_request", "100 fields"),
        (body(part("f", b"x" * 101, "f")), "upload_too_large", "100 bytes"),
        (body(part("f", b"x" * 60, "f"), part("g", b"x" * 60, "g")), "upload_too_large", "100"),
        (body(*(part(f"f{n}", b"", "f") for n in range(3))), "too_many_files", "2 files"),
    ],
)
async def test_what_is_wrong_is_said(content, code, says):
    with pytest.raises(Invalid) as refused:
        async with reading(content, step=65536):
            pass
    assert refused.value.code == code
    assert says in refused.value.message


async def test_an_announced_length_beyond_the_limit_is_refused_before_anything_is_read():
    with pytest.raises(DomainError, match="100 bytes"):
        async with reading(b"", headers={**TYPE, "content-length": "999999999"}):
            pass


async def test_a_body_without_a_boundary_is_refused():
    with pytest.raises(Invalid, match="boundary"):
        async with reading(b"", headers={"content-type": "multipart/form-data"}):
            pass


async def test_a_client_that_leaves_and_one_that_falls_silent(monkeypatch):
    async def gone():
        return {"type": "http.disconnect"}

    with contextlib.closing(Upload()) as upload, pytest.raises(ClientGone):
        await read_upload(gone, TYPE, LIMITS, upload)

    async def silent():
        await __import__("asyncio").sleep(10)

    monkeypatch.setattr(uploads, "IDLE_TIMEOUT_S", 0.01)
    with contextlib.closing(Upload()) as upload, pytest.raises(TimedOut):
        await read_upload(silent, TYPE, LIMITS, upload)
