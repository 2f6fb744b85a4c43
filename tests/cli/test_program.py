"""The program: its commands, and how they end."""

from __future__ import annotations

import importlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import casewright
from casewright.cli import main
from support.programs import run_program, write_replay


def test_without_a_command_it_prints_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Alone, the program shows every command and the exit codes, and ends with 0."""
    assert main([]) == 0

    out, err = capsys.readouterr()
    assert all(
        f"\n    {command} " in out for command in ("demo", "replay", "check", "diagram", "schema", "relay", "outbox")
    )
    assert "0 fine, 1 findings, 2 bad input" in out
    assert err == ""


def test_it_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` prints the version of the package."""
    assert main(["--version"]) == 0
    assert capsys.readouterr() == (f"casewright {casewright.__version__}\n", "")


@pytest.mark.parametrize("command", ["demo", "replay", "check", "diagram", "schema", "relay", "outbox"])
def test_each_command_has_its_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`COMMAND --help` says what it does and offers `--json`, in 80 columns."""
    assert main([command, "--help"]) == 0

    out, _ = capsys.readouterr()
    assert out.startswith(f"usage: casewright {command}")
    assert "--json" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["--nonsense"],
        ["demo", "--nonsense"],
        ["demo", "too much"],
        ["replay"],
        ["replay", "log.csv"],
        ["diagram", "task", "--fo", "dot"],
        ["diagram", "task", "--form", "svg"],
        ["check"],
        ["check", "a\nb\x1b.py:X"],
        ["check", "a" * 300 + ":X"],
    ],
    ids=str,
)
def test_arguments_that_make_no_sense_end_in_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Bad arguments are bad input: code 2, one printable line on stderr, nothing on stdout."""
    assert main(arguments) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("casewright: ")
    assert err.endswith("\n")
    assert err[:-1].isprintable()


def test_it_runs_as_a_module() -> None:
    """`python -m casewright` is the program; its code is the process's."""
    good, bad = run_program("--version"), run_program("nonsense")

    assert (good.returncode, good.stdout, good.stderr) == (0, f"casewright {casewright.__version__}\n", "")
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr.count("\n") == 1


def test_importing_the_module_runs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Tools that import every module do not start the program."""
    importlib.reload(importlib.import_module("casewright.__main__"))

    assert capsys.readouterr() == ("", "")


def test_an_interrupt_ends_it_quietly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C is the user's own wish: no traceback, and the code that a shell expects."""
    file = tmp_path / "slow.py"
    file.write_text("raise KeyboardInterrupt")

    assert main(["check", f"{file}:X"]) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_away_is_no_error(unbuffered: str) -> None:
    """`casewright diagram task | head -1` ends without a word on stderr, with the code that a shell expects."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "casewright", "diagram", "task"]
    env = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    try:
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False, env=env)
    finally:
        os.close(writing)

    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full is Linux's")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("extra", [[], ["--json"]])
def test_an_answer_without_room_ends_in_one_line(extra: list[str], unbuffered: str) -> None:
    """Where the answer goes to a full disk, one line on stderr says so, with code 2, and no traceback."""
    command = [sys.executable, "-m", "casewright", "diagram", "task", *extra]
    env = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=env)

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("casewright: the answer cannot be written: ")


def test_a_full_stderr_changes_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be said is passed over: the code tells it all the same."""

    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stderr", Full())
    assert main(["nonsense"]) == 2


@pytest.mark.parametrize("arguments", [["demo", "--json"], ["check", "task"], ["--help"]])
def test_a_closed_stdout_is_bad_input(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A program whose stdout the shell has closed does nothing, and says so in one line."""
    monkeypatch.setattr(sys, "stdout", None)

    assert main(arguments) == 2
    assert capsys.readouterr().err == "casewright: there is no stdout to answer on; leave it open\n"


def test_a_closed_stderr_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A program whose stderr the shell has closed works and fails as ever, without a word."""
    monkeypatch.setattr(sys, "stderr", None)

    assert main(write_replay(tmp_path)) == 0
    assert "histories verified" in capsys.readouterr().out
    assert main(["nonsense"]) == 2
    assert sys.stderr is None


def test_it_prints_in_any_encoding() -> None:
    """Where the terminal can show ASCII only, everything is printed all the same."""
    done = run_program("demo", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})

    assert (done.returncode, done.stderr) == (0, "")
