"""A recorded device against a real server.

Everything that this device says, byte for byte, was said by Device OS 6.2.0's own code and
recorded: its Hello, describes, subscriptions, and the answers to variables and functions. Only what
must differ on a new connection does: record protection, and in answers the message id and token.
"""

import base64
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key
from tests.builders.dtls import GEN_6
from tests.system.harness import RoadsteadServer
from tests.vectors.coap_recordings import DATA, recorded, responses_by_path

from roadstead.protocol.coap import codes
from roadstead.protocol.coap.message import ACK, CON, Message, decode_message, encode_message
from roadstead.protocol.dtls.client import DtlsClient
from roadstead.protocol.dtls.events import ApplicationData, Connected

pytestmark = pytest.mark.system

DEVICE_ID = "e00fce6800000000000000a1"
PASSWORD = "correct horse"


def spoken_at_connect() -> Iterator[bytes]:
    """The device's own messages from the Hello until the server first asked for something."""
    for side, encoded in recorded("basic"):
        if side == "D":
            yield encoded
        elif codes.is_request(decode_message(encoded).code) or encoded[:2] == b"\x40\x00":
            return


class RecordedDevice(threading.Thread):
    """Plays its recording on a UDP socket of its own.

    Attributes:
        answers: what the server acknowledged or answered, by the message id of the device.
    """

    def __init__(self, address: tuple[str, int], server_public_key: bytes) -> None:
        super().__init__(daemon=True)
        key = load_der_private_key((DATA / "keys/u1/device_key.der").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self.answers: dict[int, Message] = {}
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.connect(address)
        self._udp.settimeout(0.05)
        self._dtls = DtlsClient(
            private_key=key,
            server_public_key=server_public_key,
            random=os.urandom,
            device_id=bytes.fromhex(DEVICE_ID),
            generation=GEN_6,
        )
        self._said = list(spoken_at_connect())
        self._recorded = responses_by_path("basic")
        self._next_id = 0x200
        self.stopping = False

    def run(self) -> None:
        self._dtls.start(time.monotonic())
        while not self.stopping:
            self._flush()
            try:
                self._dtls.receive(self._udp.recv(2048), time.monotonic())
            except TimeoutError:
                self._dtls.handle_timeout(time.monotonic())
            while (event := self._dtls.next_event()) is not None:
                self._on_event(event)
        self._udp.close()

    def _on_event(self, event: object) -> None:
        if isinstance(event, Connected):
            self._dtls.send(self._said[0])
        elif isinstance(event, ApplicationData):
            self._on_message(decode_message(event.content))

    def _on_message(self, message: Message) -> None:
        if message.type == ACK:
            self.answers[message.message_id] = message
            if len(self.answers) == 1:  # the Hello's: now everything else, without waiting
                for said in self._said[1:]:
                    self._dtls.send(said)
        elif message.type == CON and message.code == codes.EMPTY:
            self._dtls.send(bytes([0x60, 0]) + message.message_id.to_bytes(2, "big"))
        elif message.type == CON:
            self._answer(message)

    def _answer(self, asked: Message) -> None:
        self._dtls.send(bytes([0x60, 0]) + asked.message_id.to_bytes(2, "big"))
        responses = self._recorded.get(tuple(asked.list_options(11)))
        if responses and codes.is_request(asked.code):
            self._next_id += 1
            first = responses[0]
            self._dtls.send(
                encode_message(
                    Message(
                        CON, first.code, self._next_id, asked.token, first.options, first.payload
                    )
                )
            )

    def _flush(self) -> None:
        for datagram in self._dtls.to_send():
            self._udp.send(datagram)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RoadsteadServer]:
    with RoadsteadServer(tmp_path) as running:
        running.create_user("jo@example.com", PASSWORD)
        key = DATA / "keys/u1/device_pub.der"
        done = running.command(
            "device", "register", DEVICE_ID, "--public-key", str(key), "--platform", "3"
        )
        assert done.returncode == 0, done.stderr
        yield running


def wait_for(condition, timeout_s: float = 15.0):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("not within the time")


def test_the_server_serves_what_device_os_said(server: RoadsteadServer) -> None:
    public = base64.b64decode(
        httpx.get(f"{server.api_url}/v1/server_keys", trust_env=False).json()["udp"][
            "public_key_der"
        ]
    )
    device = RecordedDevice(("127.0.0.1", server.udp_port), public)
    device.start()
    said = {decode_message(one).message_id: decode_message(one) for one in device._said}
    wait_for(lambda: device.answers.keys() >= said.keys())

    for message_id in said:
        answer = device.answers[message_id]
        if tuple(said[message_id].list_options(11)) == (b"t",):
            assert (answer.code, answer.token) == (0x45, said[message_id].token)
            assert abs(int.from_bytes(answer.payload, "big") - time.time()) < 5
            assert len(encode_message(answer)) == 10
        else:
            assert encode_message(answer) in (
                b"\x60\x00" + message_id.to_bytes(2, "big"),
                encode_message(Message(ACK, 0x44, message_id, said[message_id].token)),
            )

    with server.client(server.log_in("jo@example.com", PASSWORD)) as client:
        claimed = client.post("/v1/devices", json={"id": DEVICE_ID})
        assert claimed.status_code == 200, claimed.text
        shown = wait_for(lambda: client.get(f"/v1/devices/{DEVICE_ID}").json())
        assert shown["online"] is True
        assert shown["functions"] == ["led", "echo", "slow", "publish", "reset", "reconnect"]
        assert shown["system_firmware_version"] == "6.2.0"
        assert shown["variables"]["temperature"] == "double"

        def read(name: str) -> object:
            answer = client.get(f"/v1/devices/{DEVICE_ID}/{name}")
            assert answer.status_code == 200, answer.text
            return answer.json()["result"]

        assert read("counter") == 4
        assert read("temperature") == 20.4
        assert read("flag") is True
        assert isinstance(read("state"), str)
        assert len(str(read("longText"))) == 600
        called = client.post(f"/v1/devices/{DEVICE_ID}/led", json={"args": "on"})
        assert called.json()["return_value"] == 1
        assert client.put(f"/v1/devices/{DEVICE_ID}/ping").json()["online"] is True
        assert client.get(f"/v1/devices/{DEVICE_ID}/nosuch").status_code == 404

        # Killed and started again, the server goes on in the only session that this device has.
        server.restart()
        assert read("counter") == 4
        assert client.get(f"/v1/devices/{DEVICE_ID}").json()["functions"] == shown["functions"]
    device.stopping = True
