import stat
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_public_key,
    load_pem_public_key,
)

from roadstead.devices.server_keys import ServerKeys
from roadstead.kit.errors import Invalid, Unavailable


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> ServerKeys:
    return ServerKeys.load_or_create(tmp_path_factory.mktemp("keys"))


def pem_of(key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_keys_are_made_once_and_for_their_owner_alone(tmp_path):
    first = ServerKeys.load_or_create(tmp_path / "keys")
    written = {name: (tmp_path / "keys" / name).read_bytes() for name in ("ec.pem", "rsa.pem")}
    second = ServerKeys.load_or_create(tmp_path / "keys")
    assert second.public_der("ec") == first.public_der("ec")
    assert second.public_der("rsa") == first.public_der("rsa")
    for name, content in written.items():
        path = tmp_path / "keys" / name
        assert path.read_bytes() == content
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == [
        ".lock",
        "ec.pem",
        "rsa.pem",
    ]


def test_what_a_dead_process_left_half_written_is_not_taken_for_a_key(tmp_path):
    (tmp_path / "ec.new").write_bytes(b"-----BEGIN PRIV")
    assert len(ServerKeys.load_or_create(tmp_path).public_der("ec")) == 91


def test_processes_that_start_together_end_with_the_same_keys(tmp_path):
    code = (
        "import sys, pathlib; from roadstead.devices.server_keys import ServerKeys as K;"
        "k = K.load_or_create(pathlib.Path(sys.argv[1]));"
        "print(k.public_der('ec').hex(), k.public_der('rsa').hex())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "keys")]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(4)]
    assert len({process.communicate()[0] for process in started}) == 1
    assert all(process.returncode == 0 for process in started)


def test_public_keys_have_the_sizes_that_devices_reserve(keys):
    assert len(keys.public_der("ec")) == 91
    assert len(keys.public_der("rsa")) == 294
    modular = load_der_public_key(keys.public_der("rsa"))
    assert isinstance(modular, rsa.RSAPublicKey)
    assert modular.public_numbers().e == 65537
    elliptic = load_pem_public_key(keys.public_pem("ec").encode())
    assert isinstance(elliptic, ec.EllipticCurvePublicKey)


@pytest.mark.parametrize(
    ("kind", "size", "address_at", "port_at", "port"),
    [("ec", 320, 192, 258, 5684), ("rsa", 512, 384, 450, 5683)],
)
def test_the_block_for_the_flash_lies_as_devices_read_it(
    keys, kind, size, address_at, port_at, port
):
    blob = keys.flash_blob(kind, "192.168.1.20")
    der = keys.public_der(kind)
    assert len(blob) == size
    assert blob[: len(der)] == der
    assert set(blob[len(der) : address_at]) == {0xFF}
    assert blob[address_at : address_at + 6] == b"\x00\x04\xc0\xa8\x01\x14"
    assert set(blob[address_at + 6 : port_at]) == {0xFF}
    assert blob[port_at : port_at + 2] == port.to_bytes(2, "big")
    assert set(blob[port_at + 2 :]) == {0xFF}


@pytest.mark.parametrize(
    "host", ["cloud.example.com", "$id.udp.example.com", "localhost", "d" * 63]
)
def test_a_domain_is_stored_with_its_length(keys, host):
    blob = keys.flash_blob("ec", host, 1234)
    assert blob[192:194] == bytes((1, len(host)))
    assert blob[194 : 194 + len(host)] == host.encode()
    assert blob[258:260] == b"\x04\xd2"


@pytest.mark.parametrize(
    "host",
    ["", "d" * 64, "::1", "1.2.3", "256.1.1.1", "a b", "a\0", "bücher.de", "x.", "-x", "a/b"],
)
def test_a_host_that_devices_cannot_store_is_refused(keys, host):
    with pytest.raises(Invalid) as refusal:
        keys.flash_blob("ec", host)
    assert refusal.value.code == "bad_host"


@pytest.mark.parametrize("port", [-1, 0, 65535, 70000])
def test_a_port_that_devices_take_for_none_is_refused(keys, port):
    with pytest.raises(Invalid) as refusal:
        keys.flash_blob("ec", "localhost", port)
    assert refusal.value.code == "bad_port"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 300,
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        pem_of(ec.generate_private_key(ec.SECP384R1())),
        pem_of(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
    ],
)
def test_a_file_that_holds_another_thing_is_reported_and_left_alone(tmp_path, content):
    path = tmp_path / "ec.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(Invalid) as refusal:
        ServerKeys.load_or_create(tmp_path)
    assert refusal.value.code == "bad_server_key"
    assert str(path) in refusal.value.message
    assert path.read_bytes() == content


def test_a_key_that_others_can_read_is_refused(tmp_path):
    ServerKeys.load_or_create(tmp_path)
    (tmp_path / "ec.pem").chmod(0o644)
    with pytest.raises(Invalid) as refusal:
        ServerKeys.load_or_create(tmp_path)
    assert "chmod 600" in refusal.value.message


def test_a_folder_that_cannot_be_made_is_reported(tmp_path):
    (tmp_path / "keys").write_text("")
    with pytest.raises(Unavailable):
        ServerKeys.load_or_create(tmp_path / "keys")
