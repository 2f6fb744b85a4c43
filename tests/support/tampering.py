"""Rows of a history as they are stored, and ways to tamper with them, from a seed."""

from __future__ import annotations

import random
from typing import Any, Final

import attrs

from casewright import Change, StorageError
from casewright.adapters.sqlalchemy.quick import header_text
from casewright.adapters.sqlalchemy.reading import read_exact_event, read_exact_item, read_exact_note
from casewright.adapters.sqlalchemy.rows import event_values, item_values, note_values
from casewright.adapters.sqlalchemy.tables import TABLES
from casewright.application.proving import prove
from casewright.domain.history import Finding, payload_digest, text_digest

_ITEM: Final = item_values(TABLES.item.c.keys())
_ODD: Final[tuple[Any, ...]] = (
    *(
        None,
        "",
        "x",
        "0",
        0,
        1,
        2,
        True,
        1.0,
        b"x",
        "[]",
        "{}",
        '["title"]',
        '["x","x"]',
        '["a", "b"]',
        "[1]",
        "not json",
    ),
    *("2026-01-31T12:00:00.000000Z", "2026-01-31T12:00:00.000000+00:00", "2026-01-31 12:00:00.000000Z", "\n"),
    *("2026-W05-6T12:00:00.000000Z", "2026-01-31T12:00:00,000000Z", "2026-99-99T12:00:00.000000Z", "task", "case"),
    *("done", "open", "high", "urgent", "todo", "a\tb\n", "\nclose\tx\n", '{"changes":{},"inputs":{}}'),
    *('{"changes":{"title":"t","title":"u"},"inputs":{}}', '{"changes":{"title":5},"inputs":{}}', '{"inputs":{}}'),
    *(
        '{"changes":[],"inputs":{}}',
        '{"changes":{"open_tasks":true},"inputs":{}} ',
        '{"changes":{"priority":"x"},"inputs":{}}',
    ),
    *('{"changes":{"tags":[1]},"inputs":{}}', '{"changes":{"due_at":"2026-01-31"},"inputs":{}}', "[1,2]", "add_note"),
    *('{"changes":{"attributes":[["a",1]]},"inputs":{}}', '{"changes":{"tags":{"add":["z"]}},"inputs":{}}', "delete"),
)
"""What a column is set to: much of it of a wrong type, or nearly right."""


@attrs.define
class Rows:
    """All rows of one item."""

    item: list[Any] | None
    events: list[list[Any]]
    notes: list[list[Any]]

    @classmethod
    def of(cls, changes: list[Change[Any]]) -> Rows:
        """Return the rows that a store would hold after the changes."""
        notes = [list(note_values(note, place)) for change in changes for place, note in enumerate(change.notes)]
        return cls(_ITEM(changes[-1].after), [list(event_values(change.event)) for change in changes], notes)

    def findings(self) -> tuple[Finding, ...]:
        """Return what `prove` finds, which makes items and events of all rows first."""
        try:
            item = None if self.item is None else read_exact_item(self.item)
            events, notes = tuple(map(read_exact_event, self.events)), tuple(map(read_exact_note, self.notes))
        except StorageError as error:
            return (Finding(0, "unreadable", error.problem),)
        return prove(("", "x"), item, events, notes).findings

    def tamper(self, rng: random.Random) -> str:
        """Change something at random, and return in a word what; nothing may come of it."""
        way = rng.choice(["event", "event", "event", "item", "item", "note", "drop", "double", "swap", "rowless"])
        if way == "event":
            row = rng.choice(self.events)
            row[rng.randrange(2, len(row))] = rng.choice([*_ODD, *rng.choice(self.events)])
        elif way == "item" and self.item is not None:
            self.item[rng.randrange(2, len(self.item))] = rng.choice([*_ODD, *self.item])
        elif way == "note" and self.notes:
            row = rng.choice(self.notes)
            row[rng.randrange(3, len(row))] = rng.choice([*_ODD, *rng.choice(self.notes)])
        elif way == "drop":
            where = rng.choice([part for part in (self.events, self.notes) if part])
            del where[rng.randrange(len(where))]
        elif way == "double":
            where = rng.choice([part for part in (self.events, self.notes) if part])
            where.insert(rng.randrange(len(where)), list(rng.choice(where)))
        elif way == "swap":
            one, two = rng.randrange(len(self.events)), rng.randrange(len(self.events))
            self.events[one], self.events[two] = self.events[two], self.events[one]
        elif way == "rowless" and rng.random() < 0.2:
            self.item = None
        if self.events and rng.random() < 0.6:
            self.reseal()
        return way

    def reseal(self) -> None:
        """Make all digests anew, as whoever owns the database can."""
        previous = ""
        for version, row in enumerate(self.events, 1):
            try:
                row[3], row[20] = version, previous
                row[21] = payload_digest(row[23], row[24])
                row[22] = previous = text_digest(header_text(row))
            except (TypeError, AttributeError, UnicodeEncodeError):
                return
        if self.item is not None:
            self.item[7], self.item[21] = len(self.events), previous
