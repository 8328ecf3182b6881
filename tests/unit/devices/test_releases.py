import pytest

from roadstead.devices.releases import release_name


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (0x1838, "6.2.0"),
        (6200, "6.2.0"),
        (3103, "3.1.0"),
        (2011, "2.0.1"),
        (1512, "1.5.2"),
        (1406, "1.4.4"),
        (207, "0.7.0"),
        (110, "0.6.4"),
        (17, "0.5.2"),
        (2302, "2.3.1"),
        (3302, "3.3.1"),
        (4006, "4.0.2"),
        (4200, "4.2.0"),
        (5004, "5.1.0"),
        (5302, "5.3.2"),
        (5410, "5.4.1"),
        (5901, "5.9.0"),
        (6201, "6.2.1"),
        (6302, "6.3.0"),
        (6300, "6300"),
        (5000, "5000"),
        (10100, "10100"),
        (65535, "65535"),
        (0, None),
    ],
)
def test_a_release_is_named_where_its_number_is_known(number, name):
    assert release_name(number) == name
