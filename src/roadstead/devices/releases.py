"""The name of a Device OS release from the number that devices tell. Pure.

The number counts builds within a release line, pre-releases included, so its last digits are not
the patch number and only a table knows them: 6201 is 6.2.1, but 6302 is 6.3.0 and 4006 is 4.0.2.
"""

_RELEASES = {
    1: "0.4.1",
    2: "0.4.2",
    3: "0.4.3",
    5: "0.4.4",
    6: "0.4.5",
    7: "0.4.6",
    8: "0.4.7",
    11: "0.4.9",
    13: "0.5.0",
    15: "0.5.1",
    17: "0.5.2",
    21: "0.5.3",
    22: "0.5.4",
    23: "0.5.5",
    102: "0.6.0",
    105: "0.6.1",
    108: "0.6.2",
    109: "0.6.3",
    110: "0.6.4",
    207: "0.7.0",
    403: "0.9.0",
    1000: "1.0.0",
    1002: "1.0.1",
    1102: "1.1.0",
    1213: "1.2.1",
    1321: "1.3.1",
    1401: "1.4.0",
    1403: "1.4.1",
    1404: "1.4.2",
    1405: "1.4.3",
    1406: "1.4.4",
    1502: "1.5.0",
    1511: "1.5.1",
    1512: "1.5.2",
    2008: "2.0.0",
    2011: "2.0.1",
    2021: "2.0.2",
    2101: "2.1.0",
    2202: "2.2.0",
    2301: "2.3.0",
    2302: "2.3.1",
    3005: "3.0.0",
    3103: "3.1.0",
    3201: "3.2.0",
    3301: "3.3.0",
    3302: "3.3.1",
    4003: "4.0.0",
    4005: "4.0.1",
    4006: "4.0.2",
    4100: "4.1.0",
    4200: "4.2.0",
    5002: "5.0.0",
    5003: "5.0.1",
    5004: "5.1.0",
    5200: "5.2.0",
    5300: "5.3.0",
    5301: "5.3.1",
    5302: "5.3.2",
    5400: "5.4.0",
    5410: "5.4.1",
    5501: "5.5.0",
    5600: "5.6.0",
    5700: "5.7.0",
    5800: "5.8.0",
    5802: "5.8.2",
    5901: "5.9.0",
    6000: "6.0.0",
    6100: "6.1.0",
    6101: "6.1.1",
    6200: "6.2.0",
    6201: "6.2.1",
    6302: "6.3.0",
    6303: "6.3.2",
    6400: "6.4.0",
    6401: "6.4.1",
}
"""Final releases by number. Sources: up to 3.2.0 the list of Device OS, system/system-versions.md;
above it the system modules in the files by which the vendor's documentation restores devices."""


def release_name(system_version: int) -> str | None:
    """The release, for example ``6.2.0``; the number as text where its name is not known.

    Args:
        system_version: as in the Hello or in the system module; 0 for unknown.

    Returns:
        None for 0, which stands for unknown: devices before 3.0 say no number in their Hello.
    """
    if system_version <= 0:
        return None
    return _RELEASES.get(system_version, str(system_version))
