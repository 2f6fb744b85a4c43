"""The demo: what a newcomer sees first."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from casewright import Actor, CommandBus, CreateTask, fold, verify
from casewright.adapters.memory import MemoryStore
from casewright.cli import main
from casewright.cli.demo import demo_json, demo_text
from casewright.cli.story import CASE_ID, FOUR_EYES, ITEM_IDS, RITA, SCRIPT, TASK_IDS, Story, tell
from casewright.codec import from_data
from casewright.domain.catalog import TASK
from casewright.domain.events import Event
from casewright.domain.history import Finding
from casewright.domain.items import Case
from support.backends import BACKENDS, Backend, SqliteBackend
from support.programs import without_sqlalchemy
from support.stores import sqlite_store


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Each store, empty."""
    made = BACKENDS[request.param](tmp_path)
    yield made
    made.close()


@pytest.fixture
def story(backend: Backend) -> Story:
    """The story, told in that store."""
    return tell(backend.store)


def url_of(folder: Path) -> str:
    """Return the URL of the database in a folder."""
    return f"sqlite:///{folder / 'store.db'}"


def test_the_story_is_always_the_same(story: Story) -> None:
    """Told in any store, it is the same but for salts and digests: text, items and answers (L5)."""
    other = tell(MemoryStore())

    assert demo_text(story) == demo_text(other)
    assert {item_id: attrs.evolve(item, head="") for item_id, item in story.items.items()} == {
        item_id: attrs.evolve(item, head="") for item_id, item in other.items.items()
    }
    for item_id in ITEM_IDS:
        times = [(event.occurred_at, event.recorded_at) for event in story.histories[item_id]]
        assert times == [(event.occurred_at, event.recorded_at) for event in other.histories[item_id]]


def test_it_ends_well(story: Story) -> None:
    """The case is closed, its tasks are done, and each history verifies and folds to its item (E3, H5)."""
    assert {item_id: item.status for item_id, item in story.items.items()} == {
        "R-17": "CLOSED",
        "T-1": "done",
        "T-2": "done",
    }
    for item_id, events in story.histories.items():
        assert verify(events) == story.findings[item_id] == ()
        assert fold(events) == story.items[item_id]


def test_every_kind_of_refusal_is_met(story: Story) -> None:
    """It meets a wrong role, a wrong state, what is hidden, a missing reason, an open task, and four eyes."""
    codes = [{reason.code for reason in report.reasons} for _, report in story.refusals]

    assert codes == [
        {"role_missing"},
        {"wrong_state"},
        {"not_visible"},
        {"input_missing", "open_tasks"},
        {"forbidden"},
    ]


def test_it_is_told_in_80_columns_of_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    """The text fits any terminal, has no colour, and shows each step, each reason, each version and the proof."""
    assert main(["demo"]) == 0

    out, err = capsys.readouterr()
    story = tell(MemoryStore())
    assert err == ""
    assert out == demo_text(story) + "\n"
    assert out.isascii()
    assert max(map(len, out.splitlines())) <= 80
    assert "\x1b" not in out
    for step in SCRIPT:
        ask = step.command.ask()
        assert f"  {step.at:%H:%M}  {step.by.id:4}  {ask.action} {ask.item_id}" in out
    words = " ".join(out.split())
    assert all(reason.text in words for _, report in story.refusals for reason in report.reasons)
    assert "9 16:00 rita close ESCALATED -> CLOSED" in words
    assert "verify R-17: 9 events, sound" in words
    assert "event at position 1: its header is not what was sealed" in words


def test_programs_get_the_same_story(capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` is one object; what it holds reads back as a case and its events, which prove themselves."""
    assert main(["demo", "--json"]) == 0

    answer = json.loads(capsys.readouterr().out)
    story = tell(MemoryStore())
    assert answer.keys() == {"case", "tasks", "history", "refusals", "verified"}
    assert answer["verified"] is True
    case, events = from_data(answer["case"], Case), from_data(answer["history"], list[Event])
    assert attrs.evolve(case, head="") == attrs.evolve(story.items[CASE_ID], head="")
    assert verify(events) == ()
    assert fold(events) == case
    assert [task["status"] for task in answer["tasks"]] == ["done", "done"]
    asked = [(step.by.id, step.command.ask()) for step, _ in story.refusals]
    assert [(one["actor_id"], one["action"], one["item_id"]) for one in answer["refusals"]] == [
        (actor_id, ask.action, ask.item_id) for actor_id, ask in asked
    ]
    assert all(one.keys() == {"at", "actor_id", "action", "item_id", "reasons"} for one in answer["refusals"])


def test_what_does_not_hold_is_not_called_verified(story: Story) -> None:
    """The proof is what the bus answers: where it finds something, text and JSON say so (H6)."""
    found = attrs.evolve(story, findings={**story.findings, "T-1": (Finding(1, "digest", "it was changed"),)})

    assert demo_json(found)["verified"] is False
    assert "verify T-1: event at position 1: it was changed" in demo_text(found)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files."""
    folder = tmp_path / "a?b%20c#d"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_nothing_is_left_of_it(temporary: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without `--database` the file that it was kept in is gone in the end, whatever its folder is called."""
    assert main(["demo"]) == 0

    assert list(temporary.iterdir()) == []
    assert capsys.readouterr().err == ""


def test_without_a_place_for_it_it_says_so(temporary: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no temporary file can be made, one line says what else can be done."""
    temporary.rmdir()
    assert main(["demo"]) == 2

    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "temporary folder: cannot be made; " in err
    assert "--database" in err


def test_a_database_keeps_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With `--database` the same is told, and any bus can go on from there; that tables were made goes to stderr."""
    assert main(["demo", "--database", url_of(tmp_path)]) == 0
    assert capsys.readouterr() == (
        demo_text(tell(MemoryStore())) + "\n",
        "casewright: the database had no tables of casewright: created them\n",
    )

    store = sqlite_store(tmp_path / "store.db")
    bus = CommandBus(store, (FOUR_EYES, TASK))
    assert [bus.get(item_id, by=RITA).status for item_id in ITEM_IDS] == ["CLOSED", "done", "done"]
    assert not any(bus.verify(item_id, by=RITA) for item_id in ITEM_IDS)
    store.engine.dispose()


def test_it_is_not_told_twice_in_one_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the database holds it already, one line says so with code 2, and nothing is written."""
    arguments = ["demo", "--database", url_of(tmp_path)]
    backend = SqliteBackend(tmp_path)
    assert main(arguments) == 0
    before = backend.dump()
    capsys.readouterr()

    assert main(arguments) == 2
    assert capsys.readouterr() == (
        "",
        "casewright: the database: already holds R-17, T-1, T-2; name one without them, or a new file\n",
    )
    assert backend.dump() == before
    backend.close()


@pytest.mark.parametrize("taken", TASK_IDS)
def test_an_item_of_somebody_else_is_not_in_its_way(taken: str, backend: Backend) -> None:
    """If only one of its ids is taken, nothing of the story is begun."""
    CommandBus(backend.store, (TASK,)).execute(CreateTask("mine", id=taken), by=Actor("ann"))
    before = backend.dump()

    with pytest.raises(ValueError, match=f"already holds {taken}; "):
        tell(backend.store)
    assert backend.dump() == before


def test_what_the_database_changes_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where a trigger of the database changes what is written, that is found, and the code is 1 (H2, H6)."""
    sqlite_store(tmp_path / "store.db").engine.dispose()
    connection = sqlite3.connect(tmp_path / "store.db")
    connection.execute(
        "CREATE TRIGGER forge AFTER INSERT ON casewright_event WHEN new.item_id = 'T-2' AND new.version = 2"
        " BEGIN UPDATE casewright_event SET actor_id = 'eve' WHERE item_id = 'T-2' AND version = 2; END"
    )
    connection.commit()
    connection.close()

    assert main(["demo", "--database", url_of(tmp_path)]) == 1
    assert "verify T-2: event at position 1: its header is not what was sealed" in capsys.readouterr().out


def test_without_sqlalchemy_it_runs_in_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where SQLAlchemy is missing the same is told from memory, one line on stderr says how to get it; a URL is not."""
    done = without_sqlalchemy("demo")
    refused = without_sqlalchemy("demo", "--database", url_of(tmp_path))

    assert main(["demo"]) == 0
    assert (done.returncode, done.stdout) == (0, capsys.readouterr().out)
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith(
        ': python -m pip install "casewright[sqlalchemy]" (until then the demo runs in memory)\n'
    )
    assert (refused.returncode, refused.stdout) == (2, "")
    assert 'python -m pip install "casewright[sqlalchemy]"' in refused.stderr
