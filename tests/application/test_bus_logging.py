"""The log that `LoggingObserver` writes: one record, one line, no payload, whatever users have typed (S6)."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casewright import (
    GRANT,
    TASK,
    Actor,
    AddNote,
    Ask,
    BlockTask,
    Command,
    CreateTask,
    InvalidInputError,
    LoggingObserver,
    OpenCase,
    Phase,
    Reason,
    ReopenTask,
    Ruling,
    StartTask,
    Store,
    no,
)
from casewright.adapters.memory import MemoryStore
from support.buses import ANN, STRANGER, WRITER, a_bus, failure_of

CANARY = "canary"
PRINTABLE = st.text(st.sampled_from("%s{}d()$\\a0 -\"'\U0001f600\u0301\uff1d="), min_size=1, max_size=8).filter(
    str.strip
)
HOSTILE = st.text(st.sampled_from("%s{}a0 \t\r\n\x1b[31m\x85\u2028\u202e\ufeff\x7f\U0001f600"), min_size=1, max_size=8)


class Lines(logging.Handler):
    """Keeps each record as the line that it would be in a file."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
        self.records: list[logging.LogRecord] = []
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.records.append(record)
        self.lines.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Return the handler of a logger named ``audit``."""
    handler = Lines()
    logger = logging.getLogger("audit")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def a_logging_bus(store: Store, *definitions: Any) -> Any:
    """Return a bus that logs to ``audit``."""
    return a_bus(store, definitions or (TASK,), observers=[LoggingObserver(logging.getLogger("audit"))])


def demand_one_line_each(found: Lines) -> None:
    """Check that every record is one printable line without a payload."""
    for line, record in zip(found.lines, found.records, strict=True):
        assert len(line.splitlines()) == 1
        assert line.isprintable()
        assert CANARY not in line + repr({**vars(record), "args": record.args})


@pytest.mark.parametrize("examples", [70, pytest.param(700, marks=pytest.mark.large)])
def test_one_record_is_one_line(lines: Lines, examples: int) -> None:
    """2,100 hostile texts, 3,500 records: no control character, no payload, nothing of a user's as a format (S6)."""

    @settings(max_examples=examples, deadline=None)
    @given(id=PRINTABLE, actor=PRINTABLE, words=HOSTILE)
    def check(id: str, actor: str, words: str) -> None:
        lines.records.clear()
        lines.lines.clear()
        bus, typed = a_logging_bus(MemoryStore()), f"{CANARY}{words}"
        bus.execute(CreateTask(typed, id=id), by=Actor(actor))
        bus.execute(AddNote(id, typed), by=Actor(actor))
        failure_of(bus.execute, BlockTask(id, typed), by=Actor(actor))
        failure_of(bus.execute, StartTask(id), by=Actor(f"{actor}!"))
        failure_of(bus.get, id, by=Actor(f"{actor}!"))
        demand_one_line_each(lines)
        assert [record.levelname for record in lines.records] == ["INFO", "INFO", "WARNING", "WARNING", "WARNING"]
        assert all(f" of {id} by {actor}" in line for line in lines.lines)

    check()


def test_what_a_line_says(lines: Lines, store: Store) -> None:
    """What was done with its event ids as INFO; what was denied with code and reasons as WARNING."""
    bus = a_bus(store, observers=[LoggingObserver(logging.getLogger("audit"))])
    bus.execute(OpenCase("A permit", id="c-1"), by=WRITER)
    bus.execute(CreateTask("A", id="x-1", case_id="c-1"), by=WRITER)
    failure_of(bus.execute, BlockTask("x-1"), by=WRITER)
    failure_of(bus.execute, StartTask("x-1"), by=STRANGER)
    failure_of(bus.get, "none", by=ANN)
    assert lines.lines == [
        "INFO audit create of c-1 by wil: done (c-1.1)",
        "INFO audit create of x-1 by wil: done (x-1.1, c-1.2)",
        "WARNING audit block of x-1 by wil: refused (wrong_state, input_missing)",
        "WARNING audit start of x-1 by sam: not_found (not_visible)",
        "WARNING audit read of none by ann: not_found (not_found)",
    ]


def test_a_record_has_fields_for_structured_logs(lines: Lines, store: Store) -> None:
    """Action, ids, tenant, codes and attempts are attributes of the record, ready to be indexed."""
    bus = a_logging_bus(store)
    by = Actor("ann", tenant="north")
    bus.execute(CreateTask("A", id="x-1"), by=by)
    failure_of(bus.execute, ReopenTask("x-1"), by=by)
    shared = {"item_id": "x-1", "tenant": "north", "actor_id": "ann", "attempts": 1}
    for record, own in zip(
        lines.records, ({"action": "create", "codes": ()}, {"action": "reopen", "codes": ("wrong_state",)}), strict=True
    ):
        expected = shared | own
        assert {name: getattr(record, name) for name in expected} == expected
        json.dumps(expected)


def test_without_a_logger_it_is_the_one_of_the_library(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """Its name is ``casewright``; the library adds no handler and sets no level."""
    with caplog.at_level(logging.INFO, "casewright"):
        a_bus(store, observers=[LoggingObserver()]).execute(CreateTask("A", id="x-1"), by=ANN)
    assert [(record.name, record.getMessage()) for record in caplog.records] == [
        ("casewright", "create of x-1 by ann: done (x-1.1)")
    ]
    assert logging.getLogger("casewright").handlers == []


@attrs.frozen
class Unchecked(Command[Any]):
    """A team's own command that passes on what it was given."""

    item_id: Any
    action: Any = "start"

    def ask(self) -> Ask:
        """Return it unchecked."""
        return Ask(self.action, self.item_id)


@pytest.mark.parametrize(
    "command",
    [
        Unchecked("two\nlines"),
        Unchecked("\x1b[31mred"),
        Unchecked(""),
        Unchecked(7),
        Unchecked("x-1", "two\nlines"),
        Unchecked("x-1", ""),
        Unchecked("x-1", None),
    ],
    ids=repr,
)
def test_an_id_of_a_teams_own_command_is_checked_too(lines: Lines, store: Store, command: Command[Any]) -> None:
    """Whatever class the command is of, an id or action that is none is refused before anyone is told (S2, S6)."""
    bus = a_logging_bus(store)
    assert isinstance(failure_of(bus.execute, command, by=ANN), InvalidInputError)
    assert lines.lines == []


def hostile_rule(actor: Actor, item: Any) -> Ruling:
    """Answer with a code that is made of what a user typed."""
    return GRANT if actor.id == "ann" else no(Reason(f"not {item.title}", Phase.PERMISSION, "no"))


def test_a_code_of_a_teams_own_rule_cannot_break_the_line(lines: Lines, store: Store) -> None:
    """A code that cannot be printed is taken for a rule that failed (S6, A5)."""
    bus = a_logging_bus(store, TASK.with_rules({"start": hostile_rule}))
    bus.execute(CreateTask("two\nlines", id="x-1", assignee_id="ben"), by=ANN)
    error = failure_of(bus.execute, StartTask("x-1"), by=Actor("ben"))
    assert [reason.code for reason in error.reasons] == ["rule_error"]
    assert lines.lines[-1] == "WARNING audit start of x-1 by ben: refused (rule_error)"
