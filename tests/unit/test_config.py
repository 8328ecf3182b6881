import stat
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.config import (
    Address,
    Settings,
    ensure_folders,
    list_unknown,
    load,
    parse_address,
)
from roadstead.kit.errors import Invalid, Unavailable


def test_without_anything_given_the_defaults_hold():
    settings = load({})
    assert settings.data_dir == Path.cwd() / "roadstead-data"
    assert settings.http == Address("127.0.0.1", 8080)
    assert settings.udp == Address("0.0.0.0", 5684)
    assert settings.tcp == Address("0.0.0.0", 5683)
    assert settings.database_url == f"sqlite:///{Path.cwd()}/roadstead-data/roadstead.db"
    assert settings.secret_key_file == settings.keys_dir / "secret.key"
    assert settings.signup == "invite"
    assert settings.default_plan == "developer"
    assert settings.unknown_devices == "refuse"
    assert settings.device_timeout_s == 30.0
    assert settings.rate_limits is True
    assert settings.allow_private_targets is False
    assert settings.trusted_proxies == ()
    assert settings.public_url is None
    assert not settings.tcp_given


def test_the_command_line_wins_over_the_environment_and_an_empty_variable_is_none():
    env = {"ROADSTEAD_HTTP": "10.0.0.1:1", "ROADSTEAD_UDP": "off", "ROADSTEAD_TCP": ""}
    settings = load(env, {"http": "10.0.0.2:2", "udp": None})
    assert settings.http == Address("10.0.0.2", 2)
    assert settings.udp is None
    assert settings.tcp == Address("0.0.0.0", 5683)
    assert not settings.tcp_given


@pytest.mark.parametrize(
    ("key", "text", "name", "value"),
    [
        ("DATABASE_URL", "postgresql+asyncpg://u:p@h/d", "database_url", None),
        ("DATABASE_URL", "sqlite:////srv/r.db", "database_url", None),
        ("PUBLIC_URL", "https://cloud.example.com/", "public_url", "https://cloud.example.com"),
        ("PUBLIC_URL", "http://[::1]:8080", "public_url", "http://[::1]:8080"),
        ("SIGNUP", "OPEN", "signup", "open"),
        ("UNKNOWN_DEVICES", "quarantine", "unknown_devices", "quarantine"),
        ("DEFAULT_PLAN", "enterprise", "default_plan", "enterprise"),
        ("RATE_LIMITS", "off", "rate_limits", False),
        ("SMTP_URL", "smtp://u:p@mail.test:587", "smtp_url", None),
        ("MAIL_FROM", "Cloud@Example.com", "mail_from", "cloud@example.com"),
        ("DEVICE_TIMEOUT_S", "2.5", "device_timeout_s", 2.5),
        ("SECRET_KEY_FILE", "/run/secrets/key", "secret_key_file", Path("/run/secrets/key")),
        ("HTTP", "[::]:0", "http", Address("::", 0)),
    ],
)
def test_each_key_is_read_from_the_environment(key, text, name, value):
    settings = load({f"ROADSTEAD_{key}": text})
    assert getattr(settings, name) == (text if value is None else value)


def test_networks_of_proxies_are_joined_by_commas():
    proxies = load({"ROADSTEAD_TRUSTED_PROXIES": "10.0.0.0/8, ::1"}).trusted_proxies
    assert [str(network) for network in proxies] == ["10.0.0.0/8", "::1/128"]


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("HTTP", "8080"),
        ("HTTP", ":8080"),
        ("HTTP", "localhost:65536"),
        ("HTTP", "localhost:-1"),
        ("HTTP", "localhost:٣"),
        ("HTTP", "::1:8080"),
        ("HTTP", "off"),
        ("HTTP", "a b:1"),
        ("UDP", "yes"),
        ("TCP", "0.0.0.0"),
        ("DATABASE_URL", "mysql://h/d"),
        ("DATABASE_URL", "postgresql://"),
        ("SIGNUP", "maybe"),
        ("ALLOW_PRIVATE_TARGETS", "1"),
        ("DEFAULT_PLAN", "gold"),
        ("UNKNOWN_DEVICES", "accept"),
        ("SECRET_KEY_FILE", "a\0b"),
        ("DATA_DIR", "~nobody-of-this-name/x"),
        ("SMTP_URL", "mail.test:25"),
        ("SMTP_URL", "smtp://"),
        ("MAIL_FROM", "nobody"),
        ("PUBLIC_URL", "cloud.example.com"),
        ("PUBLIC_URL", "https://cloud.example.com/path"),
        ("PUBLIC_URL", "https://u:p@cloud.example.com"),
        ("PUBLIC_URL", "https://cloud.example.com:99999"),
        ("PUBLIC_URL", "http://["),
        ("PUBLIC_URL", "http://a b"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "proxy"),
        ("RATE_LIMITS", "maybe"),
        ("SIGNUP", "closed"),
        ("BUS_URL", "nats://127.0.0.1:4222"),
        ("DEVICE_TIMEOUT_S", "0"),
        ("DEVICE_TIMEOUT_S", "301"),
        ("DEVICE_TIMEOUT_S", "nan"),
    ],
)
def test_a_wrong_value_is_refused_by_name_with_what_is_accepted(key, text):
    with pytest.raises(Invalid) as refusal:
        load({f"ROADSTEAD_{key}": text})
    assert refusal.value.code == "bad_setting"
    assert f"ROADSTEAD_{key} is " in refusal.value.message
    assert "accepted is" in refusal.value.message


def test_a_mistyped_database_url_is_not_repeated_with_its_password():
    with pytest.raises(Invalid) as refusal:
        load({"ROADSTEAD_DATABASE_URL": "postgres://u:hunter2@h/d"})
    assert "hunter2" not in refusal.value.message
    assert "postgres://" in refusal.value.message


@given(st.sampled_from([field.name.upper() for field in fields(Settings)]), st.text(max_size=40))
def test_no_text_raises_anything_but_invalid(key, text):
    try:
        load({f"ROADSTEAD_{key}": text})
    except Invalid as refusal:
        assert f"ROADSTEAD_{key}" in refusal.message


@given(st.ip_addresses(), st.integers(0, 65535))
def test_an_address_reads_as_it_is_written(host, port):
    address = Address(str(host), port)
    assert parse_address("http", str(address)) == address


def test_variables_that_mean_nothing_are_listed():
    env = {"ROADSTEAD_UDPP": "x", "ROADSTEAD_UDP": "off", "HOME": "/", "ROADSTEAD_A": ""}
    assert list_unknown(env) == ["ROADSTEAD_A", "ROADSTEAD_UDPP"]


def test_folders_are_made_for_their_owner_alone(tmp_path):
    settings = load({}, {"data_dir": str(tmp_path / "a" / "b")})
    ensure_folders(settings)
    ensure_folders(settings)
    for folder in (settings.data_dir, settings.keys_dir):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_file_in_place_of_the_folder_is_reported(tmp_path):
    (tmp_path / "data").write_text("")
    with pytest.raises(Unavailable) as refusal:
        ensure_folders(load({}, {"data_dir": str(tmp_path / "data")}))
    assert refusal.value.code == "data_dir_unusable"
    assert str(tmp_path / "data") in refusal.value.message
