"""Signatures of what is pushed: our webhooks by the Standard Webhooks specification, a hub's documents by WebSub."""

import hmac
from base64 import b64decode, b64encode
from binascii import Error

_PREFIX = "whsec_"
_METHODS = frozenset({"sha1", "sha256", "sha384", "sha512"})   # WebSub, 7.1; SHA-1 is sound where it is keyed


def is_key(secret: str) -> bool:
    """Whether a configured secret can be used: any text but the empty one, and base64 after `whsec_`."""
    try:
        return bool(_key(secret))
    except (Error, ValueError):
        return False


def _key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        return b64decode(secret.removeprefix(_PREFIX), validate=True)
    return secret.encode()


def of_webhook(secret: str, id_: str, seconds: int, body: bytes) -> str:
    """The value of `webhook-signature`, for a message of this id at these seconds since 1970."""
    signed = f"{id_}.{seconds}.".encode() + body
    return "v1," + b64encode(hmac.digest(_key(secret), signed, "sha256")).decode()


def is_of_hub(stated: str, secret: str, body: bytes) -> bool:
    """Whether `X-Hub-Signature` is the secret's over the body; compared in constant time."""
    method, equals, given = stated.strip().partition("=")
    if not equals or method.lower() not in _METHODS:
        return False
    made = hmac.digest(secret.encode(), body, method.lower()).hex()
    return hmac.compare_digest(made.encode(), given.strip().lower().encode("utf-8", "replace"))
