"""The explanations: what they name is there, and what they call proven is cited by the test that proves it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import casewright
from casewright.adapters.sqlalchemy.tables import metadata

PACKAGE = Path(str(casewright.__file__)).parent
ROOT = Path(__file__).parents[2]
EXPLANATION = ROOT / "docs" / "explanation"
PROMISE = re.compile(r"^\| (?P<id>[A-Z]\d+) \| (?P<text>[^|]+) \| (?P<proof>[^|]+) \|$", re.MULTILINE)
PROMISES = {row["id"]: row["proof"] for row in PROMISE.finditer((EXPLANATION / "promises.md").read_text("utf-8"))}
NUMBERS = {
    "A": range(1, 13),
    "E": range(1, 5),
    "H": range(1, 9),
    "I": range(1, 8),
    "L": range(1, 6),
    "O": range(1, 9),
    "S": (1, 2, 3, 4, 6, 7, 8),
    "T": (1, 2, 3, 4, 6),
}
OF_THIS_STAGE = {f"{letter}{number}" for letter, numbers in NUMBERS.items() for number in numbers}
DECISIONS = sorted((EXPLANATION / "decisions").glob("0*.md"))
LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
OURS = "https://github.com/casewright/casewright/"
# The source distribution, from which the suite must pass too, leaves these out.
NOT_DISTRIBUTED = {"SECURITY.md"}


def test_every_promise_of_this_release_is_told() -> None:
    """Each promise that this release makes is on the page."""
    assert PROMISES.keys() >= OF_THIS_STAGE


@pytest.mark.parametrize("promise", PROMISES)
def test_each_promise_names_a_test_that_cites_it(promise: str) -> None:
    """Each file that would show a promise false is there, and says in brackets that it is about that promise."""
    files = re.findall(r"`((?:tests|benchmarks|casewright)/[\w/]+\.py)`", PROMISES[promise])
    assert files
    cited = re.compile(rf"\([^()]*\b{promise}\b[^()]*\)")
    homes = {name: PACKAGE.parent if name.startswith("casewright/") else ROOT for name in files}
    assert [name for name, home in homes.items() if not cited.search((home / name).read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem[:4])
def test_each_decision_has_its_three_parts(path: Path) -> None:
    """A decision bears its number, is accepted or superseded, and tells context, choice and cost."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith(f"# {path.stem[:4]}: ")
    assert re.match(r"Accepted\.|Superseded by ", lines[2])
    assert [line for line in lines if line.startswith("## ")] == ["## Context", "## Choice", "## What it costs"]


def test_decisions_are_numbered_without_a_gap() -> None:
    """Decisions count up from 0001."""
    assert [path.stem[:4] for path in DECISIONS] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]


@pytest.mark.parametrize("layer", ["domain", "application"])
def test_the_architecture_names_each_room(layer: str) -> None:
    """Each module and folder of the two inner layers is in a table of the architecture."""
    page = (EXPLANATION / "architecture.md").read_text(encoding="utf-8")
    rooms = {path.stem for path in (PACKAGE / layer).iterdir() if not path.name.startswith("_")}
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]+) \|", page, re.MULTILINE))))
    assert rooms - named == set()


def test_the_architecture_draws_each_table() -> None:
    """Each table of the store is in the picture of the tables."""
    page = (EXPLANATION / "architecture.md").read_text(encoding="utf-8")
    picture = page.partition("## The tables\n")[2].partition("```text")[2].partition("```")[0]
    assert set(metadata.tables) - set(re.findall(r"casewright_\w+", picture)) == set()


@pytest.mark.parametrize("section", ["how-to", "reference", "explanation"])
def test_each_page_is_in_the_index_of_its_section(section: str) -> None:
    """Each page of a section can be reached from its index, and each how-to from the table too."""
    folder = ROOT / "docs" / section
    index = (folder / "index.md").read_text(encoding="utf-8")
    pages = {path.stem for path in folder.glob("*.md")} - {"index"}
    assert {page for page in pages if f"\n{page}\n" not in index} == set()
    assert section == "explanation" or {page for page in pages if f"({page}.md)" not in index} == set()


def test_the_reference_tells_of_each_extra() -> None:
    """Each extra that can be installed has a row in the table of extras, and no other has."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    table = (ROOT / "docs" / "reference" / "index.md").read_text(encoding="utf-8").partition("## Extras")[2]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == declared.keys()


def test_each_link_leads_somewhere() -> None:
    """Each link to a file of ours, also by its public address, leads to one that is there."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    assert len(pages) > 20
    for path in pages:
        for link in LINK.finditer(path.read_text(encoding="utf-8")):
            target = link["target"].partition("#")[0]
            if target.startswith(OURS):
                found = ROOT / re.sub(r"^(?:blob|tree)/main/", "", target.removeprefix(OURS))
                assert found.exists() or found.name in {*NOT_DISTRIBUTED, "new"}, (path, target)
            elif target and "://" not in target:
                assert (path.parent / target).exists(), (path, target)
