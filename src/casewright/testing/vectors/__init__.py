"""Test vectors of the canonical JSON and its digests, for adapters and for other languages (H4).

They stand in ``canonical.json`` beside this module, in groups of one type each, after the manner of Wycheproof. Its
``header`` says what each part means.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Literal, NotRequired, TypedDict

__all__ = ["Vector", "VectorFile", "VectorGroup", "canonical_vectors", "document"]


class Vector(TypedDict):
    """One test: what is given, whether it is valid, and what must come of it.

    Attributes:
        tcId: Its number, unique in the file.
        comment: What it is about.
        result: ``"valid"``: the outcome below must come of it; ``"invalid"``: it is refused, or has another digest.
        flags: Names that the file's ``notes`` explain.
        json: Given: JSON text.
        hex: Given: bytes that should be JSON.
        runs: Given: JSON text in parts, each with how often it comes.
        time: Given: an ISO 8601 time.
        header: Given: the header of an event.
        payload: Given: inputs and changes of an event.
        salt: Given: the salt of the payload.
        note: Given: the fields of a note.
        canonical: Outcome: the canonical text; left out where it is long.
        sha256: Outcome: the digest of the canonical text alone.
        digest: Outcome: the digest under the tag of its kind.
    """

    tcId: int
    comment: str
    result: Literal["valid", "invalid"]
    flags: list[str]
    json: NotRequired[str]
    hex: NotRequired[str]
    runs: NotRequired[list[tuple[str, int]]]
    time: NotRequired[str]
    header: NotRequired[Mapping[str, Any]]
    payload: NotRequired[Mapping[str, Any]]
    salt: NotRequired[str]
    note: NotRequired[Mapping[str, Any]]
    canonical: NotRequired[str]
    sha256: NotRequired[str]
    digest: NotRequired[str]


class VectorGroup(TypedDict):
    """The tests of one type.

    Attributes:
        type: What they test.
        tests: The vectors.
    """

    type: Literal["value", "instant", "event_header", "payload", "note"]
    tests: list[Vector]


class VectorFile(TypedDict):
    """The whole file.

    Attributes:
        algorithm: What is tested.
        version: The version of the file.
        numberOfTests: How many vectors there are.
        header: What the file is, and what its parts mean.
        notes: What each flag means.
        testGroups: The groups.
    """

    algorithm: str
    version: int
    numberOfTests: int
    header: list[str]
    notes: dict[str, str]
    testGroups: list[VectorGroup]


def canonical_vectors() -> VectorFile:
    """Return the shipped vectors, read anew on each call."""
    text = files("casewright.testing.vectors").joinpath("canonical.json").read_text(encoding="ascii")
    loaded: VectorFile = json.loads(text)
    return loaded


def document(vector: Vector) -> str | bytes:
    """Return the JSON that a vector of type ``value`` gives: text, or bytes where it is about encoding.

    Args:
        vector: One that has ``json``, ``hex`` or ``runs``.

    Returns:
        What a parser is to be given.
    """
    if "hex" in vector:
        return bytes.fromhex(vector["hex"])
    if "runs" in vector:
        return "".join(part * count for part, count in vector["runs"])
    return vector["json"]
