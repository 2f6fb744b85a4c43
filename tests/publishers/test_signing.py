"""Signatures of webhooks: known ones, each bit of each part, time, rotation, and hostile headers."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casewright import InvalidInputError, MisuseError
from casewright.adapters.publishers.signing import (
    TOLERANCE,
    new_secret,
    secret_keys,
    signed_headers,
    verify_signature,
)
from casewright.testing.fakes import FrozenClock
from support.values import AT, thorough

SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(64))).decode()
BODY = b'{"id":"a.1"}'


def signed(*secrets: str, body: bytes = BODY, at: datetime = AT) -> dict[str, str]:
    """Return the headers of a request."""
    return signed_headers("tasks#a.1", body, keys=secret_keys(secrets or (SECRET,)), at=at)


def verified(headers: Any, body: Any = BODY, *, secrets: Any = SECRET, at: datetime = AT, **options: Any) -> str:
    """Verify at a time."""
    return verify_signature(headers, body, secrets=secrets, clock=FrozenClock(at), **options)


def test_the_convention_is_kept() -> None:
    """The three headers are those of Standard Webhooks, the signature as anyone can work it out."""
    seconds = str(int(AT.timestamp()))
    by_hand = hmac.new(bytes(range(24)), f"tasks#a.1.{seconds}.".encode() + BODY, hashlib.sha256).digest()
    assert signed() == {
        "webhook-id": "tasks#a.1",
        "webhook-timestamp": seconds,
        "webhook-signature": "v1," + base64.b64encode(by_hand).decode(),
    }


@thorough(100)
@given(st.binary(max_size=200), st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_what_was_signed_is_verified(body: bytes, message_id: str) -> None:
    """Any body and any id are taken back, and the id is what comes out."""
    headers = signed_headers(message_id, body, keys=secret_keys(SECRET), at=AT)
    assert verified({name.title(): value for name, value in headers.items()}, body) == message_id


@pytest.mark.parametrize("part", ["body", "webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_change_of_any_character_is_found(part: str) -> None:
    """Each character of each part, changed, dropped or doubled, fails."""
    whole: dict[str, Any] = {**signed(), "body": BODY.decode()}
    text = whole[part]
    for place in range(len(text)):
        other = "1" if text[place] != "1" else "2"
        for changed in (text[:place] + other + text[place + 1 :], text[:place] + text[place + 1 :], text[:place] * 2):
            headers = {**whole, part: changed}
            with pytest.raises(InvalidInputError):
                verified(headers, headers.pop("body").encode())


@pytest.mark.parametrize("seconds", [-300, -1, 0, 1, 300])
def test_a_request_within_the_tolerance_is_taken(seconds: int) -> None:
    """Five minutes either way are within it (O8)."""
    assert verified(signed(), at=AT + timedelta(seconds=seconds)) == "tasks#a.1"


@pytest.mark.parametrize("seconds", [-3600, -301, 301, 3600])
def test_a_request_beyond_the_tolerance_is_refused(seconds: int) -> None:
    """What is older, or from the future, is refused, unless the host tolerates more (O8)."""
    at = AT + timedelta(seconds=seconds)
    with pytest.raises(InvalidInputError, match="too old or too new"):
        verified(signed(), at=at)
    assert verified(signed(), at=at, tolerance=TOLERANCE * 12) == "tasks#a.1"


def test_a_secret_is_replaced_without_a_gap() -> None:
    """While both are used, either side may have either; the old one alone fails once it is gone."""
    both = signed(SECRET, OTHER)
    assert [verified(both, secrets=secrets) for secrets in (SECRET, OTHER, [OTHER, SECRET])] == ["tasks#a.1"] * 3
    assert verified(signed(SECRET), secrets=[OTHER, SECRET]) == "tasks#a.1"
    with pytest.raises(InvalidInputError, match="none of the secrets"):
        verified(signed(SECRET), secrets=OTHER)


def test_signatures_of_other_kinds_are_passed_over() -> None:
    """A signature of a version that is not known, beside ours, does no harm, and alone does not pass."""
    ours = signed()["webhook-signature"]
    assert verified({**signed(), "webhook-signature": f"v1a,AAAA  {ours} v2,"}) == "tasks#a.1"
    with pytest.raises(InvalidInputError, match="none of the secrets"):
        verified({**signed(), "webhook-signature": ours.replace("v1,", "v2,")})


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("value", [None, "", "é", 7, b"x", "\u0661"])
def test_a_header_that_is_none_is_refused(name: str, value: Any) -> None:
    """A missing header, one of another type, or one that is no ASCII is an InvalidInputError that names it (S2)."""
    headers = {key: other for key, other in signed().items() if key != name}
    with pytest.raises(InvalidInputError, match=name):
        verified(headers if value is None else {**headers, name: value})


@pytest.mark.parametrize("seconds", ["x", "-1", "1.5", " 1", "9" * 12, "9" * 5000, "1e3"])
def test_a_timestamp_that_is_none_is_refused_even_when_signed(seconds: str) -> None:
    """Whoever has the secret may still be wrong: what is no number of seconds is an InvalidInputError (S2)."""
    signature = hmac.new(bytes(range(24)), f"i.{seconds}.".encode() + BODY, hashlib.sha256).digest()
    headers = {"webhook-id": "i", "webhook-timestamp": seconds}
    with pytest.raises(InvalidInputError, match="webhook-timestamp"):
        verified({**headers, "webhook-signature": "v1," + base64.b64encode(signature).decode()})


@pytest.mark.parametrize(
    "secrets",
    ["", "whsec_", "secret", "whsec_AAAA", "whsec_" + "A" * 100, "é" * 40, "whsec_" + "*" * 32, [], [SECRET, ""], [7]],
)
def test_a_secret_that_is_none_is_refused_and_not_shown(secrets: Any) -> None:
    """Too short, too long, no base64 or none at all is refused on both sides (S6)."""
    with pytest.raises(InvalidInputError, match="secrets") as caught:
        secret_keys(secrets)
    assert "AAAA" not in str(caught.value)
    with pytest.raises(InvalidInputError, match="secrets"):
        verified(signed(), secrets=secrets)


def test_a_body_that_was_decoded_is_misuse() -> None:
    """What was signed are bytes: text, or what a parser made of it, may differ from them."""
    with pytest.raises(MisuseError, match="bytes"):
        verified(signed(), BODY.decode())


def test_new_secrets_are_secrets() -> None:
    """A new secret is taken, has 32 bytes, and no two are the same."""
    made = {new_secret() for _ in range(20)}
    assert len(made) == 20
    assert {len(key) for key in secret_keys(sorted(made))} == {32}


def test_the_time_of_a_request_is_aware() -> None:
    """A naive time is refused, not taken for that of the machine (S3)."""
    naive = datetime(2026, 3, 1)  # noqa: DTZ001 - what is refused
    with pytest.raises(InvalidInputError, match="at"):
        signed(at=naive)
    assert signed(at=datetime(1970, 1, 1, tzinfo=UTC))["webhook-timestamp"] == "0"
