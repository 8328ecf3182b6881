"""What an end, a Hello and time mean for a delivery."""

import pytest

from roadstead.devices.updates import UpdateResult
from roadstead.firmware.delivery.model import Delivery, new_delivery_id
from roadstead.firmware.delivery.rules import (
    BEGINS_MAX,
    PAUSES_S,
    Again,
    Await,
    End,
    after_deadline,
    after_hello,
    after_transfer,
    pause_s,
)


def make_delivery(**changes: object) -> Delivery:
    values: dict[str, object] = {
        "id": new_delivery_id(1_700_000_000_000),
        "device_id": "e00fce680000000000000001",
        "product_id": 7,
        "version": 2,
        "from_version": 1,
        "file_key": "firmware/7/2.bin",
        "file_sha256": "0" * 64,
        "file_bytes": 1000,
        "cause": "handshake",
        "reason": "product_default",
        "asked_by": None,
        "state": "sending",
        "requested_at_ms": 1,
        "deadline_ms": 2,
        "begins": 1,
    }
    return Delivery(**{**values, **changes})  # type: ignore[arg-type]


def after(end: str, code: int = 0, *, begins: int = 1, unknown: bool = False, text: str = ""):
    result = UpdateResult(end, code, text)  # type: ignore[arg-type]
    return after_transfer(make_delivery(begins=begins), result, outcome_unknown=unknown)


def test_a_delivered_file_proves_nothing_yet() -> None:
    assert after("delivered") == Await()


@pytest.mark.parametrize(
    "end", ["not_running", "began_anew", "busy", "no_answer", "stalled", "went_offline"]
)
def test_an_interruption_is_no_failure_until_there_were_too_many(end: str) -> None:
    verdict = after(end)
    assert isinstance(verdict, Again)
    assert (verdict.after_s is None) == (end == "went_offline")
    given_up = after(end, begins=BEGINS_MAX)
    assert isinstance(given_up, End)
    assert (given_up.state, given_up.result, given_up.counts) == (
        "failed",
        "interrupted_too_often",
        True,
    )


def test_a_device_that_was_reset_before_the_end_is_sent_the_rest() -> None:
    assert after("validation_failed", -210) == after("not_running")


@pytest.mark.parametrize(
    ("end", "code", "text", "said"),
    [
        ("validation_failed", -1330, "bad", "its checksum is wrong (-1330)"),
        ("validation_failed", -1340, "", "needs modules that the device does not have (-1340)"),
        ("refused", -1351, "", "refused the file: it is too long (-1351)"),
        ("refused", -99, "no.", "refused the file: no (-99)"),
        ("unsuitable", 0, "The file is empty.", "cannot go to this device: The file is empty."),
        ("bad_chunk", 0, "", "damaged again and again."),
    ],
)
def test_a_failure_says_why_and_lengthens_the_pause(
    end: str, code: int, text: str, said: str
) -> None:
    verdict = after(end, code, text=text)
    assert isinstance(verdict, End)
    assert (verdict.state, verdict.result, verdict.code, verdict.counts) == (
        "failed",
        end,
        code,
        True,
    )
    assert said in verdict.text


def test_consent_withdrawn_in_between_is_no_failure_of_the_device() -> None:
    verdict = after("refused", -1380)
    assert isinstance(verdict, End)
    assert (verdict.state, verdict.result, verdict.counts) == (
        "cancelled",
        "updates_disabled",
        False,
    )


def test_a_refusal_after_a_crash_means_that_the_device_still_waits() -> None:
    assert after("refused", unknown=True) == Again(1.0, continues=True)
    assert isinstance(after("refused"), End)


def test_success_is_what_the_device_says() -> None:
    applying = make_delivery(state="applying")
    done = after_hello(applying, 2)
    assert done is not None and done.state == "succeeded"
    # Its last answer was lost: it applied the file all the same.
    lost = after_hello(make_delivery(state="queued"), 2)
    assert lost is not None and lost.state == "succeeded"
    wrong = after_hello(applying, 1)
    assert wrong is not None
    assert (wrong.state, wrong.result, wrong.counts) == ("failed", "reports_other_version", True)
    assert wrong.text == "The device restarted and runs version 1, not version 2."
    none = after_hello(applying, 0)
    assert none is not None and "runs no version" in none.text


def test_a_hello_before_or_in_the_middle_proves_nothing() -> None:
    assert after_hello(make_delivery(state="queued", begins=0), 2) is None
    assert after_hello(make_delivery(state="sending"), 1) is None
    assert after_hello(make_delivery(state="queued"), 1) is None


def test_a_file_without_a_version_succeeds_when_the_device_is_back() -> None:
    flash = make_delivery(state="applying", version=0, cause="flash")
    done = after_hello(flash, 0)
    assert done is not None and done.state == "succeeded"
    assert after_hello(make_delivery(state="sending", version=0), 0) is None


@pytest.mark.parametrize(
    ("state", "begins", "result", "counts"),
    [
        ("queued", 0, "never_began", False),
        ("queued", 2, "device_left", False),
        ("sending", 1, "too_slow", True),
        ("applying", 1, "never_came_back", True),
    ],
)
def test_every_state_ends_by_itself(state: str, begins: int, result: str, counts: bool) -> None:
    end = after_deadline(make_delivery(state=state, begins=begins))
    assert (end.result, end.counts) == (result, counts)


def test_pauses_grow_to_a_day() -> None:
    assert [pause_s(number) for number in range(1, 8)] == [*PAUSES_S, PAUSES_S[-1]]
    assert list(PAUSES_S) == sorted(PAUSES_S)


def test_ids_sort_by_time() -> None:
    assert new_delivery_id(1) < new_delivery_id(2) < new_delivery_id(1_900_000_000_000)
    assert len(new_delivery_id(1)) == 24
