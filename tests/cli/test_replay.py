"""`replay`: a log judged on the command line."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from casewright.cli import main
from casewright.cli.replay import replay_json, replay_text, show
from casewright.interchange.conformance import ConformanceReport, Refusal
from support.programs import HEADER, LOG, write_replay

TEXT = """\
log.csv, judged by the definition 'matter'

  cases               3
  rows                7
  status changes      6
    allowed           3   50.0%
    refused           2   33.3%
    administrative    1   16.7%
  histories verified  3  of 3

Refused most often

  1  (new) -> done  nobody may do this
  1  open -> done   needs the role clerk"""


@pytest.fixture
def arguments(tmp_path: Path) -> Any:
    """A function that writes a log and returns the arguments that replay it."""
    return lambda log: write_replay(tmp_path, log)


def test_a_log_is_judged_for_people(arguments: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The text counts everything and names what was refused most often, and why; a pipe sees no progress."""
    assert main(arguments(LOG)) == 0

    out, err = capsys.readouterr()
    assert err == ""
    text, rate = out.rsplit("\n\n", 1)
    assert text == TEXT
    assert re.fullmatch(r"7 rows in \d+\.\d\d s: [\d,]+ rows a second\n", rate)


def test_a_log_is_judged_for_programs(arguments: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` is one object with just the promised keys."""
    assert main([*arguments(LOG), "--json"]) == 0

    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert err == ""
    assert answer.pop("seconds") > 0
    assert answer == {
        "cases": 3,
        "rows": 7,
        "status_changes": 6,
        "allowed": 3,
        "refused": 2,
        "administrative": 1,
        "refusals": [
            {"from": None, "to": "done", "count": 1, "reason": "nobody may do this"},
            {"from": "open", "to": "done", "count": 1, "reason": "needs the role clerk"},
        ],
        "histories_verified": 3,
    }


def test_an_empty_log_is_fine(arguments: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A log with a header and no rows has nothing against it."""
    assert main(arguments(HEADER)) == 0
    assert "histories verified  0  of 0" in capsys.readouterr().out


BAD = {
    "no column": (LOG.replace("time:timestamp", "time"), "row 1: has no column named time:timestamp"),
    "unknown status": (LOG.replace("b,moved", "b,Moved"), "row 7, concept:name: is no status"),
    "naive time": (LOG.replace("a,open,2026-01-01T00:00Z", "a,open,2026-01-01T00:00"), "row 2, time:timestamp: has no"),
    "not utf-8": (LOG.encode() + b"\xff", "row 9: is not UTF-8"),
    "nul": (LOG.encode() + b"\0", "row 9: holds NUL"),
    "huge": (LOG.encode() + b"x" * 10_000_000, "row 9: is longer"),
    "cells": (LOG + "c,done\n", "row 9: has 2 cells"),
    "empty": (b"", "row 1: holds no column names"),
    "hostile case": (LOG + "c\x1b]0;x\x07,done,2026-01-02T00:00Z,clerk,\n", "row 9, case:concept:name: holds a char"),
    "long case": (LOG + "c" * 1000 + ",done,2026-01-02T00:00Z,clerk,\n", "row 9, case:concept:name: is longer"),
    "input": (LOG + "d,open,2026-01-02T00:00Z,,\nd,done,2026-01-02T00:00Z,clerk,soon\n", "row 10, due: is no ISO"),
}


@pytest.mark.parametrize(("log", "problem"), BAD.values(), ids=BAD)
def test_a_bad_log_ends_in_one_line(
    log: str | bytes, problem: str, arguments: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bad input prints one line on stderr, with file and row (row 1 is the header), nothing else; code 2 (S1)."""
    given = arguments(log)
    assert main(given) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"casewright: {given[1]}, {problem}")
    assert err[:-1].isprintable()
    assert len(err) < 400


@pytest.mark.parametrize(
    ("log", "problem"),
    [
        ("nowhere.csv", "there is no such file"),
        (".", "cannot be read: Is a directory"),
        ("a\0b", "there is no such file"),
    ],
)
def test_a_log_that_cannot_be_read_ends_in_one_line(log: str, problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file or a folder is bad input, told in one line."""
    assert main(["replay", log, "--definition", "task"]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert problem in err
    assert err.count("\n") == 1


def test_a_bad_definition_ends_in_one_line(arguments: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The definition is loaded before the log is touched; what is wrong with it is one line."""
    *most, target = arguments(LOG)
    assert main([*most, target.replace("MATTER", "OTHER")]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert "holds no OTHER" in err
    assert err.count("\n") == 1


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize("log", [LOG, LOG + "x"])
def test_a_terminal_sees_the_progress_and_then_an_empty_line(
    log: str, arguments: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Someone who waits sees reading and judging; the line is cleared before anything else is said."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    main(arguments(log))

    drawn, last = terminal.getvalue().rsplit("\r", 1)
    assert "reading [" in drawn
    assert ("judging [##############################] 100 %" in drawn) is (log == LOG)
    assert last.startswith("casewright: ") is (log != LOG)


def a_report(**fields: Any) -> ConformanceReport:
    """A report of one case."""
    counts = {"cases": 1, "rows": 2, "status_changes": 2, "allowed": 2, "refused": 0, "administrative": 0}
    return ConformanceReport(**{**counts, "refusals": (), "histories_verified": 1, **fields})


def test_only_the_most_frequent_refusals_are_listed() -> None:
    """Of many refusals the first ten are shown, and how many are left; programs get all of them."""
    refusals = tuple(Refusal(f"s{place}", "done", 100 - place, "because") for place in range(12))
    report = a_report(refusals=refusals, refused=sum(one.count for one in refusals))
    text = replay_text(report, 0.5, log="logs/log.csv", definition="matter")

    assert "s9 -> done" in text
    assert "s10 -> done" not in text
    assert "and 179 more, in 2 other ways" in text
    answer: Any = replay_json(report, 0.5)
    assert len(answer["refusals"]) == 12


def test_any_status_fits_the_page() -> None:
    """Long and foreign statuses are shown whole, and no reason runs over the edge."""
    refusals = (Refusal("s" * 30, "t" * 30, 1, "word " * 40),)
    text = replay_text(a_report(refusals=refusals), 0.0, log="log.csv", definition="matter")

    assert "s" * 30 + " -> " + "t" * 30 in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("as_json", [True, False])
def test_a_history_that_does_not_hold_is_a_finding(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """A history that does not verify is named on stderr, with code 1; stdout stays the answer (H6)."""
    report = a_report(
        problems=("case c1: event at position 1: its header is not what was sealed",), histories_verified=0
    )
    assert show(report, 0.5, log="log.csv", definition="matter", as_json=as_json) == 1

    out, err = capsys.readouterr()
    assert err == "casewright: case c1: event at position 1: its header is not what was sealed\n"
    assert ('"histories_verified": 0' if as_json else "histories verified  0  of 1") in out
