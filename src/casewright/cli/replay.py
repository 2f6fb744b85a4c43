"""``casewright replay``: judge a log of what happened by a definition."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from time import perf_counter
from typing import BinaryIO, Final

from casewright.cli.loading import AnyDefinition, load_definition
from casewright.cli.progress import Progress
from casewright.cli.stores import create_tables, open_store
from casewright.cli.text import named, paragraph, say, table, write, write_json
from casewright.errors import InvalidInputError
from casewright.interchange.conformance import (
    CaseReplay,
    ConformanceReport,
    Refusal,
    conformance_report,
    input_columns,
    replay_cases,
)
from casewright.interchange.event_log import LogRow, read_event_log
from casewright.interchange.store_replay import StoreReplay

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "replay_json", "replay_text", "run", "show"]

HELP: Final = "judge an event log by a definition"
DESCRIPTION: Final = """\
Judge an event log by a definition: each change of status at its time, by its actor. What is refused is counted, and
applied all the same, so that each history equals the log; then each history is verified. The log is CSV in UTF-8 with
the columns case:concept:name, concept:name and time:timestamp; optional are org:resource, org:role, event (status or
edit), from_status, and columns named like the definition's inputs. Row 1 is the header. With --into the log is also
performed in a database, each change by a command in a transaction of its own; stopped anywhere and started again, it
goes on where it was."""
_SHOWN: Final = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("log", metavar="LOG.csv", help="the event log")
    parser.add_argument("--definition", required=True, metavar="FILE.py:NAME", help="the definition that judges")
    parser.add_argument(
        "--into",
        metavar="URL",
        help="a database to perform the log in, such as sqlite:///log.db; tables are made (sqlite:// is memory only)",
    )


def run(options: argparse.Namespace) -> int:
    """Replay the log and print what came of it; 1 where a history does not verify."""
    definition = load_definition(options.definition)
    progress = Progress(sys.stderr)
    started = perf_counter()
    try:
        report = _report(definition, options.log, options.into, progress)
    finally:
        progress.clear()
    seconds = perf_counter() - started
    return show(report, seconds, log=options.log, definition=definition.name, as_json=options.json)


def show(report: ConformanceReport, seconds: float, *, log: str, definition: str, as_json: bool) -> int:
    """Print the report, and what does not hold in a history, if anything.

    Args:
        report: What came of the log.
        seconds: How long it took.
        log: The name of the log.
        definition: The name of the definition.
        as_json: Whether it is for programs.

    Returns:
        0 where every history verifies, else 1.
    """
    if as_json:
        write_json(replay_json(report, seconds), sys.stdout)
    else:
        write(replay_text(report, seconds, log=log, definition=definition), sys.stdout)
    for problem in report.problems:
        write(paragraph(problem, first="casewright: ", indent="  "), sys.stderr)
    return 1 if report.problems else 0


def replay_json(report: ConformanceReport, seconds: float) -> dict[str, object]:
    """Return what ``--json`` prints."""
    return {
        "cases": report.cases,
        "rows": report.rows,
        "status_changes": report.status_changes,
        "allowed": report.allowed,
        "refused": report.refused,
        "administrative": report.administrative,
        "refusals": [
            {"from": one.source, "to": one.target, "count": one.count, "reason": one.reason} for one in report.refusals
        ],
        "histories_verified": report.histories_verified,
        "seconds": round(seconds, 3),
    }


def replay_text(report: ConformanceReport, seconds: float, *, log: str, definition: str) -> str:
    """Return what is printed for people."""
    changes = report.status_changes
    counts = [
        ("cases", f"{report.cases:,}", ""),
        ("rows", f"{report.rows:,}", ""),
        ("status changes", f"{changes:,}", ""),
        ("  allowed", f"{report.allowed:,}", _share(report.allowed, changes)),
        ("  refused", f"{report.refused:,}", _share(report.refused, changes)),
        ("  administrative", f"{report.administrative:,}", _share(report.administrative, changes)),
        ("histories verified", f"{report.histories_verified:,}", f"of {report.cases:,}"),
    ]
    parts = [paragraph(f"{os.path.basename(log)}, judged by the definition {definition!r}"), table(counts, right=1)]
    if report.refusals:
        parts += ["Refused most often", _refusals(report.refusals)]
    rate = round(report.rows / max(seconds, 1e-6))
    parts.append(f"{report.rows:,} rows in {seconds:.2f} s: {rate:,} rows a second")
    return "\n\n".join(parts)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:6.1%}" if whole else ""


def _refusals(refusals: tuple[Refusal, ...]) -> str:
    rows = [
        (f"{one.count:,}", f"{'(new)' if one.source is None else one.source} -> {one.target}", one.reason)
        for one in refusals[:_SHOWN]
    ]
    more = sum(one.count for one in refusals[_SHOWN:])
    rest = f"\n  and {more:,} more, in {len(refusals) - _SHOWN} other ways" if more else ""
    return table(rows, right=0) + rest


def _report(definition: AnyDefinition, log: str, into: str | None, progress: Progress) -> ConformanceReport:
    judged = _judged(definition, log, progress)
    if into is None:
        return conformance_report(judged)
    with open_store(into, "--into", retry="start it again: it finds out what was done, and goes on") as store:
        cases = list(judged)  # a log that cannot be judged to its end changes nothing
        progress.clear()
        create_tables(store)
        return conformance_report(_kept(StoreReplay(store, definition), cases, progress))


def _kept(store: StoreReplay, cases: Sequence[CaseReplay], progress: Progress) -> Iterator[CaseReplay]:
    """Write what the store does not hold yet, and yield the cases as it holds them in the end."""
    found = store.found(cases)
    if any(found.values()):
        say(_found(cases, found))
    for case in progress.follow(cases, "writing", len(cases), _counting()):
        store.keep(case, found[case.case_id])
    yield from map(store.proved, progress.follow(cases, "verifying", len(cases), _counting()))


def _found(cases: Sequence[CaseReplay], found: Mapping[str, int]) -> str:
    begun, changes = sum(map(bool, found.values())), sum(found.values())
    all_cases, all_changes = sum(bool(case.events) for case in cases), sum(len(case.events) for case in cases)
    told = f"found {begun:,} of {all_cases:,} cases, {changes:,} of {all_changes:,} changes"
    return f"{told}; {'nothing is left to write' if changes == all_changes else 'going on'}"


def _counting() -> Callable[[CaseReplay], int]:
    places = count(1)
    return lambda case: next(places)


def _judged(definition: AnyDefinition, log: str, progress: Progress) -> Iterator[CaseReplay]:
    if not os.path.exists(log):
        raise InvalidInputError(named(log), "there is no such file")
    rows_done = 0

    def done(case: CaseReplay) -> int:
        nonlocal rows_done
        rows_done += case.rows
        return rows_done

    try:
        with open(log, "rb") as file:
            rows = _read(definition, file, progress)
        yield from progress.follow(replay_cases(definition, rows), "judging", len(rows), done)
    except InvalidInputError as error:
        raise InvalidInputError(f"{log}, {error.field}", error.problem, error.advice) from None
    except OSError as error:
        raise InvalidInputError(log, f"cannot be read: {error.strerror}") from None


def _read(definition: AnyDefinition, file: BinaryIO, progress: Progress) -> list[LogRow]:
    log = read_event_log(file, statuses=definition.lifecycle.states, cells=input_columns(definition))
    size = os.fstat(file.fileno()).st_size
    return list(progress.follow(log, "reading", size, lambda _: file.tell()))
