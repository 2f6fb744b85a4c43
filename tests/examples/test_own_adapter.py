"""The store in a file of JSON lines: what is shown to adapter authors holds under many processes, kills and faults."""

from __future__ import annotations

import errno
import os
import random
import re
from collections import Counter
from itertools import cycle
from pathlib import Path
from typing import Final

import pytest

from casewright import (
    REGULATORY_CASE,
    TASK,
    ItemId,
    OpenCase,
    StaleVersionError,
    StorageError,
    Store,
    UnitOfWork,
    Writes,
)
from casewright.domain.items import Item
from casewright.testing.contracts import ListingContract, OutboxContract, StoreContract
from casewright.testing.contracts.driving import Changes, all_of, annotated, created, kept, write
from own_adapter.jsonl_store import JsonLinesStore, JsonLinesUnitOfWork
from support.buses import ROOT, a_bus
from support.line_race import Unlocked, create_until_killed, edited_by_all
from support.racing import PROCESSES, WORKERS

ROOT_FOLDER: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT_FOLDER / "examples" / "own_adapter"
PAGE: Final = ROOT_FOLDER / "docs" / "how-to" / "write-an-adapter.md"

(OPENING,) = created(REGULATORY_CASE, "c")
ENTERING: Final[Changes] = created(TASK, "t", title="Ärger 終\n\\n", parent=OPENING.after)
NOTED: Final[Changes] = (*ENTERING, *annotated(ENTERING[0].after, "n"))


class Remembering(JsonLinesUnitOfWork):
    """A unit that asks the file only for what its store has not seen or written yet."""

    def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        seen: dict[tuple[str, str], Item | None] = vars(self._store).setdefault("seen", {})
        key = (self.tenant, item_id)
        if seen.get(key) is None:
            seen[key] = super()._load(item_id, lock=lock)
        return seen[key]

    def _flush(self, writes: Writes) -> None:
        super()._flush(writes)
        vars(self._store)["seen"] = {}


class RemembersItems(JsonLinesStore):
    """A store that is right as long as no other one writes to the file."""

    def begin(self, *, tenant: str, write: bool = True) -> Remembering:
        """Return such a unit."""
        return Remembering(self, tenant, write=write)


class ByTurns:
    """Several stores on the same data, as processes have them: each unit is begun by the next one."""

    def __init__(self, *stores: Store) -> None:
        """Begin with the first one."""
        self._stores = cycle(stores)

    def begin(self, *, tenant: str, write: bool = True) -> UnitOfWork:
        """Return a unit of the next one."""
        return next(self._stores).begin(tenant=tenant, write=write)


class TestTwoStoresByTurns(StoreContract, ListingContract, OutboxContract):
    """Two stores on one file keep all contracts, whichever of them begins a unit (L1, L5)."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> ByTurns:
        """Return both, on a new file."""
        return ByTurns(*(JsonLinesStore(tmp_path / "store.jsonl") for _ in range(2)))


def test_a_store_that_remembers_is_caught_by_turns_and_only_so(tmp_path: Path) -> None:
    """One store that keeps what it has read passes; two of them on one file give what is older than was committed."""
    loaded = StoreContract().test_what_another_thread_has_committed_is_loaded
    loaded(RemembersItems(tmp_path / "one"), lock=False)
    with pytest.raises((AssertionError, StaleVersionError)):
        loaded(ByTurns(RemembersItems(tmp_path / "two"), RemembersItems(tmp_path / "two")), lock=False)


def lost_by(kind: type[JsonLinesStore], path: Path, times: int) -> list[str]:
    """Let eight processes edit one case that many times each; return what went wrong."""
    a_bus(JsonLinesStore(path)).execute(OpenCase("c", id="c"), by=ROOT)
    seen = edited_by_all(kind, path, times)
    bus = a_bus(JsonLinesStore(path))
    events = bus.history("c", by=ROOT)
    answers = sum((one.answers for one in seen), Counter[str]())
    checks = {
        "a command was not done": answers == Counter(done=WORKERS * times),
        "an acknowledged event is not there": sorted(link for one in seen for link in one.links)
        == [(event.version, event.previous, event.digest) for event in events[1:]],
        "a version is missing": bus.get("c", by=ROOT).version == WORKERS * times + 1,
        "the history does not prove itself": bus.verify("c", by=ROOT) == (),
    }
    return [problem for problem, held in checks.items() if not held]


@pytest.mark.parametrize("times", [10, pytest.param(250, marks=pytest.mark.large)])
def test_eight_processes_lose_no_update(tmp_path: Path, times: int) -> None:
    """Every edit is done, each has just one predecessor, and the versions have no gap (L1, H5)."""
    assert lost_by(JsonLinesStore, tmp_path / "store.jsonl", times) == []


def test_a_store_that_does_not_lock_is_caught(tmp_path: Path) -> None:
    """The race has teeth: where nobody looks before they write, updates are lost and it tells."""
    assert "a version is missing" in lost_by(Unlocked, tmp_path / "store.jsonl", 10)


@pytest.mark.parametrize("killed", [5, pytest.param(30, marks=pytest.mark.large)])
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path, killed: int) -> None:
    """After each SIGKILL all that was acknowledged is there, at most one command more, and writing goes on (T2)."""
    path, rng, there = tmp_path / "store.jsonl", random.Random(killed), 0
    for _ in range(killed):
        reader, journal = PROCESSES.Pipe(duplex=False)
        writer = PROCESSES.Process(target=create_until_killed, args=(path, there, journal))
        writer.start()
        journal.close()
        told = [reader.recv() for _ in range(rng.randrange(1, 30))]
        writer.kill()
        try:
            while True:
                told.append(reader.recv())
        except EOFError:
            writer.join()
        assert told == [f"{number}" for number in range(there, there + len(told))]
        there += len(told)
        store = JsonLinesStore(path)
        there += all_of(store, f"{there}")[0] is not None
        assert all_of(store, f"{there}")[0] is None
        assert all(all_of(store, f"{number}")[0] for number in range(there))


def test_wherever_the_last_line_is_cut_the_unit_is_there_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut at any byte, the last unit counts for nothing, those before for all, and the next one is whole (T1, T2)."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # thousands of them take half a minute
    path = tmp_path / "store.jsonl"
    store = JsonLinesStore(path)
    write(store, OPENING)
    size = path.stat().st_size
    write(store, *NOTED)
    whole = path.read_bytes()
    for length in range(size, len(whole) + 1):
        path.write_bytes(whole[:length])
        changes = (OPENING, *NOTED) if length == len(whole) else (OPENING,)
        cut = JsonLinesStore(path)
        assert [all_of(cut, item_id) for item_id in "ct"] == [kept(changes, item_id) for item_id in "ct"]
        if length < len(whole):
            write(cut, *NOTED)
            assert path.read_bytes() == whole


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_what_the_disk_did_not_take_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """Where the file cannot be brought to the disk, nothing of the unit is there, and the next one is written (T1)."""
    path = tmp_path / "store.jsonl"
    store = JsonLinesStore(path)
    write(store, OPENING)

    def fail(handle: int) -> None:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        with pytest.raises(StorageError if isinstance(error, OSError) else KeyboardInterrupt):
            write(store, *NOTED)
    for one in (store, JsonLinesStore(path)):
        assert all_of(one, "c") == kept((OPENING,))
    write(store, *NOTED)
    assert all_of(JsonLinesStore(path), "t") == kept((OPENING, *NOTED), "t")


@pytest.mark.parametrize("damage", [b"{}", b"[", b"null", b'{"tenant":"","items":[{}]}', b"\xff"])
def test_a_line_that_is_damaged_is_told_and_nothing_is_written_after_it(tmp_path: Path, damage: bytes) -> None:
    """A whole line that makes no sense is a StorageError that says where, each time, and not passed over."""
    path = tmp_path / "store.jsonl"
    write(JsonLinesStore(path), OPENING)
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + damage + b"\n")
    store = JsonLinesStore(path)
    for _ in range(2):
        with pytest.raises(StorageError, match=f"damaged at byte {size};"):
            all_of(store, "c")
        with pytest.raises(StorageError, match=f"damaged at byte {size};"):
            write(store, *NOTED)
    assert path.read_bytes().endswith(damage + b"\n")


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    """Where there is no file any more, a StorageError says so."""
    store = JsonLinesStore(tmp_path / "store.jsonl")
    (tmp_path / "store.jsonl").unlink()
    with pytest.raises(StorageError, match="could not be used"):
        all_of(store, "c")


def test_the_test_of_an_adapter_is_short() -> None:
    """A third party's whole test module has at most 15 lines."""
    assert len((FOLDER / "test_own_adapter.py").read_text(encoding="utf-8").splitlines()) <= 15


def test_the_page_shows_the_example_as_it_is() -> None:
    """The store, its unit and the whole test stand on the how-to page word for word, but for what is imported."""
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    store = (FOLDER / "jsonl_store.py").read_text(encoding="utf-8")
    shown = [block[block.index("class ") :] for block in blocks if "class JsonLines" in block]
    assert store.endswith("\n\n" + "\n\n".join(shown))
    assert (FOLDER / "test_own_adapter.py").read_text(encoding="utf-8") in blocks
    oracle = (FOLDER / "oracle.py").read_text(encoding="utf-8")
    assert [oracle.endswith(block[block.index("\n\n\nclass ") :]) for block in blocks if "class Reads" in block] == [
        True
    ]
