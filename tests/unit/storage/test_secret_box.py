from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.kit.errors import Unavailable
from roadstead.storage.secret_box import SecretBox, load_or_create_key

BOX = SecretBox(bytes(range(32)))


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_what_was_sealed_opens_under_the_same_context(plaintext: bytes, context: bytes) -> None:
    assert BOX.open(BOX.seal(plaintext, context), context) == plaintext


@given(st.binary(max_size=60), st.data())
def test_a_changed_value_does_not_open(plaintext: bytes, data: st.DataObject) -> None:
    sealed = bytearray(BOX.seal(plaintext, b"c"))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ValueError):
        BOX.open(bytes(sealed), b"c")


@given(st.binary(max_size=60))
def test_garbage_does_not_open(garbage: bytes) -> None:
    with pytest.raises(ValueError):
        BOX.open(garbage, b"c")


def test_another_context_or_key_does_not_open() -> None:
    sealed = BOX.seal(b"secret", b"row 1")
    with pytest.raises(ValueError):
        BOX.open(sealed, b"row 2")
    with pytest.raises(ValueError):
        SecretBox(bytes(32)).open(sealed, b"row 1")


def test_equal_secrets_are_sealed_differently() -> None:
    assert BOX.seal(b"secret", b"c") != BOX.seal(b"secret", b"c")


def test_the_key_file_is_made_once_and_only_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "secret.key"
    key = load_or_create_key(path)
    assert len(key) == 32
    assert load_or_create_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["secret.key"]


@pytest.mark.parametrize(("content", "mode"), [(b"short", 0o600), (bytes(32), 0o644)])
def test_a_key_file_that_cannot_be_trusted_is_refused(
    tmp_path: Path, content: bytes, mode: int
) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(Unavailable) as refused:
        load_or_create_key(path)
    assert refused.value.code == "secret_key_unusable"
    assert path.read_bytes() == content
