"""The name of a Device OS release from the number that devices tell. Pure.

The number counts builds within a release line, pre-releases included, so its last digits are not
the patch number and only a table knows them. Numbers up to 3.2 are those of Device OS's own list;
from 6.0 on a full hundred is the first build of a line (6200 is 6.2.0 on the wire).
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
    2101: "2.1.0",
    2202: "2.2.0",
    2301: "2.3.0",
    3005: "3.0.0",
    3103: "3.1.0",
    3201: "3.2.0",
}
"""Final releases by number. Source: Device OS, system/system-versions.md."""

_FIRST_PLAIN_LINE = 6000


def release_name(system_version: int) -> str | None:
    """The release, for example ``6.2.0``; the number as text where its name is not known.

    Args:
        system_version: as in the Hello or in the system module; 0 for unknown.

    Returns:
        None for 0, which stands for unknown: devices before 3.0 say no number in their Hello.
    """
    if system_version <= 0:
        return None
    if system_version in _RELEASES:
        return _RELEASES[system_version]
    if system_version >= _FIRST_PLAIN_LINE and system_version % 100 == 0:
        return f"{system_version // 1000}.{system_version // 100 % 10}.0"
    return str(system_version)
