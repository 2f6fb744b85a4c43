"""``casewright demo``: one day of a regulatory case, with every refusal explained and a proof at the end."""

from __future__ import annotations

import argparse
import sys
from typing import Any, Final

import attrs

from casewright.cli.story import CASE_ID, DANA, FOUR_EYES, RITA, TASK_IDS, TOM, Step, Story, tell
from casewright.cli.text import paragraph, table, write, write_json
from casewright.codec import to_data
from casewright.domain.events import Event
from casewright.domain.history import verify
from casewright.domain.values import instant_text
from casewright.domain.verdicts import Permitted, Refused

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "demo_json", "demo_text", "run"]

HELP: Final = "watch a case and its two tasks through one day"
DESCRIPTION: Final = """\
Tell one day of a regulatory case and its two tasks: who did what, who was refused and why, the history, and the proof
that nobody changed it. It needs no store and no network, and tells the same story every time."""

_INDENT: Final = " " * 15


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes: nothing."""


def run(options: argparse.Namespace) -> int:
    """Tell the story; 1 where a history does not verify."""
    story = tell()
    if options.json:
        write_json(demo_json(story), sys.stdout)
    else:
        write(demo_text(story), sys.stdout)
    return 0 if _verified(story) else 1


def demo_text(story: Story) -> str:
    """Return the story as it is printed for people."""
    people = ((DANA, "writes cases and reviews them"), (RITA, "reviews cases"), (TOM, "does the tasks he is given"))
    parts = [
        "A regulatory case and its two tasks, from draft to closed",
        table([(actor.id, does, ", ".join(sorted(actor.roles)) or "no role") for actor, does in people]),
        "The definition is the catalog's, with one rule made stricter, for four eyes:",
        f"  close: {FOUR_EYES.rule('close')!r}",
        "What they tried on 2 March 2026, and what the definition answered:",
        "\n".join(_told(step, verdict) for step, verdict in story.told),
        f"The history of {CASE_ID}, one event for each version of the case:",
        table([("#", "when", "who", "action", "from -> to"), *map(_line, story.histories[CASE_ID])], right=0),
        "The proof:",
        _proof(story),
        "See the lifecycle:  python -m casewright diagram regulatory_case",
    ]
    return "\n\n".join(parts)


def demo_json(story: Story) -> dict[str, object]:
    """Return what ``--json`` prints."""
    return {
        "case": to_data(story.items[CASE_ID]),
        "tasks": [to_data(story.items[task_id]) for task_id in TASK_IDS],
        "history": to_data(story.histories[CASE_ID]),
        "refusals": [_refusal(step, verdict) for step, verdict in story.refusals],
        "verified": _verified(story),
    }


def _verified(story: Story) -> bool:
    return not any(verify(events) for events in story.histories.values())


def _told(step: Step, verdict: Permitted[Any] | Refused) -> str:
    given = step.inputs.get("title") or step.inputs.get("reason") or step.inputs.get("reviewer_id")
    what = f"{step.action} {step.item_id}" + (f" ({given})" if given else "")
    answer = "refused" if isinstance(verdict, Refused) else f"-> {verdict.changes[0].after.status}"
    lines = [f"  {step.at:%H:%M}  {step.by.id:4}  {what:44}  {answer}"]
    if isinstance(verdict, Refused):
        lines += [paragraph(reason.text, first=_INDENT + "no: ", indent=_INDENT + "    ") for reason in verdict.reasons]
    return "\n".join(lines)


def _line(event: Event) -> tuple[str, str, str, str, str]:
    stays = event.from_status == event.to_status
    way = f"({event.to_status})" if stays else f"{event.from_status or 'new'} -> {event.to_status}"
    return str(event.version), f"{event.occurred_at:%H:%M}", event.actor_id, event.action, way


def _proof(story: Story) -> str:
    events = story.histories[CASE_ID]
    forged = [*events]
    forged[1] = attrs.evolve(events[1], actor_id=RITA.id)
    told = [f"verify {item_id}: {_findings(history)}" for item_id, history in story.histories.items()]
    told += [
        f"Say that rita submitted it, not dana (one word, in version 2), and verify answers: {verify(forged)[0]}.",
        f"The last digest stands for all {len(events)} events of {CASE_ID}: {events[-1].digest[:16]}...",
    ]
    return "\n".join(paragraph(text, first="  ", indent="  ") for text in told)


def _findings(history: list[Event]) -> str:
    findings = verify(history)
    return str(findings[0]) if findings else f"{len(history)} events, sound"


def _refusal(step: Step, verdict: Refused) -> dict[str, object]:
    return {
        "at": instant_text(step.at),
        "actor_id": step.by.id,
        "action": step.action,
        "item_id": step.item_id,
        "reasons": to_data(verdict.reasons),
    }
