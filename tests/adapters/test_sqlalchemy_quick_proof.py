"""The quick look at rows: it calls sound nothing that `prove` would not, and all that is sound and was not erased."""

from __future__ import annotations

import random
from collections import Counter
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from casewright import REGULATORY_CASE, TASK, Change, erase
from casewright.adapters.sqlalchemy.quick import header_text, sound_events
from casewright.adapters.sqlalchemy.tables import TABLES
from casewright.domain.events import HEADERS
from casewright.domain.history import canonical_header
from casewright.domain.json_values import canonical_json
from casewright.domain.values import instant_text
from casewright.testing.contracts.driving import created, edited
from support.histories import random_histories
from support.sizes import full
from support.tampering import Rows


def chains(seeds: int) -> list[list[Change[Any]]]:
    """Return the changes of many items."""
    return [chain for seed in range(seeds) for chain in random_histories(seed, 25).values()]


def quick(rows: Rows) -> int | None:
    """Return what the quick look says."""
    return sound_events(rows.item, rows.events, rows.notes)


def test_the_header_is_written_as_it_was_hashed() -> None:
    """From the columns comes just the text that was hashed, for the one shape of headers that there is (H4)."""
    assert list(HEADERS) == [1]
    for chain in chains(20):
        for change, row in zip(chain, Rows.of(chain).events, strict=True):
            assert header_text(row) == canonical_header(change.event)


def test_all_that_is_sound_is_called_so() -> None:
    """Each history that decisions have made is proven by the quick look alone, notes and deletions too (H7)."""
    actions = set()
    for chain in chains(25):
        assert quick(Rows.of(chain)) == len(chain)
        actions |= {change.event.action for change in chain}
    assert {"add_note", "delete", "task_opened", "tag", "edit", "set_due"} <= actions


def test_what_was_erased_is_looked_at_slowly() -> None:
    """Where a payload is gone, the quick look says nothing (H8)."""
    for chain in chains(5):
        rows, place = Rows.of(chain), len(chain) // 2
        rows.events[place][23] = rows.events[place][24] = None
        assert quick(rows) is None
        assert erase(chain[place].event).erased or rows.findings()


@pytest.mark.parametrize("tries", [2_000, full(50_000)])
def test_nothing_is_called_sound_that_is_not(tries: int) -> None:
    """However rows are changed, digests made anew or not: what is called sound has no findings (H6, H7)."""
    rng = random.Random(tries)
    origins = [Rows.of(chain) for chain in chains(12)]
    seen: Counter[tuple[str, bool, bool]] = Counter()
    for _ in range(tries):
        rows = deepcopy(rng.choice(origins))
        way = rows.tamper(rng)
        sound, findings = quick(rows) is not None, rows.findings()
        assert not (sound and findings), (way, findings, rows)
        seen[way, sound, not findings] += 1
    assert sum(number for (_, sound, _), number in seen.items() if not sound) > tries // 3
    assert sum(number for (_, sound, clean), number in seen.items() if clean and not sound) < tries // 20


def test_an_instant_is_canonical_or_doubted() -> None:
    """A time in another form than ours is not called sound, though it may be the same instant (H4, S3)."""
    (chain, *_) = chains(1)
    outcomes = Counter(_with_an_odd_time(Rows.of(chain[:1]), random.Random(seed)) for seed in range(400))
    assert outcomes[True] > 20
    assert outcomes[False] > 200


def _with_an_odd_time(rows: Rows, rng: random.Random) -> bool:
    """Change a time at random, and return whether it is canonical still; the quick look must agree."""
    text = list(rows.events[0][11])
    for _ in range(rng.randrange(1, 3)):
        text[rng.randrange(len(text))] = rng.choice("0123456789TWZ:-.,+ \u0661")
    odd = "".join(text)
    assert rows.item is not None
    rows.events[0][11] = odd
    for place in (12, 13, 16):  # created, updated, closed
        rows.item[place] = odd if rows.item[place] is not None else None
    rows.reseal()
    try:
        moment = datetime.fromisoformat(odd)
        canonical = moment.tzinfo is UTC and instant_text(moment) == odd
    except ValueError:
        canonical = False
    assert (quick(rows) is not None) is canonical, odd
    return canonical


def _one_event(payload: str, changed: str, *, actor: str = "ann", case: bool = False, **fields: Any) -> Rows:
    """Return the rows of an item with one event that was forged as a whole, its row to match."""
    (opening,) = created(REGULATORY_CASE if case else TASK, "a", title="t")
    rows = Rows.of([opening])
    assert rows.item is not None
    event, names = rows.events[0], [column.name for column in TABLES.item.c]
    event[9], event[19], event[23] = actor, changed, payload
    forged = {"created_by": actor, "performers": f"\ncreate\t{actor}\n", **fields}
    for name, value in forged.items():
        rows.item[names.index(name)] = value
    rows.reseal()
    return rows


TITLE = '{"changes":{"title":"t"},"inputs":{}}'
FORGED: dict[str, Rows] = {
    "a tab in an id": _one_event(TITLE, '["title"]', actor="p\tq"),
    "a line feed in an id": _one_event(TITLE, '["title"]', actor="p\nclose\tq"),
    "no priority": _one_event(
        '{"changes":{"priority":"x","title":"t"},"inputs":{}}', '["priority","title"]', priority="x"
    ),
    "a key twice": _one_event('{"changes":{"title":"s","title":"t"},"inputs":{}}', '["title"]'),
    "more than JSON": _one_event(TITLE + "x", '["title"]'),
    "no JSON": _one_event("x", '["title"]'),
    "no number": _one_event(
        '{"changes":{"open_tasks":null,"title":"t"},"inputs":{}}', '["open_tasks","title"]', case=True, open_tasks=None
    ),
    "true for one": _one_event(
        '{"changes":{"open_tasks":true,"title":"t"},"inputs":{}}', '["open_tasks","title"]', case=True, open_tasks=1
    ),
    "no title": _one_event('{"changes":{},"inputs":{}}', '["title"]', title=None),
    "a tag that is no text": _one_event(
        '{"changes":{"tags":[1],"title":"t"},"inputs":{}}', '["tags","title"]', tags="[1]"
    ),
    "a date that is no time": _one_event(
        '{"changes":{"due_at":"soon","title":"t"},"inputs":{}}', '["due_at","title"]', due_at="soon"
    ),
    "changes in a list": _one_event('{"changes":[],"inputs":{}}', '["title"]'),
}


def _then(*later: dict[str, str]) -> Rows:
    """Return the rows of an item whose later events were forged as a whole: each sets a field."""
    chain = list(created(TASK, "a", title="t"))
    for number, _ in enumerate(later):
        chain += edited(chain[-1].after, f"{number}")
    rows = Rows.of(chain)
    assert rows.item is not None
    rows.item[8] = "t"
    for event, changes in zip(rows.events[1:], later, strict=True):
        event[19] = canonical_json(sorted(changes))
        event[23] = canonical_json({"changes": changes, "inputs": {}})
        for name, value in changes.items():
            rows.item[TABLES.item.c.keys().index(name)] = value
    rows.reseal()
    return rows


def _two_lines() -> Rows:
    """Return the rows of an item where somebody did what reads as two lines of performers that are there."""
    rows = _then({"title": "t"}, {"title": "t"}, {"title": "t"})
    for event, action in zip(rows.events[1:], ("x", "y", f"x\t{rows.events[0][9]}\ny"), strict=True):
        event[4] = action
    assert rows.item is not None
    actor = rows.events[0][9]
    rows.item[20] = f"\ncreate\t{actor}\nx\t{actor}\ny\t{actor}\n"
    rows.reseal()
    return rows


FORGED |= {
    "no priority for a while": _then({"priority": "x"}, {"priority": "high"}),
    "no time for a while": _then({"due_at": "soon"}, {"due_at": "2026-01-31T12:00:00.000000Z"}),
    "two lines in one": _two_lines(),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forgery_that_fits_in_itself_is_doubted(what: str) -> None:
    """What nobody of ours can have written is not called sound, though row and digests were forged to fit it (H6)."""
    assert FORGED[what].findings() != ()
    assert quick(FORGED[what]) is None
    assert quick(_one_event(TITLE, '["title"]')) == 1
