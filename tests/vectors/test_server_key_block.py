"""The block of `server-key export --host` against those that recorded devices held."""

import subprocess
from pathlib import Path

import pytest
from tests.system.harness import ROADSTEAD, RoadsteadServer

KEYS = Path(__file__).parent / "data" / "keys"


@pytest.fixture
def export(tmp_path: Path):
    """Runs `roadstead server-key export` on the keys of the recordings; gives its bytes."""
    folder = RoadsteadServer(tmp_path)
    keys = folder.data_dir / "keys"
    keys.mkdir(mode=0o700, parents=True)
    for name in ("ec.pem", "rsa.pem"):
        (keys / name).write_bytes((KEYS / "server" / name).read_bytes())
        (keys / name).chmod(0o600)

    def run(*arguments: str) -> bytes:
        command = [*ROADSTEAD, "server-key", "export", *arguments]
        return subprocess.run(
            command, capture_output=True, env=folder.environment, check=True
        ).stdout

    return run


@pytest.mark.parametrize(
    ("kind", "device", "size", "address_at"),
    [("ec", "u1", 320, 192), ("ec", "u2", 320, 192), ("rsa", "t1", 512, 384)],
)
def test_the_block_is_the_one_that_recorded_devices_held(export, kind, device, size, address_at):
    recorded = (KEYS / device / "server_key.der").read_bytes()
    block = export("--kind", kind, "--host", "127.0.0.1")
    assert len(block) == size
    # A device reads the key, the type and length of the address, and as many bytes as it has.
    address_end = address_at + 2 + recorded[address_at + 1]
    assert block[:address_end] == recorded[:address_end]


@pytest.mark.parametrize(("kind", "name"), [("ec", "ec_pub.der"), ("rsa", "rsa_pub.der")])
def test_without_a_host_the_bare_key_is_written(export, kind, name):
    assert export("--kind", kind) == (KEYS / "server" / name).read_bytes()
