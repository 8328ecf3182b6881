import errno
import os
import re
import stat
import sys
from pathlib import Path
from types import ModuleType

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roadstead import __version__
from roadstead.cli import entry
from roadstead.cli.serve import list_warnings
from roadstead.config import load
from roadstead.kit.errors import Conflict, Invalid

WORDS = [
    *("user", "create", "plan", "set", "server-key", "export", "device", "register", "db"),
    *("--format", "--kind", "--host", "--port", "--public-key", "--platform", "--from", "--admin"),
    *("--data-dir", "-", "--", "", "0", "-1", "\0", "\x1b[2J", "é\ud800", "a" * 5000),
]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ROADSTEAD_")]:
        monkeypatch.delenv(name)


def test_the_version_is_told(capfd):
    assert entry.run(["--version"]) == 0
    assert capfd.readouterr().out == f"roadstead {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["serve", "--http", "8080"],
        ["serve", "--udp", "0.0.0.0:99999"],
        ["serve", "--tcp", ""],
        ["serve", "--data-dir", "a\0b"],
        ["serve", "--nonsense"],
        ["user", "create"],
        ["user", "create", "jo", "--password-stdin"],
        ["user", "create", "jo@example.com", "--password", "secret"],
        ["plan", "set", "jo@example.com"],
        ["plan", "set", "jo@example.com", "gold"],
        ["server-key", "export", "--format", "xml"],
        ["server-key", "export", "--kind", "dsa"],
        ["server-key", "export", "--port", "5684"],
        ["server-key", "export", "--port", "x", "--host", "a"],
        ["server-key", "export", "--host", "a", "--format", "pem"],
        ["server-key", "export", "--host", "::1"],
        ["server-key", "export", "--host", "example.com", "--port", "0"],
        ["device", "register"],
        ["device", "register", "123"],
        ["device", "register", "0" * 24, "--platform", "12"],
        ["device", "register", "0" * 24, "--public-key", "missing", "--platform", "12"],
        ["device", "register", "0" * 24, "--public-key", "/", "--platform", "12"],
        ["device", "register", "x", "--public-key", "/dev/null", "--platform", "12"],
        ["device", "register", "0" * 24, "--public-key", "/dev/null", "--platform", "12"],
        ["device", "register", "0" * 24, "--public-key", "/dev/null", "--platform", "-1"],
        ["device", "register", "0" * 24, "--from", "missing"],
        ["device", "register", "--from", "missing"],
    ],
)
def test_wrong_input_is_one_line_and_code_2(arguments, capfd):
    assert entry.run(arguments) == entry.EXIT_BAD_INPUT
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("roadstead: ")
    assert err.count("\n") == 1


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=8), min_size=1, max_size=5))
def test_no_command_line_ends_in_a_traceback(capfd, arguments):
    if "serve" in arguments:
        return
    code = entry.run(arguments)
    err = capfd.readouterr().err
    assert code in (0, 1, 2)
    assert "Traceback" not in err
    assert not re.match(r"roadstead: unexpected \w+: ", err)  # what entry says of a fault of ours
    assert len(err.splitlines()) <= 1
    assert err.rstrip("\n").isprintable()


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (Invalid("bad", "No good."), 2, "roadstead: No good.\n"),
        (Conflict("taken", "Taken\nby \x1b[2J."), 1, "roadstead: Taken by \\x1b[2J.\n"),
        (typer.Exit(3), 3, ""),
        (typer.Abort(), 130, ""),
        (KeyboardInterrupt(), 130, ""),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 1, "/x: Permission denied"),
        (ZeroDivisionError("division"), 1, "unexpected ZeroDivisionError: division"),
    ],
)
def test_every_failure_has_its_code_and_no_more_than_a_line(error, code, line, monkeypatch, capfd):
    def fail() -> None:
        raise error

    module = ModuleType("failing")
    module.register = lambda app: app.command()(fail)
    monkeypatch.setitem(sys.modules, "failing", module)
    monkeypatch.setitem(entry.COMMANDS, "fail", "failing")
    assert entry.run(["fail"]) == code
    err = capfd.readouterr().err
    assert line in err
    assert err.count("\n") == (1 if line else 0)


def test_a_server_key_is_written_bare(capfdbinary):
    assert entry.run(["server-key", "export", "--format", "der", "--data-dir", "d"]) == 0
    der = capfdbinary.readouterr().out
    assert len(der) == 91
    assert entry.run(["server-key", "export", "--data-dir", "d", "--host", "10.0.0.1"]) == 0
    assert capfdbinary.readouterr().out[:91] == der
    assert stat.S_IMODE(Path("d").stat().st_mode) == 0o700


def test_an_explicit_tcp_address_and_unknown_variables_are_warned_of():
    quiet = load({"ROADSTEAD_TCP": "off"})
    assert list(list_warnings(quiet, {})) == []
    assert list(list_warnings(load({}), {})) == []
    env = {"ROADSTEAD_TCP": "0.0.0.0:5683", "ROADSTEAD_DEFAULT_PLANN": "product"}
    tcp, unknown = list_warnings(load(env), env)
    assert "TCP generation" in tcp and "0.0.0.0:5683" in tcp
    assert "ROADSTEAD_DEFAULT_PLANN" in unknown
    assert "Did you mean ROADSTEAD_DEFAULT_PLAN?" in unknown
