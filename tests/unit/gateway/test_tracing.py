from datetime import UTC, datetime

from roadstead.gateway import tracing
from roadstead.gateway.tracing import DeviceTraces
from roadstead.kit.clock import ManualClock

DEVICE = "e00fce680000000000000001"
ADDRESS = ("192.0.2.1", 5000)


def make_traces():
    return DeviceTraces(ManualClock(datetime(2026, 1, 1, tzinfo=UTC)))


def steps(traces, device_id=DEVICE):
    return [step[1] for step in traces.describe(device_id, None)["steps"]]


def test_a_failed_handshake_is_told_of_the_device_whose_key_it_named():
    traces = make_traces()
    traces.on_key_offered(DEVICE, ADDRESS)
    traces.on_handshake_failed(ADDRESS, "bad_finished")
    traces.on_handshake_failed(ADDRESS, "expired")
    assert steps(traces) == ["key_offered", "handshake_failed"]
    strangers = traces.describe(DEVICE, None)["strangers"]
    assert [line[2] for line in strangers] == ["expired from 192.0.2.1"]


def test_memory_is_bounded_and_the_last_to_step_are_kept():
    traces = make_traces()
    for number in range(tracing.TRACED_DEVICES + 1):
        for step in range(tracing.STEPS_KEPT + 1):
            traces.note(f"{number:024x}", f"s{step}")
        traces.on_key_offered(f"{number:024x}", ("192.0.2.1", number))
        traces.on_key_refused("00", ADDRESS)
    assert steps(traces, f"{0:024x}") == []
    last = steps(traces, f"{tracing.TRACED_DEVICES:024x}")
    assert len(last) == tracing.STEPS_KEPT
    assert last[0] == "s2"
    assert len(traces._offered) == tracing.ADDRESSES_KEPT
    assert len(traces.describe(DEVICE, None)["strangers"]) == tracing.STRANGERS_KEPT
