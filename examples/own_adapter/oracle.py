"""What is in the file of a `JsonLinesStore`, read without it: the contract holds it against what the store says."""

from __future__ import annotations

import json
from typing import Any

from casewright.testing.contracts import Rows
from own_adapter.jsonl_store import JsonLinesStore

__all__ = ["ReadsTheFile"]


class ReadsTheFile:
    """The oracle of a contract class: it stands before the contracts."""

    def oracle(self, store: JsonLinesStore) -> Rows:
        """Return all rows; of an item the last line that has it counts."""
        units: list[dict[str, Any]] = [json.loads(line) for line in store.path.read_bytes().splitlines()]
        items = {(unit["tenant"], item["id"]): item for unit in units for item in unit["items"]}
        pointers = [(unit["tenant"], *pointer) for unit in units for pointer in unit["pointers"]]
        return Rows(
            items=list(items.values()),
            events=[event for unit in units for event in unit["events"]],
            notes=[note for unit in units for note in unit["notes"]],
            pointers=[dict(zip(("tenant", "item_id", "version"), pointer, strict=True)) for pointer in pointers],
        )
