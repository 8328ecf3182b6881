"""Signatures, checked by the reference library of Standard Webhooks."""

from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from roadstead.outbound.signing import read_secret, signed_headers, write_secret

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
NOW_S = int(datetime.now(UTC).timestamp())


def test_the_reference_verifier_accepts():
    headers = signed_headers([NEW], "msg_1", NOW_S, b'{"a": "\xc3\xa4"}')
    assert Webhook(write_secret(NEW)).verify('{"a": "ä"}', headers) == {"a": "ä"}


@pytest.mark.parametrize("key", [OLD, NEW])
def test_both_secrets_verify_while_one_replaces_the_other(key):
    headers = signed_headers([NEW, OLD], "msg_1", NOW_S, b"{}")
    Webhook(write_secret(key)).verify("{}", headers)


@pytest.mark.parametrize(
    ("body", "change"),
    [
        ("{ }", {}),
        ("{}", {"webhook-id": "msg_2"}),
        ("{}", {"webhook-timestamp": str(NOW_S - 1)}),
    ],
)
def test_the_reference_verifier_refuses_what_was_changed(body, change):
    headers = signed_headers([NEW], "msg_1", NOW_S, b"{}") | change
    with pytest.raises(WebhookVerificationError):
        Webhook(write_secret(NEW)).verify(body, headers)


def test_the_vector_of_the_specification():
    key = read_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed_headers(
        [key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_is_written_and_read():
    assert read_secret(write_secret(OLD)) == OLD
