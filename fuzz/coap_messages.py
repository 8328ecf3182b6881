"""Coverage-guided fuzzing of the CoAP codec, the endpoint and every decoder of device messages.

Run: ``python fuzz/coap_messages.py -max_total_time=15`` (any option of libFuzzer). A finding is an
exception other than the decoders' own, or a message that is not written again as it was read.
Recorded messages are the first inputs.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

try:
    import atheris
except ImportError:
    print("coap_messages: atheris is not installed for this Python; nothing was fuzzed.")
    raise SystemExit(0) from None

with atheris.instrument_imports(include=["roadstead.protocol"]):
    from roadstead.protocol.coap.blockwise import BlockReceiver, decode_block
    from roadstead.protocol.coap.endpoint import CoapEndpoint
    from roadstead.protocol.coap.errors import CoapFormatError
    from roadstead.protocol.coap.events import Request
    from roadstead.protocol.coap.message import Message, decode_message, encode_message
    from roadstead.protocol.messages import (
        application,
        classic_update,
        describe,
        event,
        function,
        goodbye,
        hello,
        key_change,
        ledger,
        modules,
        signal,
        structured,
        subscription,
        time,
        update,
        variable,
        vitals,
    )
    from roadstead.protocol.messages.device_request import kind_of_device_request
    from roadstead.protocol.messages.errors import MessageFormatError
    from roadstead.protocol.messages.server_request import kind_of_server_request

RECORDINGS = Path(__file__).parent.parent / "tests" / "vectors" / "data"
CORPUS = Path(__file__).parent / "corpus" / "coap_messages"

OF_MESSAGES: tuple[Callable[[Message], Any], ...] = (
    classic_update.decode_chunk,
    classic_update.decode_chunk_missed,
    classic_update.decode_update_begin,
    classic_update.decode_update_ready,
    classic_update.decode_update_result,
    describe.decode_describe,
    describe.decode_describe_answer,
    describe.decode_describe_request,
    event.decode_event,
    function.decode_function_call,
    function.decode_function_result,
    goodbye.decode_goodbye,
    hello.decode_hello,
    key_change.is_key_change,
    kind_of_device_request,
    kind_of_server_request,
    signal.decode_signal_request,
    subscription.decode_subscription,
    time.decode_time_response,
    update.decode_problem,
    update.decode_statistics,
    update.decode_update_accepted,
    update.decode_update_ack,
    update.decode_update_chunk,
    update.decode_update_finish,
    update.decode_update_start,
    variable.decode_variable_request,
)

OF_PAYLOADS: tuple[Callable[[bytes], Any], ...] = (
    application.parse_application,
    ledger.decode_ledger_request,
    ledger.decode_ledger_response,
    lambda payload: modules.parse_modules(payload, describe.FORMAT_PROTOBUF),
    lambda payload: modules.parse_modules(payload, None),
    structured.structured_to_json,
    structured.json_to_structured,
    vitals.decode_vitals,
    *(
        lambda payload, kind=kind: variable.decode_value(payload, kind)
        for kind in variable.VariableType
    ),
)


def fuzz_message(encoded: bytes) -> None:
    try:
        message = decode_message(encoded)
    except CoapFormatError:
        return
    again = encode_message(message)
    if again not in (encoded, encoded.removesuffix(b"\xff")):
        raise AssertionError("a message is not written again as it was read")
    for decode in OF_MESSAGES:
        try:
            decode(message)
        except MessageFormatError:
            continue
    fuzz_payload(message.payload)


def fuzz_payload(payload: bytes) -> None:
    for decode in OF_PAYLOADS:
        try:
            decode(payload)
        except MessageFormatError:
            continue


def fuzz_blocks(encoded: bytes) -> None:
    receiver = BlockReceiver(limit_bytes=256)
    for position in range(0, len(encoded), 20):
        try:
            block = decode_block(encoded[position : position + 2])
        except CoapFormatError:
            continue
        receiver.receive(block, encoded[position + 2 : position + 20])
        if len(receiver.body) > 256:
            raise AssertionError("a body beyond its limit")


def fuzz_endpoint(encoded: bytes) -> None:
    """Datagrams of up to 40 bytes each, with requests of the endpoint's own between them."""
    endpoint = CoapEndpoint(first_message_id=0, first_token=0, random=bytes)
    for index, position in enumerate(range(0, len(encoded), 40)):
        now = float(index * 3)
        endpoint.request(1, ((11, b"v"), (11, b"x")), now=now)
        for told in endpoint.receive(encoded[position : position + 40], now):
            if isinstance(told, Request):
                endpoint.respond(told, 0x44, separate=index % 2 == 0)
        endpoint.handle_timeout(now)
        if any(datagram[0] >> 4 & 3 == 3 for datagram in endpoint.to_send()):
            raise AssertionError("a reset was sent")


def fuzz_one(encoded: bytes) -> None:
    fuzz_message(encoded)
    fuzz_payload(encoded)
    fuzz_blocks(encoded)
    fuzz_endpoint(encoded)


def write_corpus() -> None:
    """The engine keeps what it finds here, too, and begins with it next time."""
    CORPUS.mkdir(parents=True, exist_ok=True)
    for path in sorted(RECORDINGS.glob("*.coap.hex")):
        for number, line in enumerate(path.read_text().splitlines()):
            encoded = bytes.fromhex(line.split()[1])
            (CORPUS / f"{path.name}.{number}").write_bytes(encoded)
    for path in RECORDINGS.glob("*.describe0?.bin"):
        (CORPUS / path.name).write_bytes(path.read_bytes())


def main() -> None:
    write_corpus()
    atheris.Setup([*sys.argv, str(CORPUS)], fuzz_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
