"""The pytest plugin: what it gives to tests, what it tells at the end of a run, and that it costs nothing unused."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from itertools import takewhile
from pathlib import Path
from typing import Final

import pytest

from support.sources import PACKAGE, run_python

ROOT: Final = PACKAGE.parent
REGISTERED: Final = any(one.name == "casewright" for one in entry_points(group="pytest11"))

CONTRACTS = """
import pytest
from casewright.adapters.memory import MemoryStore
from casewright.testing.contracts import Capabilities, StoreContract


class ForStores(StoreContract):
    @pytest.fixture
    def store(self):
        return MemoryStore()


class TestWhole(ForStores):
    pass


class TestOneByOne(ForStores):
    capabilities = Capabilities(interleaving=False, threads=False)


class TestAway(ForStores):
    @pytest.fixture
    def store(self):
        pytest.skip("no server")


@pytest.mark.xfail(reason="to do", strict=False)
class TestLater(ForStores):
    @pytest.fixture
    def store(self):
        raise NotImplementedError


@pytest.mark.skip(reason="no contract")
def test_of_another_kind():
    pass
"""
CHOSEN = "half_of_a_unit or lose_no_update or others_see_nothing or missing_item or of_another_kind"

FIXTURES = """
import sys
from datetime import timedelta

LOADED = [name for name in sys.modules if name.split(".")[0] == "casewright"]


def test_nothing_is_loaded():
    assert LOADED == []
    assert "_casewright_pytest" in sys.modules


def test_fixtures(casewright_bus, casewright_clock, casewright_ids, casewright_store):
    from casewright import TASK, Actor, CreateTask
    from casewright.testing.builders import SOME_TIME

    bus, ann = casewright_bus(TASK), Actor("ann")
    assert casewright_ids() == "id-1"
    first = bus.execute(CreateTask("Water the plants"), by=ann)
    casewright_clock.tick(timedelta(days=1))
    second = bus.execute(CreateTask("Again"), by=ann)
    assert (first.id, second.id, second.created_at - first.created_at) == ("id-2", "id-3", timedelta(days=1))
    assert casewright_bus(TASK, new_id=lambda: "own").execute(CreateTask("t"), by=ann).id == "own"
    with casewright_store.begin(tenant="", write=False) as uow:
        assert uow.items.get("id-2") == first


def test_of_one_test_is_nothing_of_another(casewright_store, casewright_ids):
    assert casewright_ids() == "id-1"
    with casewright_store.begin(tenant="", write=False) as uow:
        assert uow.items.get("id-2") is None
"""


def run(folder: Path, program: str, *options: str) -> tuple[int, str]:
    """Run a test module in a process of its own, with the plugin; return its exit code and what it prints."""
    (folder / "test_it.py").write_text(program, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    plugin = () if REGISTERED else ("-p", "_casewright_pytest")
    command = [sys.executable, "-m", "pytest", *plugin, "-p", "no:randomly", "-p", "no:cacheprovider", "-q", *options]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "COLUMNS": "80"}
    done = subprocess.run(
        [*command, "test_it.py"], cwd=folder, capture_output=True, text=True, check=False, env=environment
    )
    return done.returncode, done.stdout + done.stderr


def told(output: str) -> list[str]:
    """Return the lines of the plugin's section, up to the next one or to pytest's last line."""
    _, _, section = output.partition("casewright: promises not shown")
    return list(takewhile(lambda line: not re.match("=|[0-9]+ passed", line), section.splitlines()[1:]))


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "workers"])
def test_what_was_skipped_is_listed_with_its_reason(tmp_path: Path, options: tuple[str, ...]) -> None:
    """For each contract class the run ends with how many tests were skipped, why, and which promises are not shown."""
    code, output = run(tmp_path, CONTRACTS, "-k", CHOSEN, *options)
    assert code == 0, output
    assert told(output) == [
        "4 tests of test_it.py::TestAway skipped: no server",
        "    H5, L1, L5, T1",
        "4 tests of test_it.py::TestLater skipped: expected to fail: to do",
        "    H5, L1, L5, T1",
        "1 test of test_it.py::TestOneByOne skipped: "
        "interleaving: two units of this store cannot be open in one thread",
        "    L5",
        "2 tests of test_it.py::TestOneByOne skipped: threads: units of this store cannot be used in several threads",
        "    H5, L1, T1",
    ]


def test_nothing_is_told_where_nothing_was_skipped(tmp_path: Path) -> None:
    """A run in which every contract test ran, or none was there, ends as ever."""
    for chosen in ("TestWhole and missing_item", "of_another_kind"):
        code, output = run(tmp_path, CONTRACTS, "-k", chosen)
        assert code == 0, output
        assert "casewright" not in output


def test_fixtures_fit_together_and_nothing_is_loaded_before_one_is_used(tmp_path: Path) -> None:
    """Clock, ids, store and bus are new for each test; when tests are collected, nothing of the package is loaded."""
    code, output = run(tmp_path, FIXTURES)
    assert code == 0, output
    assert "3 passed" in output


def test_the_plugin_imports_pytest_and_nothing_of_the_package() -> None:
    """Loading the plugin loads no module of casewright, nor what casewright needs."""
    program = (
        "import sys, pytest; before = set(sys.modules); import _casewright_pytest; print(set(sys.modules) - before)"
    )
    assert run_python(program) == "{'_casewright_pytest'}\n"


def test_coverage_of_the_package_is_not_spoilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A measuring that begins once plugins are loaded still sees the package being imported, from its first line on."""
    for name in [name for name in os.environ if name.startswith("COVERAGE_")]:  # it is measured for itself alone
        monkeypatch.delenv(name)
    (tmp_path / "conftest.py").write_text(MEASURING, encoding="utf-8")
    code, output = run(tmp_path, "def test_it(casewright_bus): pass\n", "-s")
    assert code == 0, output
    assert "measured: ids.py True" in output


MEASURING = """
import coverage
from pathlib import Path

measuring = coverage.Coverage(source_pkgs=["casewright"], data_file=None, config_file=False)
measuring.start()


def pytest_unconfigure():
    measuring.stop()
    for path in measuring.get_data().measured_files():
        if path.endswith("domain/ids.py"):
            # Its docstring and imports are lines that only run while it is imported.
            print("measured:", Path(path).name, 1 in measuring.get_data().lines(path))
"""
