"""The shipped vectors: canonical bytes and digests, the same on every Python, in every zone, for every hash seed (H4).

Run as a program it prints what comes of each vector, which is how a test starts it in other surroundings.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from datetime import datetime
from importlib.resources import files
from typing import Any

import pytest

from casewright import Category, Event, InvalidInputError, Note, Payload
from casewright.domain.history import canonical_header, header_digest, note_digest, payload_digest
from casewright.domain.json_values import canonical_json, freeze_json, parse_json
from casewright.domain.values import as_instant, instant_text
from casewright.testing.vectors import Vector, canonical_vectors, document
from support import make_vectors
from support.values import TZIF_RULES

GROUPS: dict[str, list[Vector]] = {group["type"]: group["tests"] for group in canonical_vectors()["testGroups"]}
VECTORS = [(kind, vector) for kind, group in GROUPS.items() for vector in group]
BEYOND_PLAIN_PARSERS = {"DuplicateKey", "Syntax", "Encoding"}


def outcome(kind: str, vector: Vector) -> dict[str, str]:
    """Return what comes of a vector: canonical text and digests.

    Raises:
        InvalidInputError: It is refused.
    """
    if kind == "value":
        text = canonical_json(parse_json(document(vector), "value"))
        return {"canonical": text, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    if kind == "instant":
        return {"canonical": instant_text(as_instant(vector["time"], "time"))}
    if kind == "event_header":
        event = event_of(vector["header"])
        return {"canonical": canonical_header(event), "digest": header_digest(event)}
    if kind == "payload":
        parts: Any = freeze_json(vector["payload"], "payload")
        text = Payload(inputs=parts["inputs"], changes=parts["changes"]).text
        return {"canonical": text, "digest": payload_digest(text, vector["salt"])}
    given = vector["note"]
    note = Note(**given, version=2)
    digest = note_digest(
        note_id=note.id, item_id=note.item_id, author_id=note.author_id, body=note.body, created_at=note.created_at
    )
    return {"digest": digest}


def event_of(header: Any) -> Event:
    """Return an event with the header, its times as aware or naive as they stand there."""
    fields = dict(header)
    for name in ("occurred_at", "recorded_at"):
        fields[name] = None if fields[name] is None else datetime.fromisoformat(fields[name])
    fields |= {"category": Category(fields["category"]), "changed": tuple(fields["changed"])}
    return Event(**fields, payload=None)


def mistake(kind: str, vector: Vector) -> str | None:
    """Return what is wrong with the outcome of a vector; None if nothing is."""
    try:
        found = outcome(kind, vector)
    except InvalidInputError as error:
        return f"refused: {error}" if vector["result"] == "valid" else None
    expected = {name: value for name, value in vector.items() if name in found}
    if vector["result"] == "valid":
        return None if expected.items() <= found.items() else f"{found} instead of {expected}"
    return f"let through as {str(found)[:200]}" if expected.items() <= found.items() else None


@pytest.mark.parametrize("kind", GROUPS)
def test_each_vector(kind: str) -> None:
    """Each shipped vector has the outcome that stands beside it (H4, S2)."""
    mistakes = {(vector["tcId"], vector["comment"]): mistake(kind, vector) for vector in GROUPS[kind]}
    assert mistakes == dict.fromkeys(mistakes)


def test_plain_parser_gives_the_same() -> None:
    """What a plain parser lets through is accepted or refused just as text of the same value is (H4, S2)."""
    plain = [vector for vector in GROUPS["value"] if not BEYOND_PLAIN_PARSERS.intersection(vector["flags"])]
    assert len(plain) > 300
    for vector in plain:
        text = canonical_by_plain_parser(vector)
        assert (text is not None) is (vector["result"] == "valid"), vector
        if text is not None:
            assert hashlib.sha256(text.encode()).hexdigest() == vector["sha256"], vector
            assert canonical_json(parse_json(text, "value")) == text, "canonical text stays as it is"


def canonical_by_plain_parser(vector: Vector) -> str | None:
    """Return canonical text of what a plain parser makes of a vector; None where it or the library refuses it."""
    try:
        return canonical_json(freeze_json(json.loads(document(vector)), "value"))
    except (ValueError, RecursionError, InvalidInputError):
        return None


def test_shipped_file_is_what_its_maker_makes() -> None:
    """The shipped file comes from an oracle that knows nothing of the code under test (H4)."""
    shipped = files("casewright.testing.vectors").joinpath("canonical.json").read_text(encoding="ascii")
    assert shipped == make_vectors.vectors_text()
    assert "casewright" not in {name.partition(".")[0] for name in vars(make_vectors)}


def test_file_is_whole() -> None:
    """The file holds at least a thousand vectors, numbered without a gap, of every type, valid and invalid (H4)."""
    document = canonical_vectors()
    assert [vector["tcId"] for _, vector in VECTORS] == list(range(1, document["numberOfTests"] + 1))
    assert len(VECTORS) >= 1_000
    counted = Counter((str(kind), vector["result"]) for kind, vector in VECTORS)
    kinds = ("value", "instant", "event_header", "payload", "note")
    assert all(counted[kind, result] >= 10 for kind in kinds for result in ("valid", "invalid"))
    flags = {flag for _, vector in VECTORS for flag in vector["flags"]}
    assert flags == set(document["notes"]), "each flag is explained and used"
    assert len({json.dumps({**vector, "tcId": 0}) for _, vector in VECTORS}) == len(VECTORS), "none is there twice"


def all_outcomes() -> str:
    """Return what comes of each vector, one line each."""
    lines = []
    for kind, vector in VECTORS:
        try:
            found = repr(outcome(kind, vector))
        except InvalidInputError as error:
            found = str(error)
        lines.append(f"{vector['tcId']} {hashlib.sha256(found.encode()).hexdigest()}\n")
    return "".join(lines)


@pytest.mark.parametrize(("zone", "seed"), [("<+14>-14", "0"), ("<-1130>11:30", "1"), (TZIF_RULES[0], "2")])
def test_surroundings_do_not_matter(zone: str, seed: str) -> None:
    """All vectors have the same outcome in another time zone and under another hash seed (H4)."""
    surroundings = {**os.environ, "TZ": zone, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, __file__], env=surroundings, capture_output=True, text=True, check=False)
    assert run.stderr == ""
    assert run.stdout == all_outcomes()


if __name__ == "__main__":
    sys.stdout.write(all_outcomes())
