r"""Anchors: how far each history of a store had come, to be kept where nobody who writes to the store can write (H6).

An anchor is a file of ASCII lines, in JSON. The first one says what it is and when it was made. Then each item has one,
by tenant and id: tenant, id, version, and the digest of the event of that version. The last one holds the totals, the
SHA-256 of all that stands before it, and a signature over these if there is one. So it is enough to keep the last line
in a safe place, and the file anywhere; and what the digest is can be seen without this library::

    head --lines=-1 FILE | sha256sum

What an anchor shows: that each item which it names is still there, with just the events that it had then, and perhaps
more. What it cannot show: anything about what happened since, about items that are newer than it, or who was right.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Generator, Iterator
from datetime import datetime
from typing import Any, BinaryIO, Final, NoReturn, TypeAlias

import attrs

from casewright.application.proving import Mark, Proof, Proving, proved
from casewright.domain.ids import ItemId, Tenant
from casewright.domain.json_values import canonical_json
from casewright.domain.values import INTEGER_MAX, as_instant, instant_text
from casewright.errors import HistoryError, InvalidInputError

__all__ = ["Anchor", "AnchorWriter", "HmacKey", "Sign", "anchored", "read_anchor", "write_anchor"]

Sign: TypeAlias = Callable[[bytes], bytes]
"""Makes a signature over some bytes: an `HmacKey`'s, or one of the host's own, with a key that stays elsewhere."""

_FORMAT: Final = "casewright.anchor.v1"
_LONGEST: Final = 64 * 1024
_LEAST_KEY: Final = 16
_SHA256: Final = 64
_HEX: Final = re.compile("(?:[0-9a-f]{2})+", re.ASCII)
_UNKNOWN: Final = "is no anchor, or was changed"
_ADVICE: Final = "use the file as it was written, and the copy that was kept elsewhere"


@attrs.frozen(kw_only=True)
class Anchor:
    """What the ends of an anchor say.

    Attributes:
        made_at: When it was made, by the clock of whoever made it.
        items: How many items it names.
        events: How many events they had, all together.
        sha256: The digest of all that stands before the last line.
        signature: A signature over `message`, in hexadecimal; None where there is none.
    """

    made_at: datetime
    items: int
    events: int
    sha256: str
    signature: str | None = None

    @property
    def message(self) -> bytes:
        """What is signed: the last line without the signature."""
        told = {"events": self.events, "items": self.items, "sha256": self.sha256}
        return canonical_json(told).encode("ascii")


class HmacKey:
    """A secret key for HMAC-SHA-256: whoever has it can sign and check.

    Args:
        key: At least 16 random bytes.

    Raises:
        InvalidInputError: It is shorter, or no bytes.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        """Keep the key."""
        if not isinstance(key, bytes) or len(key) < _LEAST_KEY:
            raise InvalidInputError("key", f"must be at least {_LEAST_KEY} bytes", "os.urandom(32)")
        self._key = key

    def sign(self, message: bytes) -> bytes:
        """Return the signature over a message."""
        return hmac.digest(self._key, message, "sha256")

    def check(self, message: bytes, signature: bytes) -> bool:
        """Return whether this is the signature over that message."""
        return hmac.compare_digest(self.sign(message), signature)


class AnchorWriter:
    """Writes an anchor, one item after the other.

    Args:
        file: Where to; opened for bytes.
        at: The time (aware).
    """

    def __init__(self, file: BinaryIO, *, at: datetime) -> None:
        """Write the first line."""
        self._file = file
        self._made_at = as_instant(at, "at")
        self._hash = hashlib.sha256()
        self._items = 0
        self._events = 0
        self._write({"anchor": _FORMAT, "made_at": instant_text(self._made_at)})

    def add(self, proof: Proof) -> None:
        """Write the line of an item; call it by place.

        Raises:
            HistoryError: The item is not sound, so there is nothing to hold on to.
        """
        if proof.findings:
            finding = proof.findings[0]
            raise HistoryError(f"an item that is not sound cannot be anchored: {finding.text}", finding.position)
        self._items += 1
        self._events += proof.events
        self._write([proof.tenant, proof.item_id, proof.version, proof.head])

    def finish(self, sign: Sign | None = None) -> Anchor:
        """Write the last line, and return what it says.

        Args:
            sign: Makes the signature; none where None.
        """
        anchor = Anchor(made_at=self._made_at, items=self._items, events=self._events, sha256=self._hash.hexdigest())
        told = json.loads(anchor.message)
        if sign is not None:
            anchor = attrs.evolve(anchor, signature=sign(anchor.message).hex())
            told["signature"] = anchor.signature
        self._write(told)
        return anchor

    def _write(self, value: object) -> None:
        line = _line(value)
        self._hash.update(line)
        self._file.write(line)


def write_anchor(store: Proving, file: BinaryIO, *, at: datetime, sign: Sign | None = None) -> Anchor:
    """Go through a store, prove it, and write an anchor over all its histories.

    Args:
        store: The store.
        file: Where to; opened for bytes. Keep what is written where nobody who writes to the store can write.
        at: The time (aware).
        sign: Makes a signature over its last line; none where None.

    Returns:
        What its ends say.

    Raises:
        HistoryError: An item is not sound.
        MisuseError: The store is not `Proving`.
        InvalidInputError: The time is naive.
        StorageError: The store cannot be reached.
    """
    writer = AnchorWriter(file, at=at)
    for proof in proved(store):
        writer.add(proof)
    return writer.finish(sign)


def read_anchor(file: BinaryIO, *, check: Callable[[bytes, bytes], bool] | None = None) -> Anchor:
    """Read an anchor to its end, and check that it is whole.

    Args:
        file: Opened for bytes, at its beginning.
        check: Whether this is the signature over that message; not asked for one where None.

    Returns:
        What its ends say.

    Raises:
        InvalidInputError: It is none, was changed, or has not the signature that it should have.
    """
    anchor = _end(_read(file))
    if check is not None and not _is_signed(anchor, check):
        raise InvalidInputError("anchor", "has not the signature that this key makes", "use the key that signed it")
    return anchor


def anchored(file: BinaryIO, anchor: Anchor | None = None) -> Iterator[Mark]:
    """Yield the marks of an anchor that `read_anchor` has found whole.

    Args:
        file: Opened for bytes, at its beginning.
        anchor: What `read_anchor` has answered; not compared where None.

    Raises:
        InvalidInputError: It is none, was changed, or is another one: known at its end, after its marks.
    """
    if (yield from _read(file)) != anchor and anchor is not None:
        raise InvalidInputError("anchor", "is not the one that was read before", _ADVICE)


def _read(file: BinaryIO) -> Generator[Mark, None, Anchor]:
    """Yield the marks of an anchor, check that it is whole, and return what its ends say."""
    digest = hashlib.sha256()
    lines = _lines(file)
    first = _record(next(lines, b""))
    if first.get("anchor") != _FORMAT:
        _refuse()
    made_at = as_instant(first.get("made_at"), "anchor")
    digest.update(_line(first))
    items = events = 0
    before: tuple[str, str] | None = None
    for line in lines:
        if line.startswith(b"{"):
            break
        mark = _mark(line)
        if before is not None and mark.place <= before:
            _refuse()
        before = mark.place
        items, events = items + 1, events + mark.version
        digest.update(line)
        yield mark
    else:
        _refuse()
    told = _record(line)
    signature = _as_signature(told.pop("signature")) if "signature" in told else None
    anchor = Anchor(made_at=made_at, items=items, events=events, sha256=digest.hexdigest(), signature=signature)
    if told != json.loads(anchor.message) or next(lines, None) is not None:
        _refuse()
    return anchor


def _end(marks: Generator[Mark, None, Anchor]) -> Anchor:
    """Read to the end, and return what is there."""
    while True:
        try:
            next(marks)
        except StopIteration as end:
            anchor: Anchor = end.value
            return anchor


def _is_signed(anchor: Anchor, check: Callable[[bytes, bytes], bool]) -> bool:
    return anchor.signature is not None and check(anchor.message, bytes.fromhex(anchor.signature))


def _as_signature(value: object) -> str:
    return value if isinstance(value, str) and _HEX.fullmatch(value) else _refuse()


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(_LONGEST):
        yield line


def _line(value: object) -> bytes:
    return (json.dumps(value, sort_keys=True, separators=(",", ":")) + "\n").encode("ascii")


def _parsed(line: bytes) -> Any:  # noqa: ANN401 - what the line holds
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        _refuse()
    if _line(value) != line:
        _refuse()
    return value


def _record(line: bytes) -> dict[str, Any]:
    value = _parsed(line)
    return value if isinstance(value, dict) else _refuse()


def _mark(line: bytes) -> Mark:
    value = _parsed(line)
    if not isinstance(value, list) or list(map(type, value)) != [str, str, int, str] or len(value[3]) != _SHA256:
        _refuse()
    tenant, item_id, version, head = value
    if not 1 <= version <= INTEGER_MAX:
        _refuse()
    return Mark(Tenant(tenant), ItemId(item_id), version, head)


def _refuse() -> NoReturn:
    raise InvalidInputError("anchor", _UNKNOWN, _ADVICE)
