"""What a store holds of one item, checked as a whole: the history, the row that it should make, and the notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import attrs

from casewright.domain.events import Event
from casewright.domain.folding import erased_fields, fold
from casewright.domain.history import Finding, note_digest, verify
from casewright.domain.items import Item, Note
from casewright.domain.json_values import FrozenMapping, canonical_json
from casewright.errors import HistoryError

__all__ = ["Stored", "verify_stored"]


class Stored(Protocol):
    """All events of one item: a sequence, or what reads them anew each time it is gone through."""

    def __iter__(self) -> Iterator[Event]:
        """Go through them, by version."""
        ...

    def __len__(self) -> int:
        """Return how many there are."""
        ...


def verify_stored(item: Item, events: Stored, notes: Sequence[Note]) -> tuple[Finding, ...]:
    """Check a history (H5, H6), the row that it should make (E3, H2), and the notes that it tells of.

    Args:
        item: The row.
        events: All events of the item, by version; gone through several times, so they may be read anew each time.
        notes: All notes of the item.

    Returns:
        What does not hold; empty when sound. A wrong row is found at the position after the last event. Fields and
        notes whose events were erased are passed over (H8).
    """
    findings = verify(events)
    if findings:
        return findings
    end = len(events)
    try:
        made = fold(events)
        if made.kind != item.kind:
            return (Finding(end, "row", "the row is not what the history makes: kind"),)
        unknown = erased_fields(events)
        names = [field.name for field in attrs.fields(type(item)) if field.name not in unknown]
        wrong = [name for name in names if not _same(getattr(item, name), getattr(made, name, None))]
        told = [Finding(end, "row", f"the row is not what the history makes: {', '.join(wrong)}")] if wrong else []
        return (*told, *_of_notes(events, notes, end))
    except HistoryError as error:
        return (Finding(end if error.position is None else error.position, "malformed", error.problem),)


def _same(kept: object, made: object) -> bool:
    if isinstance(kept, FrozenMapping) and isinstance(made, FrozenMapping):
        try:
            return canonical_json(kept) == canonical_json(made)  # == takes 1 for True, also deep inside
        except ValueError:  # what no history can hold
            return False
    return type(kept) is type(made) and kept == made


def _of_notes(events: Stored, notes: Sequence[Note], end: int) -> list[Finding]:
    left = {note.version: note for note in notes}
    doubled = len(left) < len(notes)
    findings = []
    for position, event in enumerate(events):
        if event.action != "add_note":
            continue
        note = left.pop(event.version, None)
        if event.payload is None:
            continue
        inputs = event.payload.inputs
        if note is None:
            findings.append(Finding(position, "note_missing", "its note is gone"))
        elif (note.id, _digest(note)) != (inputs.get("note_id"), inputs.get("digest")):
            findings.append(Finding(position, "note", "its note is not what was added"))
    if left or doubled:
        findings.append(Finding(end, "note_extra", "a note is there that no event has added"))
    return findings


def _digest(note: Note) -> str:
    return note_digest(
        note_id=note.id, item_id=note.item_id, author_id=note.author_id, body=note.body, created_at=note.created_at
    )
