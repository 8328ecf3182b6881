"""A device that publishes more than the operator allows, over real sockets."""

import asyncio
import re
from pathlib import Path

import pytest
from tests.system.desk import Desk
from tests.system.harness import RoadsteadServer

from roadstead.simulator.firmware import Publication
from roadstead.simulator.publishing import Outcome

pytestmark = pytest.mark.system

SENT = 30


async def test_events_beyond_the_limit_are_refused_and_not_stored(tmp_path: Path):
    with RoadsteadServer(tmp_path, device_events_per_s="1") as server:
        server.create_user("jo@example.com", "correct horse")
        token = server.log_in("jo@example.com", "correct horse")
        desk = Desk(server.api_url, token)
        device = await desk.put()
        publications = [Publication("rate/test", b"%d" % number) for number in range(SENT)]
        outcomes = await asyncio.gather(*map(device.publish_and_wait, publications))
        stored = outcomes.count(Outcome.ACKNOWLEDGED)
        # Four at once, and one more for each second that a busy machine takes.
        assert 4 <= stored < SENT
        assert outcomes.count(Outcome.REFUSED) == SENT - stored
        with server.client(token) as client:
            kept: list[object] = []
            async with asyncio.timeout(20):
                # A statement that reads while others are committed may see the moment before.
                while len(kept) < stored:
                    answer = client.get("/v1/event_history", params={"prefix": "rate/"})
                    kept = answer.json()["events"]
                    await asyncio.sleep(0.1)
            counters = client.get("/metrics").text
        assert len(kept) == stored
        assert re.search(rf"events_over_rate_total {SENT - stored}\.0", counters)
