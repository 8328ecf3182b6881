"""A reader goes on where it stopped, though the server is killed under it."""

import json
import threading
import time

import httpx
import pytest
from tests.system.harness import RoadsteadServer

pytestmark = pytest.mark.system

EMAIL, PASSWORD = "jo@example.com", "correct horse battery"


class Publisher(threading.Thread):
    """Publishes numbered events until it is told to stop; repeats none that was acknowledged."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(daemon=True)
        self.url, self.token = url, token
        self.acknowledged: list[int] = []
        self.unsure: list[int] = []
        self.ending = threading.Event()

    def run(self) -> None:
        number = 0
        with httpx.Client(base_url=self.url, trust_env=False, timeout=5) as client:
            client.headers["Authorization"] = f"Bearer {self.token}"
            while not self.ending.is_set():
                body = {"name": "n", "data": str(number)}
                try:
                    answer = client.post("/v1/devices/events", json=body)
                    taken = answer.status_code == 200
                except httpx.HTTPError:
                    taken = False
                    time.sleep(0.02)
                (self.acknowledged if taken else self.unsure).append(number)
                number += 1


def read_some(server, token, query, headers, found, until) -> None:
    """Appends (id, data) of events to ``found`` until ``until(found)`` or the stream breaks."""
    url = f"{server.api_url}/v1/devices/events"
    headers = {"Authorization": f"Bearer {token}", **headers}
    try:
        with httpx.stream(
            "GET", url, params=query, headers=headers, timeout=10, trust_env=False
        ) as answer:
            assert answer.status_code == 200
            event_id = 0
            for line in answer.iter_lines():
                if line.startswith("id: "):
                    event_id = int(line[4:])
                elif line.startswith("data: "):
                    found.append((event_id, json.loads(line[6:])["data"]))
                    if until(found):
                        return
    except httpx.HTTPError:
        return


@pytest.mark.parametrize("named", [False, True])
def test_nothing_acknowledged_is_lost_or_repeated_across_kills(tmp_path, named):
    with RoadsteadServer(tmp_path, rate_limits="off") as server:
        server.create_user(EMAIL, PASSWORD)
        token = server.log_in(EMAIL, PASSWORD)
        publisher = Publisher(server.api_url, token)
        query = {"subscription": "archive", "ack": "manual"} if named else {}
        found: list[tuple[int, str]] = []
        first = threading.Thread(
            target=read_some,
            args=(server, token, query, {}, found, lambda got: False),
            daemon=True,
        )
        first.start()
        time.sleep(0.5)
        publisher.start()
        for _ in range(2):
            deadline = time.monotonic() + 20
            count = len(found)
            while len(found) < count + 50 and time.monotonic() < deadline:
                time.sleep(0.01)
            server.restart()
            first.join(10)
            if named and found:
                answer = httpx.post(
                    f"{server.api_url}/v1/event_subscriptions/archive/ack",
                    json={"id": str(found[-1][0])},
                    headers={"Authorization": f"Bearer {token}"},
                    trust_env=False,
                )
                assert answer.status_code == 200, answer.text
            headers = {} if named else {"Last-Event-ID": str(found[-1][0])}
            first = threading.Thread(
                target=read_some,
                args=(server, token, query, headers, found, lambda got: False),
                daemon=True,
            )
            first.start()
        time.sleep(1)
        publisher.ending.set()
        publisher.join(10)
        deadline = time.monotonic() + 10
        wanted = {str(number) for number in publisher.acknowledged}
        while not wanted <= {data for _, data in found} and time.monotonic() < deadline:
            time.sleep(0.05)
        ids = [event_id for event_id, _ in found]
        data = [text for _, text in found]
        assert ids == sorted(set(ids))
        assert len(data) == len(set(data))
        assert wanted <= set(data)
        assert set(data) <= wanted | {str(number) for number in publisher.unsure}
        assert len(wanted) > 100
