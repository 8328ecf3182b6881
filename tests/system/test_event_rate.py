"""A device that publishes more than the operator allows, over real sockets."""

import re
from pathlib import Path

import pytest
from tests.system.desk import Desk
from tests.system.harness import RoadsteadServer

from roadstead.simulator.firmware import Publication
from roadstead.simulator.publishing import Outcome

pytestmark = pytest.mark.system


async def test_events_beyond_the_limit_are_refused_and_not_stored(tmp_path: Path):
    with RoadsteadServer(tmp_path, device_events_per_s="1") as server:
        server.create_user("jo@example.com", "correct horse")
        token = server.log_in("jo@example.com", "correct horse")
        desk = Desk(server.api_url, token)
        device = await desk.put()
        outcomes = [
            await device.publish_and_wait(Publication("rate/test", b"%d" % number))
            for number in range(8)
        ]
        stored = outcomes.count(Outcome.ACKNOWLEDGED)
        assert outcomes[:4] == [Outcome.ACKNOWLEDGED] * 4
        assert outcomes[-1] is Outcome.REFUSED
        with server.client(token) as client:
            history = client.get("/v1/event_history", params={"prefix": "rate/"}).json()
            counters = client.get("/metrics").text
        assert len(history["events"]) == stored
        assert re.search(rf"events_over_rate_total {8 - stored}\.0", counters)
