"""The steps of the board guide that need no board, as they are printed there."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.docs.pages import read_page
from tests.system.harness import ROADSTEAD, RoadsteadServer

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed"),
]

KEYS = Path(__file__).parents[1] / "vectors" / "data" / "keys"
SLOT_BYTES = 192
"""What is read from a device: its key, and FF after it."""


def commands(beginning: str) -> list[str]:
    """The lines of the guide's shell blocks that begin so."""
    blocks = read_page("docs/bring-your-board.md").blocks("sh")
    return [line for block in blocks for line in block.splitlines() if line.startswith(beginning)]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with what `dfu-util` reads from a device."""
    private_key = (KEYS / "u1" / "device_key.der").read_bytes()
    (tmp_path / "board.der").write_bytes(private_key.ljust(SLOT_BYTES, b"\xff"))
    return tmp_path


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=folder,
        env=RoadsteadServer(folder).environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_device_key_becomes_a_registration_and_the_digits_of_the_log(desk: Path):
    [public], [digits] = commands("openssl ec"), commands("openssl pkey")
    run(["bash", "-c", public], desk)
    key = (KEYS / "u1" / "device_pub.der").read_bytes()
    assert run(["bash", "-c", digits], desk).strip() == hashlib.sha256(key).hexdigest()[:16]
    [register] = commands("roadstead device register")
    words = register.split()
    assert run([*ROADSTEAD, *words[1:]], desk) == f"registered {words[3]}\n"


def test_the_addresses_in_the_guide_are_those_of_the_official_command_line():
    text = "\n".join(commands("dfu-util"))
    reads = set(re.findall(r"-a 1 -s (\d+:\d+) -U", text))
    writes = set(re.findall(r"-a 1 -s (\d+) -D", text))
    assert reads == {"3298:320", "3106:192"}
    assert writes == {"3298"}
