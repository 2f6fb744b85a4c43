"""Anchors: files that show what a store held, that anybody can check, and that nobody can change unseen."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import random
from datetime import datetime
from typing import Any

import pytest

from casewright import TASK, HistoryError, InvalidInputError, MisuseError, StorageError
from casewright.adapters.memory import MemoryStore
from casewright.application.anchors import AnchorWriter, HmacKey, anchored, read_anchor, write_anchor
from casewright.application.proving import Mark, Proof, proved
from casewright.domain.history import Finding
from casewright.domain.values import instant_text
from casewright.testing.contracts.driving import created, edited, write
from support.values import AT

KEY = HmacKey(bytes(range(32)))


def kept() -> MemoryStore:
    """Return a store with items of two tenants."""
    store = MemoryStore()
    for tenant in ("", "é"):
        for item_id in ("b", "a", "\U0001d49c"):
            (opening,) = created(TASK, item_id, tenant=tenant)
            write(store, opening, *edited(opening.after, "new"), tenant=tenant)
    return store


def written(store: Any, **options: Any) -> bytes:
    """Return an anchor over a store."""
    file = io.BytesIO()
    anchor = write_anchor(store, file, at=AT, **options)
    assert anchor == read_anchor(io.BytesIO(file.getvalue()))
    return file.getvalue()


def test_an_anchor_holds_how_far_each_history_had_come() -> None:
    """Its lines are tenant, id, version and digest by place, then the totals; all of it is ASCII (H6)."""
    store = kept()
    lines = written(store).decode("ascii").splitlines()
    first, *marks, last = map(json.loads, lines)
    assert first == {"anchor": "casewright.anchor.v1", "made_at": instant_text(AT)}
    proofs = list(proved(store))
    assert marks == [[proof.tenant, proof.item_id, proof.version, proof.head] for proof in proofs]
    assert marks == sorted(marks)
    assert (last["items"], last["events"]) == (6, 12)


def test_its_digest_is_that_of_the_lines_before_the_last() -> None:
    """Whoever has the last line can check the others with no more than SHA-256, and the signature with the key (H6)."""
    text = written(kept(), sign=KEY.sign)
    before, last = text[: text[:-1].rindex(b"\n") + 1], json.loads(text[:-1].rpartition(b"\n")[2])
    assert last["sha256"] == hashlib.sha256(before).hexdigest()
    signature = last.pop("signature")
    message = json.dumps(last, sort_keys=True, separators=(",", ":")).encode()
    assert signature == hmac.new(bytes(range(32)), message, "sha256").hexdigest()


def test_what_is_read_is_what_was_written() -> None:
    """The marks come back as they were, and lead to no finding (H6)."""
    store = kept()
    text = written(store, sign=KEY.sign)
    anchor = read_anchor(io.BytesIO(text), check=KEY.check)
    assert (anchor.made_at, anchor.items, anchor.events) == (AT, 6, 12)
    marks = list(anchored(io.BytesIO(text)))
    assert marks == [Mark(proof.tenant, proof.item_id, proof.version, proof.head) for proof in proved(store)]
    assert not any(proof.findings for proof in proved(store, marks=marks))


@pytest.mark.parametrize("signed", [True, False])
def test_no_change_of_an_anchor_goes_unseen(signed: bool) -> None:
    """Whichever byte is changed, taken out or put in, and whichever line is missing or moved, it is refused (H6)."""
    text = written(kept(), sign=KEY.sign if signed else None)
    check = KEY.check if signed else None
    rng = random.Random(1)
    forged = {text[:place] for place in range(len(text))} | {text + b"\n", text + text, text + b"{}\n"}
    for place in range(0, len(text), 2 if signed else 5):
        forged.add(text[:place] + bytes([text[place] ^ 1 << rng.randrange(7)]) + text[place + 1 :])
        forged.add(text[:place] + text[place + 1 :])
        forged.add(text[:place] + b" " + text[place:])
    lines = text.splitlines(keepends=True)
    forged |= {b"".join(lines[:place] + lines[place + 1 :]) for place in range(len(lines))}
    forged |= {
        b"".join([*lines[:place], lines[place + 1], lines[place], *lines[place + 2 :]])
        for place in range(len(lines) - 1)
    }
    for other in forged - {text}:
        with pytest.raises(InvalidInputError) as caught:
            read_anchor(io.BytesIO(other), check=check)
        assert caught.value.field == "anchor"


def test_a_forged_whole_needs_the_key() -> None:
    """An anchor that was made anew as a whole is refused without the key that signed the first one (H6)."""
    for forged in (written(kept()), written(kept(), sign=HmacKey(b"another key of 16").sign)):
        assert read_anchor(io.BytesIO(forged)).items == 6
        with pytest.raises(InvalidInputError, match="signature"):
            read_anchor(io.BytesIO(forged), check=KEY.check)
    for odd in (b'"zz"', b'"f"', b'""', b"null", b"1"):
        text = written(kept(), sign=lambda message: b"\xaa").replace(b'"signature":"aa"', b'"signature":' + odd)
        with pytest.raises(InvalidInputError):
            read_anchor(io.BytesIO(text))


def test_what_is_read_again_must_be_the_same() -> None:
    """The marks are those of the anchor that was read before, or an error ends them (H6)."""
    whole = written(kept())
    anchor = read_anchor(io.BytesIO(whole))
    assert len(list(anchored(io.BytesIO(whole), anchor))) == anchor.items
    other = written(MemoryStore())
    for data in (b"", whole[:-1], other):
        with pytest.raises(InvalidInputError, match="anchor"):
            list(anchored(io.BytesIO(data), anchor))


@pytest.mark.parametrize("version", [0, -(10**30), 2**63])
def test_no_mark_has_a_version_that_no_item_has(version: int) -> None:
    """An anchor that was forged as a whole is refused where no store could be asked about it (S2)."""
    first, *_ = written(kept()).splitlines(keepends=True)
    lines = first + json.dumps(["", "a", version, "0" * 64], separators=(",", ":")).encode() + b"\n"
    told = {"events": version, "items": 1, "sha256": hashlib.sha256(lines).hexdigest()}
    forged = lines + json.dumps(told, separators=(",", ":")).encode() + b"\n"
    with pytest.raises(InvalidInputError, match="is no anchor"):
        read_anchor(io.BytesIO(forged))


def test_a_key_must_be_long_enough() -> None:
    """What is too short to be a secret, or no bytes, is refused and not shown."""
    keys: list[Any] = [b"", b"fifteen bytes..", "a text of sixteen"]
    for key in keys:
        with pytest.raises(InvalidInputError) as caught:
            HmacKey(key)
        assert "fifteen" not in str(caught.value)


def test_what_is_not_sound_is_not_anchored() -> None:
    """An item with a finding is a HistoryError that says where, since there is nothing to hold on to (H6)."""
    (proof, *_) = proved(kept())
    writer = AnchorWriter(io.BytesIO(), at=AT)
    finding = Finding(1, "digest", "its header is not what was sealed")
    broken = Proof(tenant=proof.tenant, item_id=proof.item_id, version=2, head="h", events=2, findings=(finding,))
    with pytest.raises(HistoryError) as caught:
        writer.add(broken)
    assert caught.value.position == 1
    with pytest.raises(InvalidInputError):
        AnchorWriter(io.BytesIO(), at=datetime(2026, 1, 1))  # noqa: DTZ001 - naive on purpose


def test_only_a_store_that_is_proving_can_be_gone_through() -> None:
    """Another store is a MisuseError that names what is missing and what can be done instead."""
    other: Any = object()
    with pytest.raises(MisuseError, match="Proving"):
        list(proved(other))


def test_an_error_of_the_store_is_passed_on() -> None:
    """Where the store cannot be read on, nothing is written that could be taken for an anchor."""

    class Failing(MemoryStore):
        def proofs(self, **page: Any) -> Any:
            raise StorageError("gone", "look")

    file = io.BytesIO()
    with pytest.raises(StorageError):
        write_anchor(Failing(), file, at=AT)
    with pytest.raises(InvalidInputError):
        read_anchor(io.BytesIO(file.getvalue()))
