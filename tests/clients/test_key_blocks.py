"""What `particle keys server` writes into a device, compared with what `server-key export` gives.

The USB part of these commands needs a board; what they prepare for it does not.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
from tests.clients.installing import MODULES, NODE
from tests.system.harness import ROADSTEAD, RoadsteadServer

FORMAT = """
const [modules, name, host, port, out] = process.argv.slice(1);
const Keys = require(`${modules}/particle-cli/src/cmd/keys.js`);
const keys = new Keys();
keys.platform = 'argon';
const file = keys._formatPublicKey(name, host || undefined, Number(port) || undefined,
    { protocol: keys._getDeviceProtocol(), outputFilename: out || undefined });
const written = keys._getServerKeySegment({ protocol: keys._getDeviceProtocol() });
console.log(JSON.stringify({ file, address: written.address, alt: written.alt }));
process.exit(0);
"""


def prepare(folder: Path, name: Path, host: str = "", port: int = 0, out: str = "") -> dict:
    """Has the CLI prepare a file for an Argon's flash; where it would write which file."""
    done = subprocess.run(
        [NODE, "-e", FORMAT, str(MODULES), str(name), host, str(port), out],
        capture_output=True,
        text=True,
        env=os.environ | {"HOME": str(folder)},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def export(folder: Path, *arguments: str) -> bytes:
    server = RoadsteadServer(folder)
    return subprocess.run(
        [*ROADSTEAD, "server-key", "export", *arguments],
        capture_output=True,
        env=server.environment,
        check=True,
    ).stdout


@pytest.mark.parametrize("host", ["192.168.1.20", "cloud.example.com", "$id.udp.example.com"])
def test_our_block_is_byte_for_byte_the_cli_s_own(clients, tmp_path, host):
    bare = tmp_path / "bare.der"
    bare.write_bytes(export(tmp_path))
    made = prepare(tmp_path, bare, host, 5684, str(tmp_path / "made.der"))
    assert Path(made["file"]).read_bytes() == export(tmp_path, "--host", host)
    assert (made["address"], made["alt"]) == (3298, 1)


def test_our_block_is_written_as_it_is(clients, tmp_path):
    block = tmp_path / "roadstead.der"
    block.write_bytes(export(tmp_path, "--host", "cloud.example.com"))
    assert prepare(tmp_path, block)["file"] == str(block)


def test_the_vendor_s_own_block_has_the_same_form(clients):
    block = (MODULES / "particle-cli" / "assets" / "keys" / "ec.pub.der").read_bytes()
    host = b"$id.udp.particle.io"
    assert len(block) == 320
    assert block[192 : 194 + len(host)] == bytes((1, len(host))) + host
