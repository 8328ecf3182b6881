import pytest

from roadstead.devices import identity_cache
from roadstead.devices.identity_cache import IdentityCache
from roadstead.devices.model import DeviceIdentity


def make_identity(device_id: str = "a" * 24, digest: bytes = b"1") -> DeviceIdentity:
    return DeviceIdentity(device_id, digest, 13, None, None, None, False)


@pytest.fixture
def cache():
    return IdentityCache()


def test_an_identity_is_found_by_id_and_by_key_until_it_changes(cache):
    identity = make_identity()
    cache.put(identity, epoch=0)
    cache.put_for_digest(b"1", identity, epoch=0)
    assert cache.find("a" * 24) is cache.find_by_digest(b"1") is identity
    cache.drop("a" * 24)
    assert cache.find("a" * 24) is cache.find_by_digest(b"1") is None


def test_what_was_read_before_a_change_is_not_kept_after_it(cache):
    epoch = cache.epoch
    cache.drop("b" * 24)
    cache.put(make_identity(), epoch=epoch)
    cache.put_for_digest(b"1", make_identity(), epoch=epoch)
    cache.put_unknown(b"2", 0.0, epoch=epoch)
    assert cache.find("a" * 24) is cache.find_by_digest(b"1") is None
    assert not cache.is_unknown(b"2", 0.0)


def test_an_unknown_key_is_remembered_for_a_while_and_until_a_key_is_registered(cache):
    cache.put_unknown(b"2", 100.0, epoch=0)
    assert cache.is_unknown(b"2", 129.0)
    assert not cache.is_unknown(b"2", 131.0)
    cache.drop("a" * 24)
    assert cache.is_unknown(b"2", 101.0)
    cache.drop_keys("a" * 24)
    assert not cache.is_unknown(b"2", 101.0)


def test_the_cache_does_not_grow_without_end(cache, monkeypatch):
    monkeypatch.setattr(identity_cache, "MAX_ENTRIES", 3)
    monkeypatch.setattr(identity_cache, "MAX_UNKNOWN", 3)
    for number in range(10):
        identity = make_identity(f"{number:024}", bytes([number]))
        cache.put(identity, epoch=0)
        cache.put_for_digest(bytes([number]), identity, epoch=0)
        cache.put_unknown(bytes([100 + number]), 0.0, epoch=0)
    assert len(cache._by_id) <= 3
    assert len(cache._by_digest) <= 3
    assert len(cache._digests) <= 3
    assert len(cache._unknown) <= 3
    assert cache.find(f"{9:024}") is not None
