"""The maker of the shipped test vectors. It imports nothing of casewright: its canonicaliser is the oracle (H4).

`python -m support.make_vectors FILE`, with `tests` on the path, writes the file anew; a test compares it with what is
shipped. All that looks random comes from SHA-256, so it is the same on every Python.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from support.vector_cases import (
    ABOUT,
    ANYWHERE,
    AROUND,
    BAD_RUNS,
    BAD_VALUES,
    FLAGS,
    GOOD_RUNS,
    GOOD_TIMES,
    GOOD_VALUES,
    NAIVE_TIMES,
    NO_TIMES,
)

_SHORT: Final = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def canonical(value: Any) -> str:
    """Return the canonical text of a plain JSON value, the slow and obvious way."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return f"{value:d}"
    if isinstance(value, str):
        return '"' + "".join(map(_escaped, value)) + '"'
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: [ord(character) for character in key])
        return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in keys) + "}"
    return "[" + ",".join(map(canonical, value)) + "]"


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    return f"\\u{ord(character):04x}" if ord(character) < 0x20 else character


def _sha256(text: str, tag: str = "") -> str:
    return hashlib.sha256((tag + text).encode("utf-8")).hexdigest()


def _utc_text(moment: datetime) -> str:
    date = f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d}"
    return f"{date}T{moment.hour:02d}:{moment.minute:02d}:{moment.second:02d}.{moment.microsecond:06d}Z"


_ALPHABET: Final = (
    *"abcxyz019 _-./:",
    *'"\\\n\r\t\b\f\x01\x1f\x7f',
    *"\u00e9\u00df\u0130\u03a9\u0416\u05d0\u0e01\u4e2d\ud55c\u20ac\ufb01\ufffd\u2028\u200b\ufeff",
    *("\U0001f642", "\U00010348", "\U0010ffff", "e\u0301", "\u1100\u1161", "\u202e"),
)
_NAMES: Final = ("id", "unit", "sum", "due", "tags", "a", "A", "_", "z9", "\u00e9", "\ufb33", "\U0001f600", "")
_WORDS: Final = ("ann", "bob", "task-7", "case 12", "\u00c9milie", "\u6771\u4eac", "x", "r2d2", 'quote"d', "\U0001f642")


class _Draw:
    """A stream of choices that depends on nothing but its seed."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._count = 0

    def below(self, limit: int) -> int:
        self._count += 1
        digest = hashlib.sha256(f"{self._seed}/{self._count}".encode()).digest()
        return int.from_bytes(digest, "big") % limit

    def one(self, values: Sequence[Any]) -> Any:
        return values[self.below(len(values))]

    def hexadecimal(self, digits: int) -> str:
        return f"{self.below(16**digits):0{digits}x}"

    def text(self, most: int = 8) -> str:
        return "".join(self.one(_ALPHABET) for _ in range(self.below(most + 1)))

    def integer(self) -> int:
        size = 1 << self.below(64)
        return self.below(2 * size) - size

    def value(self, depth: int = 3) -> Any:
        kind = self.below(8 if depth else 5)
        if kind < 3:
            return self.text() if kind else self.one((None, True, False))
        if kind < 5:
            return self.integer()
        if kind == 5:
            return [self.value(depth - 1) for _ in range(self.below(4))]
        return self.mapping(depth - 1)

    def mapping(self, depth: int = 2) -> dict[str, Any]:
        return {self.one(_NAMES) + self.text(2): self.value(depth) for _ in range(self.below(5))}

    def instant(self) -> tuple[str, str]:
        """Return the text of an instant with some offset, and its canonical text."""
        moment = datetime(1970, 1, 1) + timedelta(microseconds=self.below(4 * 10**15) - 10**15)  # noqa: DTZ001 - UTC
        minutes = self.one((0, 0, 60, 120, 330, 345, 765, 840, -30, -210, -720, self.below(2879) - 1439))
        offset = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
        local = _utc_text(moment + timedelta(minutes=minutes))[:-1]
        return local + (self.one(("Z", offset)) if minutes == 0 else offset), _utc_text(moment)

    def loose(self, value: Any) -> str:
        """Return JSON text of the value that is far from canonical: spaces, escapes, keys in any order."""
        blank = " \t\n\r"[self.below(4)] * (self.below(3) // 2)
        if isinstance(value, str):
            return blank + '"' + "".join(map(self._loose_character, value)) + '"' + blank
        if isinstance(value, list):
            return f"{blank}[{blank}" + ",".join(map(self.loose, value)) + f"]{blank}"
        if isinstance(value, dict):
            pairs = sorted(value.items(), key=lambda _: self.below(1000))
            inside = ",".join(f"{self.loose(key)}:{self.loose(part)}" for key, part in pairs)
            return f"{blank}{{{inside}}}{blank}"
        return blank + canonical(value) + blank

    def _loose_character(self, character: str) -> str:
        if character == "/" and self.below(2):
            return "\\/"
        if ord(character) >= 0x20 and character not in '"\\' and self.below(4):
            return character
        units = character.encode("utf-16-be")
        escapes = "".join(f"\\u{units[place] * 256 + units[place + 1]:04x}" for place in range(0, len(units), 2))
        return escapes if self.below(2) else escapes.upper().replace("\\U", "\\u")


def _valid_values() -> Iterator[dict[str, Any]]:
    for comment, text, value, *flags in GOOD_VALUES:
        yield _value(comment, {"json": text}, canonical(value), flags)
    for comment, runs in GOOD_RUNS:
        yield _value(comment, {"runs": runs}, "".join(text * count for text, count in runs).strip(), ["Limit"])
    drawn = (_Draw(f"value {number}") for number in range(600))
    forms = {draw.loose(value): value for draw in drawn for value in [draw.value()]}
    for number, (form, value) in enumerate(list(forms.items())[:420]):
        given = {"hex": form.encode().hex()} if number % 20 == 19 else {"json": form}
        yield _value("random value, loosely written", given, canonical(value))


def _value(comment: str, given: dict[str, Any], text: str, flags: Sequence[str] = ()) -> dict[str, Any]:
    # The canonical text of a value at a limit is as large as its input: its digest says enough.
    shown = {"canonical": text} if len(text) <= 2_000 else {}
    return {"comment": comment, **given, "result": "valid", "flags": list(flags), **shown, "sha256": _sha256(text)}


def _invalid_values() -> Iterator[dict[str, Any]]:
    for flag, given, texts in BAD_VALUES:
        for text in texts:
            for place, around in enumerate(AROUND if given == "json" and flag in ANYWHERE else ("{}",)):
                comment = FLAGS[flag] + (", as a part" if place else "")
                yield {"comment": comment, given: around.replace("{}", text), "result": "invalid", "flags": [flag]}
    for flag, comment, runs in BAD_RUNS:
        yield {"comment": comment, "runs": runs, "result": "invalid", "flags": [flag]}


def _instants() -> Iterator[dict[str, Any]]:
    for text, expected in GOOD_TIMES:
        yield {"comment": "valid time", "time": text, "result": "valid", "flags": [], "canonical": expected}
    for number in range(120):
        text, expected = _Draw(f"instant {number}").instant()
        yield {"comment": "random time", "time": text, "result": "valid", "flags": [], "canonical": expected}
    for flag, texts in (("NaiveTime", NAIVE_TIMES), ("NoTime", NO_TIMES)):
        for text in texts:
            yield {"comment": FLAGS[flag], "time": text, "result": "invalid", "flags": [flag]}


def _forged(comment: str, digest: str, flag: str = "Forged", **given: Any) -> dict[str, Any]:
    return {"comment": comment, **given, "result": "invalid", "flags": [flag], "digest": digest}


def _headers() -> Iterator[dict[str, Any]]:
    for number in range(110):
        draw = _Draw(f"header {number}")
        header = _header(draw, number)
        exact = dict(header)
        for name in ("occurred_at", "recorded_at"):
            given = draw.instant()
            if header[name] is not None:
                header[name], exact[name] = given
        text = canonical(exact)
        digest = _sha256(text, "casewright.event.v1\n")
        common = {"comment": "random header", "header": header}
        yield common | {"result": "valid", "flags": [], "canonical": text, "digest": digest}
        if number % 10 == 0:
            spoilt = header | {"actor_id": header["actor_id"] + "x"}
            yield _forged("another actor", digest, header=spoilt)
            naive = header | {draw.one(("occurred_at", "recorded_at")): draw.one(NAIVE_TIMES)}
            yield _forged("naive time", digest, "NaiveTime", header=naive)


def _header(draw: _Draw, number: int) -> dict[str, Any]:
    fields = ("title", "description", "priority", "assignee_id", "due_at", "tags", "attributes")
    return {
        "tenant": draw.one(("", "acme", "\u682a\u5f0f")),
        "item_id": draw.one(_WORDS) + draw.hexadecimal(4),
        "kind": draw.one(("task", "case")),
        "version": 1 + draw.below(2**62 if number % 9 == 0 else 50),
        "action": draw.one(("create", "edit", "submit", "close", "task_opened", "pr\u00fcfen")),
        "name": draw.one(("created", "edited", "submitted", "gepr\u00fcft")),
        "from_status": draw.one((None, "DRAFT", "todo", "in Arbeit")),
        "to_status": draw.one(("DRAFT", "done", "erledigt \u2714")),
        "category": draw.one(("draft", "open", "active", "waiting", "done", "cancelled")),
        "actor_id": draw.one(_WORDS),
        "on_behalf_of": draw.one((None, None, *_WORDS)),
        "occurred_at": "",
        "recorded_at": "" if number % 7 else None,
        "schema": 1,
        "definition": draw.one(("task", "regulatory_case")),
        "lifecycle_version": 1 + draw.below(3),
        "correlation_id": draw.one((None, draw.hexadecimal(16))),
        "causation_id": draw.one((None, "x1.7")),
        "traceparent": draw.one((None, f"00-{draw.hexadecimal(32)}-{draw.hexadecimal(16)}-01")),
        "changed": [name for name in sorted(fields) if draw.below(3) == 0],
        "previous": draw.one(("", draw.hexadecimal(64))),
        "payload_digest": draw.hexadecimal(64),
    }


def _payloads() -> Iterator[dict[str, Any]]:
    for number in range(90):
        draw = _Draw(f"payload {number}")
        payload = {"inputs": draw.mapping(), "changes": draw.mapping(3)}
        text, salt = canonical(payload), draw.one((draw.hexadecimal(32), "pepper", "s\u00e9l"))
        digest = _sha256(f"{salt}\n{text}", "casewright.payload.v1\n")
        common = {"payload": payload, "salt": salt}
        right = {"comment": "random payload", **common, "result": "valid", "flags": [], "canonical": text}
        yield right | {"digest": digest}
        if number % 3 == 0:
            comment, wrong = (
                ("digest of another salt", _sha256(f"{salt}x\n{text}", "casewright.payload.v1\n")),
                ("digest without the salt", _sha256(text, "casewright.payload.v1\n")),
                ("digest without the tag", _sha256(f"{salt}\n{text}")),
            )[number // 3 % 3]
            yield _forged(comment, wrong, **common)


def _notes() -> Iterator[dict[str, Any]]:
    for number in range(60):
        draw = _Draw(f"note {number}")
        given, exact = draw.instant()
        note = {"id": draw.one(_WORDS), "item_id": draw.one(_WORDS), "author_id": draw.one(_WORDS)}
        note |= {"body": draw.text(30), "created_at": given}
        digest = _sha256(canonical(note | {"created_at": exact}), "casewright.note.v1\n")
        yield {"comment": "random note", "note": note, "result": "valid", "flags": [], "digest": digest}
        if number % 4 == 0:
            name = ("body", "id", "author_id", "item_id")[number // 4 % 4]
            spoilt = note | {name: note[name] + "."}
            yield _forged(f"another {name}", digest, note=spoilt)


def vectors_text() -> str:
    """Return the whole file: one line a vector, ASCII only, so that a difference can be read."""
    values = [*_valid_values(), *_invalid_values()]
    made = {"value": values, "instant": [*_instants()], "event_header": [*_headers()]}
    made |= {"payload": [*_payloads()], "note": [*_notes()]}
    total = sum(map(len, made.values()))
    flags = json.dumps(FLAGS, indent=1)
    lines = [f'{{"algorithm": "casewright canonical JSON", "version": 1, "numberOfTests": {total},']
    lines += [f'"header": {json.dumps(ABOUT, indent=1)},', f'"notes": {flags},', '"testGroups": [']
    number = 0
    for place, (kind, tests) in enumerate(made.items()):
        lines.append(f'{{"type": "{kind}", "tests": [')
        for test in tests:
            number += 1
            lines.append(json.dumps({"tcId": number, **test}) + ("," if test is not tests[-1] else ""))
        lines.append("]}" + ("," if place < len(made) - 1 else ""))
    return "\n".join([*lines, "]}", ""])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(vectors_text(), encoding="ascii", newline="\n")
