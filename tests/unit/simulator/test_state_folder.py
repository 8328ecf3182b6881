import stat
from random import Random

import msgspec
import pytest
from tests.builders.firmware import make_image

from roadstead.simulator.identity import make_identity
from roadstead.simulator.module_image import read_image
from roadstead.simulator.state_folder import (
    FLEET_FILE,
    SESSIONS_FILE,
    StateError,
    StateFolder,
    StoredDevice,
)


def make_device(seed: int = 1) -> StoredDevice:
    identity = make_identity(12, Random(seed))
    return StoredDevice(identity.device_id, identity.private_der, 12, "6.2", seed)


def test_a_fleet_comes_back_in_its_order(tmp_path):
    devices = [make_device(seed) for seed in (3, 1, 2)]
    StateFolder(tmp_path / "state").save_devices(devices)
    loaded = StateFolder(tmp_path / "state").load_devices()
    assert loaded == devices
    assert loaded[0].identity().public_der == make_identity(12, Random(3)).public_der


def test_a_new_folder_holds_nothing(tmp_path):
    folder = StateFolder(tmp_path)
    assert folder.load_devices() == []
    assert folder.take_sessions() == {}


def test_sessions_can_be_taken_only_once(tmp_path):
    StateFolder(tmp_path).save_sessions({b"a" * 12: b"session"})
    assert StateFolder(tmp_path).take_sessions() == {b"a" * 12: b"session"}
    assert StateFolder(tmp_path).take_sessions() == {}


def test_keys_and_sessions_are_readable_by_their_owner_only(tmp_path):
    folder = StateFolder(tmp_path / "state")
    folder.save_devices([make_device()])
    folder.save_sessions({b"a" * 12: b"session"})
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    for name in (FLEET_FILE, SESSIONS_FILE):
        assert stat.S_IMODE((tmp_path / "state" / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"\xc1", b"garbage", b"\x91\x81\xa1x\x01"])
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / FLEET_FILE).write_bytes(content)
    with pytest.raises(StateError, match=FLEET_FILE):
        StateFolder(tmp_path).load_devices()


def test_a_path_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "state").write_text("")
    with pytest.raises(StateError, match="state"):
        StateFolder(tmp_path / "state")


def test_what_a_device_was_updated_to_is_kept(tmp_path):
    image = read_image(make_image(7, 12), 12)
    device = msgspec.structs.replace(make_device(), image=image)
    StateFolder(tmp_path).save_devices([device])
    [loaded] = StateFolder(tmp_path).load_devices()
    assert loaded.image == image
    assert loaded.image.product_version == 7


def test_a_fleet_of_before_there_were_updates_is_still_read(tmp_path):
    fields = msgspec.to_builtins(make_device(), builtin_types=(bytes,))
    del fields["image"]
    (tmp_path / FLEET_FILE).write_bytes(msgspec.msgpack.encode([fields]))
    assert StateFolder(tmp_path).load_devices() == [make_device()]
