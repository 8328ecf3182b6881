"""Coverage-guided fuzzing of the DTLS decoders and of the whole server and client.

    python fuzz/dtls_server.py -max_total_time=15

The input is a script: its first byte chooses a target; for the server the rest says which datagrams
of recorded and of living sessions are changed how, and from where they come.
"""

import contextlib
import importlib.util
import sys
from pathlib import Path
from random import Random

if importlib.util.find_spec("atheris") is None:
    print("fuzz/dtls_server.py: no atheris for this Python; not fuzzed")
    raise SystemExit(0)

sys.path.insert(0, str(Path(__file__).parents[1]))

import atheris

with atheris.instrument_imports(include=["roadstead.protocol"]):
    from roadstead.protocol.dtls import handshake_messages, hellos
    from roadstead.protocol.dtls.client_state import ClientState
    from roadstead.protocol.dtls.events import ApplicationData
    from roadstead.protocol.dtls.reader import DtlsFormatError
    from roadstead.protocol.dtls.snapshot import SessionSnapshot

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key
from tests.builders.dtls import (
    GEN_3_0,
    GEN_6,
    HERE,
    THERE,
    Owner,
    Wire,
    make_client,
    make_server,
    spki_of,
)
from tests.vectors.dtls_recordings import DATA, RecordedHandshake, read_handshakes, read_records

DECODERS = (
    handshake_messages.decode_fragments,
    handshake_messages.decode_certificate,
    handshake_messages.decode_certificate_verify,
    handshake_messages.decode_client_key_exchange,
    handshake_messages.decode_server_key_exchange,
    hellos.decode_client_hello,
    hellos.decode_hello_verify_request,
    hellos.decode_server_hello,
    SessionSnapshot.decode,
    ClientState.decode,
)
RECORDS = [record.wire for record in read_records("basic")][:60]
SESSION: RecordedHandshake = read_handshakes("resume")[0]
RECORDED = [record for record in SESSION.protected if record.from_device]
ADDRESSES = (HERE, THERE, ("192.0.2.1", 9), ("2001:db8::1", 65535))


def load_device_key() -> ec.EllipticCurvePrivateKey:
    key = load_der_private_key((DATA / "keys/u1/device_key.der").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


DEVICE_KEY = load_device_key()


def change(script: atheris.FuzzedDataProvider, datagram: bytes) -> bytes:
    """The datagram after up to three changes that the script says."""
    content = bytearray(datagram)
    for _ in range(script.ConsumeIntInRange(0, 3)):
        place = script.ConsumeIntInRange(0, len(content))
        what = script.ConsumeIntInRange(0, 3)
        if what == 0:
            content[place : place + 1] = script.ConsumeBytes(1)
        elif what == 1:
            del content[place : place + script.ConsumeIntInRange(1, 40)]
        elif what == 2:
            content[place:place] = script.ConsumeBytes(script.ConsumeIntInRange(1, 40))
        else:
            content += RECORDS[script.ConsumeIntInRange(0, len(RECORDS) - 1)]
    return bytes(content)


def fuzz_decoders(script: atheris.FuzzedDataProvider) -> None:
    decode = DECODERS[script.ConsumeIntInRange(0, len(DECODERS) - 1)]
    content = script.ConsumeBytes(600)
    with contextlib.suppress(DtlsFormatError):
        decode(content)


def fuzz_recorded_session(script: atheris.FuzzedDataProvider) -> None:
    """A server that took up a recorded session: only what was recorded is ever heard."""
    server = make_server()
    server.restore(
        SessionSnapshot(SESSION.cid, None, HERE, bytes(32), SESSION.keys, 1 << 30, -1, 0, None),
        0.0,
    )
    genuine = {record.plaintext for record in RECORDED}
    for _ in range(script.ConsumeIntInRange(1, 12)):
        record = RECORDED[script.ConsumeIntInRange(0, len(RECORDED) - 1)]
        address = ADDRESSES[script.ConsumeIntInRange(0, len(ADDRESSES) - 1)]
        server.receive(change(script, record.wire), address, 0.0)
    heard = []
    while (event := server.next_event()) is not None:
        if isinstance(event, ApplicationData):
            heard.append(event.content)
    if not set(heard) <= genuine:
        raise RuntimeError("the server heard a forged message")


def fuzz_living_session(script: atheris.FuzzedDataProvider) -> None:
    """A handshake and a session under attack, with crashes of the server in between."""
    generation = GEN_6 if script.ConsumeBool() else GEN_3_0
    owner = Owner(make_server(), {spki_of(DEVICE_KEY): bytes(12)})
    client = make_client(generation, key=DEVICE_KEY, device_id=bytes(12))
    wire = Wire(client, owner)

    def attacked(number: int, datagram: bytes) -> list[float]:
        for _ in range(script.ConsumeIntInRange(0, 4)):
            address = ADDRESSES[script.ConsumeIntInRange(0, len(ADDRESSES) - 1)]
            wire.owner.server.receive(change(script, datagram), address, wire.now)
            wire.owner.drain(wire.now)
        return [0.0, 4.0][: script.ConsumeIntInRange(0, 2)]

    def disturbed(number: int, datagram: bytes) -> list[float]:
        if script.ConsumeBool():
            client.receive(change(script, datagram), wire.now)
        return [0.0]

    wire.to_server, wire.to_client = attacked, disturbed
    client.start(wire.now)
    wire.run(script.ConsumeIntInRange(0, 50))
    if script.ConsumeBool() and wire.owner.stored:
        wire.owner = taken_over(wire)
    if client.connected:
        client.resume()
        client.send(b"genuine")
        wire.run(1.0)
    if not set(wire.owner.received()) <= {b"genuine"}:
        raise RuntimeError("the server heard a forged message")


def taken_over(wire: Wire) -> Owner:
    fresh = Owner(make_server(seed=3), wire.owner.device_of)
    for encoded in wire.owner.stored.values():
        session = fresh.server.restore(SessionSnapshot.decode(encoded), wire.now)
        fresh.stored[session] = encoded
        fresh.reserve(session)
    return fresh


def fuzz_mixture(script: atheris.FuzzedDataProvider) -> None:
    """A server that knows nobody: no answer is longer than what it answers."""
    server = make_server()
    random = Random(1)
    for _ in range(script.ConsumeIntInRange(1, 8)):
        datagram = change(script, random.choice(RECORDS))
        server.receive(datagram, HERE, 0.0)
        if sum(len(answer) for answer, _ in server.to_send()) >= max(len(datagram), 1):
            raise RuntimeError("a stranger was answered with more than it sent")


TARGETS = (fuzz_decoders, fuzz_recorded_session, fuzz_living_session, fuzz_mixture)


def fuzz_one(content: bytes) -> None:
    script = atheris.FuzzedDataProvider(content)
    TARGETS[script.ConsumeIntInRange(0, len(TARGETS) - 1)](script)


if __name__ == "__main__":
    atheris.Setup(sys.argv, fuzz_one)
    atheris.Fuzz()
