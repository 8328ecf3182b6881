"""What the recorded answers of a device mean."""

from pathlib import Path

import pytest
from tests.vectors.coap_recordings import DATA, responses_by_path

from roadstead.protocol.coap import codes
from roadstead.protocol.messages import (
    application,
    describe,
    function,
    module_protobuf,
    modules,
    variable,
    vitals,
)


def test_recorded_variables_of_every_type_have_their_values() -> None:
    answers = responses_by_path("basic")
    posted = application.parse_application((DATA / "basic.describe02.bin").read_bytes())
    values = {
        name: variable.decode_variable_response(
            answers[b"v", name.encode()][0], variable.variable_type(kind)
        )
        for name, kind in posted.variables.items()
        if (b"v", name.encode()) in answers
    }
    assert values.pop("longText").startswith("0123456789")  # type: ignore[union-attr]
    assert values == {
        "counter": 4,
        "temperature": 20.4,
        "flag": True,
        "state": "idle",
        "computed": "computed-4",
    }
    assert answers[b"v", b"nosuch"][0].code == codes.NOT_FOUND


def test_recorded_functions_return_their_values() -> None:
    answers = responses_by_path("basic")
    results = [function.decode_function_result(one) for one in answers[b"f", b"led"]]
    assert results == [1, -1]
    assert function.decode_function_result(answers[b"f", b"echo"][0]) == 300
    assert (b"f", b"nofunction") not in answers


def test_recorded_vitals_have_names_values_and_errors() -> None:
    answer = describe.decode_describe_answer(responses_by_path("basic")[(b"d",)][-1])
    readings = {one.name: one for one in vitals.decode_vitals(answer.payload)}
    assert readings["sys:uptime"].value == 9
    assert readings["net:stat"].value == 4
    assert readings["sys:tram"].error == -100
    assert readings["sys:tram"].value is None
    assert all(one.name for one in readings.values())


@pytest.mark.parametrize("path", sorted(DATA.glob("*.describe01.bin")), ids=lambda path: path.name)
def test_recorded_modules_are_read_and_written_again(path: Path) -> None:
    payload = path.read_bytes()
    document = modules.parse_modules(payload, describe.FORMAT_PROTOBUF)
    assert document["m"][0] == {
        "f": "b", "n": "0", "v": 1000, "l": "m", "s": 10485760, "vc": 30, "vv": 30,
        "d": [], "size": 10485764,
    }  # fmt: skip
    assert module_protobuf.encode_modules(document) == payload
