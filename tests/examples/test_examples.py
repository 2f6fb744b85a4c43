"""The examples run as they are, and say what they promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from casewright import Actor, Category
from casewright.cli.loading import load_definition

EXAMPLES = Path(__file__).parents[2] / "examples"

FOUR_EYES = """\
otto may not decide:
  state: decide is possible from applied only, not from draft
clara may apply: draft -> applied
clara may not decide:
  permission: whoever performed apply must not do this too
alice may not decide:
  permission: there is no such item, or none that you may see
otto may not decide:
  input: the outcome must be granted or declined
  input: give a reason

What otto can do now:
  decide (needs outcome, reason)
  withdraw

otto may decide: applied -> decided

A loan of 20,000 for a van: decided, declined
"""


def run(name: str) -> str:
    """What an example prints when it is run by itself."""
    done = subprocess.run([sys.executable, EXAMPLES / name], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_four_eyes_prints_decisions() -> None:
    """The example of a lifecycle of one's own prints each decision with its reasons (A11)."""
    assert run("four_eyes.py") == FOUR_EYES


def test_the_eip_process_draws_itself() -> None:
    """Run by itself, the EIP example prints its lifecycle as a diagram."""
    eip = load_definition(f"{EXAMPLES / 'eip_process.py'}:EIP")

    assert run("eip_process.py") == format(eip.lifecycle, "mermaid") + "\n"


@pytest.fixture(scope="module")
def eip() -> Any:
    """The EIP process."""
    return load_definition(f"{EXAMPLES / 'eip_process.py'}:EIP")


def test_the_eip_process_is_that_of_eip_1(eip: Any) -> None:
    """Its ways are those of EIP-1 and no others; the rest is administrative or legacy (E2)."""
    ways = {(source, step.target) for step in eip.lifecycle.transitions for source in step.sources}

    assert ways == {
        ("Draft", "Review"),
        ("Review", "Last Call"),
        ("Last Call", "Final"),
        ("Last Call", "Review"),
        *((source, "Stagnant") for source in ("Draft", "Review", "Last Call")),
        *(("Stagnant", target) for target in ("Draft", "Review", "Last Call")),
        *((source, "Withdrawn") for source in ("Draft", "Review", "Last Call", "Stagnant")),
    }
    assert set(eip.lifecycle.initial) == {"Draft", "Living"}
    assert set(eip.lifecycle.administrative) == {"Moved", "(removed)"}
    assert eip.lifecycle.states["Living"] is Category.DONE
    known = {status for way in ways for status in way} | {*eip.lifecycle.initial, *eip.lifecycle.administrative}
    assert set(eip.lifecycle.legacy) == set(eip.lifecycle.states) - known


def test_only_an_editor_forces_a_status(eip: Any) -> None:
    """Everyone takes the steps of the process, but only an editor starts a proposal elsewhere, with a reason (A1)."""
    at = "2026-03-02T09:00Z"
    asked = {"at": at, "title": "A proposal", "status": "Final", "reason": "it was final before"}

    assert eip.create("EIP-1", by=Actor("p1", roles=["editor"]), **asked)
    assert not eip.create("EIP-1", by=Actor("p1", roles=["person"]), **asked)
    assert eip.create("EIP-1", by=Actor("p1"), at=at, title="A proposal").change.after.status == "Draft"
