"""Test vectors of the canonical JSON and its digests, for adapters and for other languages (H4).

They stand in ``canonical.json`` beside this module, in groups of one type each, after the manner of Wycheproof. Its
``header`` says what each part means.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Literal, TypeAlias, TypedDict

__all__ = ["Vector", "VectorFile", "VectorGroup", "canonical_vectors", "document"]


Vector: TypeAlias = Mapping[str, Any]
"""One test. All have these:

- ``tcId``: its number, unique in the file.
- ``comment``: what it is about.
- ``result``: ``"valid"``: the outcome below must come of it; ``"invalid"``: it is refused, or has another digest.
- ``flags``: names that the file's ``notes`` explain.

Given, according to the type of the group:

- ``json`` (JSON text), ``hex`` (bytes that should be JSON) or ``runs`` (JSON text in parts): see `document`.
- ``time``: an ISO 8601 time.
- ``header``: the header of an event.
- ``payload`` and ``salt``: inputs and changes of an event, and what they are hashed with.
- ``note``: the fields of a note.

The outcome:

- ``canonical``: the canonical text; left out where it is long.
- ``sha256``: the digest of the canonical text alone.
- ``digest``: the digest under the tag of its kind.
"""


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
    text: str = vector["json"]
    return text
