"""A device says its claim code over a real socket."""

from pathlib import Path

from tests.builders.edge import running_edge, until
from tests.builders.identity import make_identity

from roadstead.devices.claiming import ClaimCodes
from roadstead.identity.model import OPERATOR, Actor

CODE_EVENT, SUCCESS_EVENT = "spark/device/claim/code", "spark/device/claim/success"


async def test_a_device_with_a_code_gets_its_owner_and_hears_of_it(tmp_path: Path) -> None:
    async with running_edge(tmp_path) as edge:
        identity = make_identity(edge.database, edge.clock)
        user = await identity.create_user("jo@example.com", "correct horse", actor=OPERATOR)
        identity.close()
        device = await edge.add_device()
        await edge.own(device.device_id, None)
        await device.connect()
        made = await ClaimCodes(edge.database, edge.clock).create(Actor(user.id, user.username))
        await device.publish(CODE_EVENT, b"x" * 63)
        assert edge.gateway.counters.claim_codes_refused == 1
        await device.publish(CODE_EVENT, made.code.encode())
        await until(lambda: SUCCESS_EVENT in [event.name for event in device.events])
        found = await edge.registry.find_identity(device.device_id)
        assert found is not None and found.owner_id == user.id
        await device.publish("hello", b"1")
        await until(lambda: edge.named("hello"))
        assert edge.named("hello")[0].owner_id == user.id
        assert not edge.named(CODE_EVENT)
        device.close()
