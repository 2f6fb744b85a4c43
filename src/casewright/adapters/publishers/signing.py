"""Signed webhooks, as Standard Webhooks has them: who sent it, when, and that nobody has changed it.

A request bears ``webhook-id``, ``webhook-timestamp`` (seconds) and ``webhook-signature``: one or several of
``v1,<base64>``, each the HMAC-SHA256 of ``<id>.<timestamp>.<body>`` under one secret. While a secret is replaced, the
sender signs with both, and the receiver takes either.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from casewright.application.new_ids import Clock, system_clock
from casewright.domain.values import as_instant
from casewright.errors import InvalidInputError, MisuseError

__all__ = ["TOLERANCE", "new_secret", "secret_keys", "signed_headers", "verify_signature"]

TOLERANCE: Final = timedelta(minutes=5)
"""By how much a request may be older or newer than the clock of the receiver says, unless another limit is named."""

_PREFIX: Final = "whsec_"
_LEAST: Final = 24
_MOST: Final = 64
_DIGITS: Final = 12  # of a timestamp, far beyond what a datetime holds


def new_secret() -> str:
    """Return a new random secret, for the sender and the receiver to share."""
    return _PREFIX + base64.b64encode(os.urandom(32)).decode()


def secret_keys(secrets: str | Sequence[str]) -> tuple[bytes, ...]:
    """Return the keys of one or several secrets.

    Args:
        secrets: As `new_secret` makes them: ``whsec_`` and 24 to 64 bytes in base64.

    Raises:
        InvalidInputError: One of them is none, or there is none. The secret is not in its text.
    """
    given = [secrets] if isinstance(secrets, str) else list(secrets)
    keys = tuple(_key(secret) for secret in given)
    if not keys:
        raise InvalidInputError("secrets", "must not be empty", "make one by new_secret()")
    return keys


def signed_headers(message_id: str, body: bytes, *, keys: Sequence[bytes], at: datetime) -> dict[str, str]:
    """Return the three headers of a request.

    Args:
        message_id: By what the receiver knows it when it comes again.
        body: The whole body.
        keys: See `secret_keys`; there is one signature for each.
        at: The time, aware.
    """
    seconds = str(int(as_instant(at, "at").timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(_signature(key, message_id, seconds, body) for key in keys),
    }


def verify_signature(
    headers: Mapping[str, str],
    body: bytes,
    *,
    secrets: str | Sequence[str],
    tolerance: timedelta = TOLERANCE,
    clock: Clock = system_clock,
) -> str:
    """Check that a request was signed with one of the secrets, and not long ago.

    Signatures are compared in constant time. An attacker may send a request that was seen again within the tolerance:
    take each id once (`casewright.adapters.sqlalchemy.consuming`).

    Args:
        headers: Those of the request; their names in any case.
        body: The body, byte for byte as it came.
        secrets: The secret, or several while one is replaced.
        tolerance: By how much the timestamp may differ from the clock.
        clock: Tells the time.

    Returns:
        The ``webhook-id``, by which to know a message that comes again.

    Raises:
        InvalidInputError: A header is missing or none, the timestamp too far away, no signature fits, or a secret is
            none. No value is in its text.
    """
    if not isinstance(body, bytes):
        raise MisuseError("the body of a request is bytes", "pass it as it came, before anything has parsed it")
    keys = secret_keys(secrets)
    found = {str(name).lower(): value for name, value in headers.items()}
    message_id, seconds, signatures = (_header(found, f"webhook-{part}") for part in ("id", "timestamp", "signature"))
    # First who it is from: what nobody has signed needs no other answer.
    given = [one.encode() for one in signatures.split(" ")]
    expected = [_signature(key, message_id, seconds, body).encode() for key in keys]
    if not sum(hmac.compare_digest(one, other) for one in given for other in expected):
        raise InvalidInputError("webhook-signature", "is by none of the secrets", "see that the body is as it came")
    if abs(as_instant(clock(), "clock") - _instant(seconds)) > tolerance:
        raise InvalidInputError("webhook-timestamp", "is too old or too new", "see that both clocks are right")
    return message_id


def _key(secret: object) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True) if isinstance(secret, str) else b""
    except (binascii.Error, ValueError):
        key = b""
    if not _LEAST <= len(key) <= _MOST:
        raise InvalidInputError("secrets", "has one that is none", "make one by new_secret()")
    return key


def _signature(key: bytes, message_id: str, seconds: str, body: bytes) -> str:
    signed = f"{message_id}.{seconds}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def _header(found: Mapping[str, str], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not value.isascii() or not value:
        raise InvalidInputError(name, "is missing, or no ASCII text", "pass all headers of the request")
    return value


def _instant(seconds: str) -> datetime:
    try:
        number = int(seconds) if seconds.isdigit() and len(seconds) <= _DIGITS else -1
        return datetime.fromtimestamp(number, UTC)
    except (OverflowError, ValueError, OSError):
        raise InvalidInputError("webhook-timestamp", "is no number of seconds") from None
