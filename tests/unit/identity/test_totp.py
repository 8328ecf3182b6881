import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.identity import totp

RFC_SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("unix_s", "eight_digits"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_the_standard(unix_s, eight_digits):
    """RFC 6238, appendix B, whose codes have eight digits; ours are the last six."""
    assert totp.code_at(RFC_SECRET, unix_s // 30) == eight_digits[-6:]


@pytest.mark.parametrize(("off_s", "counts"), [(-60, False), (-30, True), (30, True), (60, False)])
def test_a_clock_may_be_one_step_off(off_s, counts):
    code = totp.code_at(RFC_SECRET, (1_800_000_000 + off_s) // 30)
    assert (totp.matching_step(RFC_SECRET, code, 1_800_000_000) is not None) is counts


@given(st.text(max_size=12))
def test_any_text_is_a_code_or_none(text):
    step = totp.matching_step(RFC_SECRET, text, 1_800_000_000)
    assert step is None or totp.code_at(RFC_SECRET, step) == text


def test_the_url_names_the_server_and_the_person():
    url = totp.enrolment_url(RFC_SECRET, "jo+x@example.com", "Roadstead")
    assert url == (
        "otpauth://totp/Roadstead:jo%2Bx%40example.com"
        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Roadstead&digits=6&period=30"
    )
