"""Signatures: ours as the receivers' libraries check them, hubs' as the specification has them."""

import hashlib
import hmac

import pytest

from crawler.core.signatures import is_key, is_of_hub, of_webhook

BODY = b'{"event": "story"}'


def test_the_example_of_the_specification():
    """Of the reference libraries' own tests (github.com/standard-webhooks)."""
    made = of_webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_another_id_time_body_or_secret_is_another_signature():
    made = {of_webhook(*each) for each in (
        ("s", "a", 1, BODY), ("t", "a", 1, BODY), ("s", "b", 1, BODY), ("s", "a", 2, BODY), ("s", "a", 1, b""))}
    assert len(made) == 5


@pytest.mark.parametrize(("secret", "sound"), [
    ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", True), ("any text at all", True), ("whsec_not base64", False),
    ("whsec_", False), ("", False), ("whsec_YQ", False)])
def test_a_secret_can_be_used(secret, sound):
    assert is_key(secret) is sound


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
def test_a_hub_may_sign_by(method):
    made = hmac.new(b"key", BODY, getattr(hashlib, method)).hexdigest()
    assert is_of_hub(f"{method}={made}", "key", BODY)
    assert is_of_hub(f" {method.upper()}={made.upper()} ", "key", BODY)
    assert not is_of_hub(f"{method}={made}", "other", BODY)
    assert not is_of_hub(f"{method}={made}", "key", BODY + b" ")
    assert not is_of_hub(f"{method}={made[:-1]}", "key", BODY)


@pytest.mark.parametrize("stated", ["", "=", "sha256", "sha256=", "md5=d41d8cd98f00b204e9800998ecf8427e", "sha256=é\udcff", "=abc",
                                    "sha3_256=00", "shake_128=00"])
def test_no_signature(stated):
    assert not is_of_hub(stated, "key", BODY)
