"""Firmware versions of a product: upload, list, get, describe, download, delete.

Source: particle cloud notes §1.7, §2.14, §3.1.5; clients notes §4.
"""

from urllib.parse import quote

import msgspec
from starlette.responses import Response

from roadstead.firmware.content import FILE_BYTES_MAX, parse_version, refuse_sources
from roadstead.firmware.library import Draft, VersionView
from roadstead.http.operation import Call, Operation
from roadstead.http.uploads import FileLimits, UploadedFile
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import iso_ms
from roadstead.kit.errors import Invalid, NotFound

_TAG = "Firmware"

FILES = FileLimits(FILE_BYTES_MAX, max_files=20)
"""One file is wanted; several are taken apart so that sources are recognised and named."""


class UploadBody(msgspec.Struct, kw_only=True):
    """A new version: multipart, with the image or bundle as its one file, in any part."""

    version: str | int
    title: str = ""
    description: str = ""
    mandatory: bool = False


class DescribeBody(msgspec.Struct, kw_only=True):
    """What may be changed of a version."""

    title: str | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType = msgspec.UNSET
    mandatory: bool | msgspec.UnsetType = msgspec.UNSET


class Uploader(msgspec.Struct):
    """Who uploaded a version; null once the account is gone."""

    id: str | None
    username: str | None


class AssetDocument(msgspec.Struct):
    """A file that a version brings beside its application."""

    name: str
    size: int
    sha256: str


class VersionDocument(msgspec.Struct, kw_only=True):
    """A version of the firmware.

    ``proven_at`` says when a device of the product first said hello with it; ``needs`` which
    modules it needs; ``sha256`` is of the file as it was uploaded, ``module_sha256`` what devices
    report.
    """

    id: str = msgspec.field(name="_id")
    version: int
    title: str
    description: str
    name: str
    size: int
    product_id: int
    product_default: bool
    current: bool
    groups: list[str]
    intelligent: bool
    mandatory: bool
    uploaded_on: str
    uploaded_by: Uploader
    updated_at: str
    device_count: int
    released_at: str | None
    proven_at: str | None
    proven_by: str | None
    platform_id: int
    needs: list[dict[str, int]]
    assets: list[AssetDocument]
    sha256: str
    module_sha256: str
    crc32: str


async def list_firmware(call: Call) -> list[VersionDocument]:
    """All versions, the highest number first."""
    views = await call.parts.firmware.library.list_versions(call.product)
    return [document_of(view) for view in views]


async def get_firmware(call: Call) -> VersionDocument:
    """One version."""
    return document_of(
        await call.parts.firmware.library.get(call.product, version_in(call.path["version"]))
    )


async def upload_firmware(call: Call) -> VersionDocument:
    """Adds a version."""
    body: UploadBody = call.body
    version = parse_version(body.version)
    file = the_file(call)
    draft = Draft(version, body.title, body.description, body.mandatory, file.name)
    view = await call.parts.firmware.library.upload(
        call.actor, call.product, draft, file.content.read
    )
    return document_of(view)


async def describe_firmware(call: Call) -> VersionDocument:
    """Changes title, description or ``mandatory``."""
    body: DescribeBody = call.body
    told = {name: getattr(body, name) for name in ("title", "description", "mandatory")}
    changes = {name: value for name, value in told.items() if value is not msgspec.UNSET}
    if not changes:
        raise Invalid("invalid_request", "Nothing to do: send a title, a description or mandatory.")
    version = version_in(call.path["version"])
    return document_of(
        await call.parts.firmware.library.describe(call.actor, call.product, version, changes)
    )


async def download_firmware(call: Call) -> Response:
    """The file as it was uploaded."""
    found, content = await call.parts.firmware.library.read_file(
        call.product, version_in(call.path["version"])
    )
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(found.file_name, safe='')}",
        "etag": f'"{found.sha256}"',
    }
    kind = "application/zip" if found.is_bundle else "application/octet-stream"
    return Response(content, media_type=kind, headers=headers)


async def delete_firmware(call: Call) -> Response:
    """Removes a version that was never released."""
    version = version_in(call.path["version"])
    await call.parts.firmware.library.delete(call.actor, call.product, version)
    return Response(status_code=204)


def the_file(call: Call) -> UploadedFile:
    """The one file of a request.

    Raises:
        Invalid: ``no_compile_service``, ``no_file``.
    """
    refuse_sources([file.name for file in call.files])
    if not call.files:
        raise Invalid(
            "no_file", "There is no file: send the .bin or .zip as a part of multipart/form-data."
        )
    return call.files[0]


def version_in(text: str) -> int:
    """The version that a path names.

    Raises:
        NotFound: ``firmware_not_found``.
    """
    try:
        return parse_version(text)
    except Invalid as error:
        raise NotFound("firmware_not_found", f"{text[:20]!r} is no firmware version.") from error


def document_of(view: VersionView) -> VersionDocument:
    """A version as the API writes it."""
    one = view.version
    return VersionDocument(
        id=one.id,
        version=one.version,
        title=one.title,
        description=one.description,
        name=one.file_name,
        size=one.size_bytes,
        product_id=one.product_id,
        product_default=view.product_default,
        current=view.product_default,
        groups=view.groups,
        intelligent=view.intelligent,
        mandatory=one.mandatory,
        uploaded_on=iso_ms(one.uploaded_at),
        uploaded_by=Uploader(one.uploaded_by, view.uploaded_by),
        updated_at=iso_ms(one.updated_at),
        device_count=view.device_count,
        released_at=iso_ms(one.released_at) if one.released_at else None,
        proven_at=iso_ms(one.proven_at) if one.proven_at else None,
        proven_by=one.proven_by,
        platform_id=one.platform_id,
        needs=[
            {"function": need.function, "index": need.index, "version": need.version}
            for need in one.dependencies
        ],
        assets=[AssetDocument(asset.name, asset.size_bytes, asset.sha256) for asset in one.assets],
        sha256=one.sha256,
        module_sha256=one.module_sha256,
        crc32=f"{one.crc32:08x}",
    )


OPERATIONS = (
    Operation(
        name="list_firmware",
        method="GET",
        path="/v1/products/{product}/firmware",
        tag=_TAG,
        summary="List the firmware versions of a product",
        handler=list_firmware,
        permission=Permission.FIRMWARE_LIST,
        answer=list[VersionDocument],
    ),
    Operation(
        name="upload_firmware",
        method="POST",
        path="/v1/products/{product}/firmware",
        tag=_TAG,
        summary="Upload a firmware version",
        handler=upload_firmware,
        permission=Permission.FIRMWARE_CREATE,
        body=UploadBody,
        files=FILES,
        answer=VersionDocument,
        status=201,
        errors=(409, 503),
    ),
    Operation(
        name="get_firmware",
        method="GET",
        path="/v1/products/{product}/firmware/{version}",
        tag=_TAG,
        summary="Get a firmware version",
        handler=get_firmware,
        permission=Permission.FIRMWARE_GET,
        answer=VersionDocument,
    ),
    Operation(
        name="describe_firmware",
        method="PUT",
        path="/v1/products/{product}/firmware/{version}",
        tag=_TAG,
        summary="Change the title or description of a firmware version",
        handler=describe_firmware,
        permission=Permission.FIRMWARE_UPDATE,
        body=DescribeBody,
        answer=VersionDocument,
    ),
    Operation(
        name="delete_firmware",
        method="DELETE",
        path="/v1/products/{product}/firmware/{version}",
        tag=_TAG,
        summary="Delete a firmware version that was never released",
        handler=delete_firmware,
        permission=Permission.FIRMWARE_REMOVE,
        status=204,
        errors=(409,),
    ),
    Operation(
        name="download_firmware",
        method="GET",
        path="/v1/products/{product}/firmware/{version}/binary",
        tag=_TAG,
        summary="Download the file of a firmware version",
        handler=download_firmware,
        permission=Permission.FIRMWARE_BINARY_GET,
        media_type="application/octet-stream",
        errors=(503,),
    ),
)
