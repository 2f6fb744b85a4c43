"""``casewright demo``: one day of a regulatory case in a store, with every refusal explained and a proof at the end."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator
from typing import Final

import attrs

from casewright.adapters.memory import MemoryStore
from casewright.application.ports import Store
from casewright.application.reports import Report
from casewright.cli.stores import create_tables, no_database, open_store, temporary_store
from casewright.cli.story import CASE_ID, DANA, FOUR_EYES, RITA, TASK_IDS, TOM, Step, Story, tell
from casewright.cli.text import paragraph, say, table, write, write_json
from casewright.codec import to_data
from casewright.domain.events import Event
from casewright.domain.history import verify
from casewright.domain.values import instant_text

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "demo_json", "demo_text", "run"]

HELP: Final = "watch a case and its two tasks through one day"
DESCRIPTION: Final = """\
Tell one day of a regulatory case and its two tasks: who did what, who was refused and why, the history, the proof that
nobody changed it, and what the store holds. The store is a SQLite file that is removed at the end, or memory where
SQLAlchemy is not installed. It tells the same story every time; only salts and digests are new."""

_INDENT: Final = " " * 15


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--database", metavar="URL", help="a database that is to keep it, such as sqlite:///demo.db; tables are made"
    )


def run(options: argparse.Namespace) -> int:
    """Tell the story; 1 where a history does not verify."""
    with _store(options.database) as store:
        story = tell(store)
    if options.json:
        write_json(demo_json(story), sys.stdout)
    else:
        write(demo_text(story), sys.stdout)
    return 0 if _verified(story) else 1


@contextlib.contextmanager
def _store(url: str | None) -> Iterator[Store]:
    if url is not None:
        with open_store(url, "--database", retry="start it again with a new database") as store:
            create_tables(store)
            yield store
        return
    missing = no_database()
    if missing is not None:
        say(f"{missing} (until then the demo runs in memory)")
        yield MemoryStore()
        return
    with temporary_store() as store:
        yield store


def demo_text(story: Story) -> str:
    """Return the story as it is printed for people."""
    people = ((DANA, "writes cases and reviews them"), (RITA, "reviews cases"), (TOM, "does the tasks he is given"))
    parts = [
        "A regulatory case and its two tasks, from draft to closed",
        table([(actor.id, does, ", ".join(sorted(actor.roles)) or "no role") for actor, does in people]),
        "The definition is the catalog's, with one rule made stricter, for four eyes:",
        f"  close: {FOUR_EYES.rule('close')!r}",
        "What they tried on 2 March 2026, each by one command, and what the bus answered:",
        "\n".join(_told(step, report) for step, report in story.told),
        f"The history of {CASE_ID}, one event for each version of the case:",
        table([("#", "when", "who", "action", "from -> to"), *map(_line, story.histories[CASE_ID])], right=0),
        "The proof:",
        _proof(story),
        "What the store holds of it, written in one transaction for each command:",
        table(_rows(story), right=0),
        "See the lifecycle:  python -m casewright diagram regulatory_case",
    ]
    return "\n\n".join(parts)


def demo_json(story: Story) -> dict[str, object]:
    """Return what ``--json`` prints."""
    return {
        "case": to_data(story.items[CASE_ID]),
        "tasks": [to_data(story.items[task_id]) for task_id in TASK_IDS],
        "history": to_data(story.histories[CASE_ID]),
        "refusals": [_refusal(step, report) for step, report in story.refusals],
        "verified": _verified(story),
    }


def _verified(story: Story) -> bool:
    return not any(story.findings.values())


def _told(step: Step, report: Report) -> str:
    ask = step.command.ask()
    given = ask.inputs.get("title") or ask.inputs.get("reason") or ask.inputs.get("reviewer_id")
    what = f"{ask.action} {ask.item_id}" + (f" ({given})" if given else "")
    answer = "refused" if report.denial else f"-> {report.events[0].to_status}"
    lines = [f"  {step.at:%H:%M}  {step.by.id:4}  {what:44}  {answer}"]
    lines += [paragraph(reason.text, first=_INDENT + "no: ", indent=_INDENT + "    ") for reason in report.reasons]
    return "\n".join(lines)


def _line(event: Event) -> tuple[str, str, str, str, str]:
    stays = event.from_status == event.to_status
    way = f"({event.to_status})" if stays else f"{event.from_status or 'new'} -> {event.to_status}"
    return str(event.version), f"{event.occurred_at:%H:%M}", event.actor_id, event.action, way


def _proof(story: Story) -> str:
    events = story.histories[CASE_ID]
    forged = [*events]
    forged[1] = attrs.evolve(events[1], actor_id=RITA.id)
    told = [f"verify {item_id}: {_findings(story, item_id)}" for item_id in story.items]
    told += [
        f"Say that rita submitted it, not dana (one word, in version 2), and verify answers: {verify(forged)[0]}.",
        f"The last digest stands for all {len(events)} events of {CASE_ID}: keep it elsewhere, and not even a cut tail "
        "goes unseen.",
    ]
    return "\n".join(paragraph(text, first="  ", indent="  ") for text in told)


def _findings(story: Story, item_id: str) -> str:
    findings = story.findings[item_id]
    return str(findings[0]) if findings else f"{len(story.histories[item_id])} events, sound"


def _rows(story: Story) -> list[tuple[str, str]]:
    events = sum(map(len, story.histories.values()))
    return [
        (str(len(story.items)), "items: the case and its tasks, each as it is now"),
        (str(events), "events: who did what when, each sealed to the one before it"),
        (str(story.pending), "pointers in the outbox: events that wait to be published"),
    ]


def _refusal(step: Step, report: Report) -> dict[str, object]:
    return {
        "at": instant_text(step.at),
        "actor_id": step.by.id,
        "action": report.action,
        "item_id": report.item_id,
        "reasons": to_data(report.reasons),
    }
