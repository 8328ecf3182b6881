"""How the server itself is, for those who run it."""

import platform

import msgspec

from roadstead.http.operation import Call, Operation
from roadstead.http.server import find_health
from roadstead.http.server_facts import (
    BackupFacts,
    CertificateFacts,
    DatabaseFacts,
    DeviceEdgeFacts,
    DiskFacts,
    Queue,
)
from roadstead.identity.permissions import Permission
from roadstead.kit.errors import NotOffered


class ServerStatusAnswer(msgspec.Struct):
    """How the server is; ``status`` and ``checks`` are those of ``/healthz``."""

    status: str
    checks: dict[str, str]
    version: str
    python: str
    uptime_s: int
    requests_in_flight: int
    database: DatabaseFacts
    disk: DiskFacts
    backup: BackupFacts | None
    certificate: CertificateFacts | None
    queues: list[Queue]
    devices: DeviceEdgeFacts
    settings: dict[str, str]


async def get_server_status(call: Call) -> ServerStatusAnswer:
    """Looks at everything that an operator asks about."""
    source = call.parts.status
    if source is None:
        raise NotOffered("not_offered", "This server cannot look at itself.")
    health, facts = await find_health(call), await source.look()
    return ServerStatusAnswer(
        status=health.status,
        checks=health.checks,
        version=health.version,
        python=platform.python_version(),
        uptime_s=health.uptime_s,
        requests_in_flight=call.edge.counters.in_flight,
        database=facts.database,
        disk=facts.disk,
        backup=facts.backup,
        certificate=facts.certificate,
        queues=facts.queues,
        devices=facts.devices,
        settings=facts.settings,
    )


OPERATIONS = (
    Operation(
        name="get_server_status",
        method="GET",
        path="/v1/server",
        tag="Server",
        summary="Say how the server is: version, database, disk, backup, queues, certificate",
        handler=get_server_status,
        permission=Permission.SERVER_STATUS_GET,
        answer=ServerStatusAnswer,
        errors=(501,),
    ),
)
