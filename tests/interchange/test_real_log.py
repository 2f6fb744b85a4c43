"""The log of all Ethereum Improvement Proposals: eight years of real changes, and what EIP-1 says of them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
SHA256 = "9f473903b6ca9bb18e33f0299ebaec1d2a869aefac7809bcbccb2282439803fd"
EXPECTED = {
    "cases": 958,
    "rows": 8424,
    "status_changes": 2796,
    "allowed": 2232,
    "refused": 185,
    "administrative": 379,
    "histories_verified": 958,
}


@pytest.fixture(scope="module")
def answer(log: Path) -> dict[str, object]:
    """What the command prints of it as JSON, run as anyone would run it."""
    assert hashlib.sha256(log.read_bytes()).hexdigest() == SHA256
    command = [sys.executable, "-m", "casewright", "replay", str(log), "--definition", "examples/eip_process.py:EIP"]
    done = subprocess.run([*command, "--json"], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_the_real_log_is_judged_as_its_oracle_says(answer: dict[str, object]) -> None:
    """Each row of the real log is judged as the log's own table expects, and every history verifies (E2, E3, H5)."""
    assert {name: answer[name] for name in EXPECTED} == EXPECTED


def test_the_answer_has_just_the_keys_that_are_promised(answer: dict[str, object]) -> None:
    """The keys of the JSON object are fixed; refusals add up to those refused, and each has its reason."""
    assert answer.keys() == {*EXPECTED, "refusals", "seconds"}
    refusals = answer["refusals"]
    assert isinstance(refusals, list)
    assert all(one.keys() == {"from", "to", "count", "reason"} and one["reason"] for one in refusals)
    assert sum(one["count"] for one in refusals) == EXPECTED["refused"]
    assert refusals[0]["count"] == max(one["count"] for one in refusals) == 40
    assert sum(one["count"] for one in refusals if one["from"] is None) == 32
