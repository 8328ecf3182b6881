import pytest

from roadstead.http.envelope import printable_path


@pytest.mark.parametrize(
    ("path", "printed"),
    [
        ("/v1/devices/abc", "/v1/devices/abc"),
        ("/v1/access_tokens/current", "/v1/access_tokens/current"),
        ("/v1/access_tokens/0123456789", "/v1/access_tokens/…"),
        ("/v1/access_tokens/0123456789/more", "/v1/access_tokens/…"),
        ("/x/access_tokens/0123456789", "/x/access_tokens/…"),
        ("/v1/devices/a\nFAKE LINE", "/v1/devices/a%0AFAKE%20LINE"),
        ("/\x1b[31mred", "/%1B%5B31mred"),
        ("/" + "a" * 5000, "/" + "a" * 199),
    ],
)
def test_a_path_in_the_log_is_one_line_without_secrets(path, printed):
    assert printable_path({"path": path}) == printed
