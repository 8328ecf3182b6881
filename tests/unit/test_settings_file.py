import importlib.util
from pathlib import Path

import pytest

from roadstead import config
from roadstead.config import Address, load
from roadstead.kit.errors import Invalid

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "roadstead-data"
    data.mkdir()
    return data


def test_the_file_in_the_data_folder_gives_way_to_environment_and_options(folder):
    (folder / "roadstead.toml").write_text(
        'http = "10.0.0.1:1"\nudp = "10.0.0.1:2"\ntcp = "10.0.0.1:3"\n'
    )
    settings = load({"ROADSTEAD_UDP": "10.0.0.2:2", "ROADSTEAD_TCP": "off"}, {"tcp": "10.0.0.3:3"})
    assert settings.http == Address("10.0.0.1", 1)
    assert settings.udp == Address("10.0.0.2", 2)
    assert settings.tcp == Address("10.0.0.3", 3)


def test_values_of_the_file_keep_their_kinds(folder):
    (folder / "roadstead.toml").write_text(
        'device_timeout_s = 12.5\nrate_limits = false\ntrusted_proxies = ["10.0.0.0/8", "::1"]\n'
    )
    settings = load({})
    assert settings.device_timeout_s == 12.5
    assert settings.rate_limits is False
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "::1/128"]


def test_a_named_file_is_read_instead_and_may_name_the_data_folder(folder, tmp_path):
    (folder / "roadstead.toml").write_text('signup = "open"\n')
    named = tmp_path / "other.toml"
    named.write_text(f'data_dir = "{tmp_path}/data"\n')
    for settings in (load({"ROADSTEAD_CONFIG": str(named)}), load({}, {"config": str(named)})):
        assert settings.data_dir == tmp_path / "data"
        assert settings.signup == "invite"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('data_dir = "/srv"', "data_dir"),
        ('sign_up = "open"', "signup"),
        ("http = [1]", "http"),
        ("[http]\nport = 1", "http"),
        ('http = "nowhere"', "ROADSTEAD_HTTP"),
        ("http = ", "TOML"),
        ("\0", "TOML"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(folder, text, words):
    (folder / "roadstead.toml").write_text(text)
    with pytest.raises(Invalid) as caught:
        load({})
    assert caught.value.code == "bad_setting"
    assert words in caught.value.message


def test_a_named_file_that_is_missing_is_refused(tmp_path):
    with pytest.raises(Invalid, match="no file"):
        load({"ROADSTEAD_CONFIG": str(tmp_path / "none.toml")})


def test_a_certificate_without_its_key_is_refused():
    with pytest.raises(Invalid, match="go together"):
        load({"ROADSTEAD_TLS_CERT": "/a.pem"})


def test_the_page_of_settings_is_in_step_with_the_sources():
    spec = importlib.util.spec_from_file_location("settings_page", DOCS / "settings_page.py")
    page = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(page)
    assert (DOCS / "settings.md").read_text() == page.render()
    for name in config._KEYS:
        assert f"ROADSTEAD_{name.upper()}`" in page.render()
