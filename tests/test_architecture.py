"""The house as its rules say: what no module may do, how large it may be, what it must say of itself."""

from __future__ import annotations

import ast
import itertools
import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator

import pytest

from support.sources import (
    Regex,
    Source,
    cited_ids,
    clock_readings,
    docstring_lines,
    dynamic_imports,
    functions,
    package_sources,
    public_names,
    regexes,
    run_python,
    undocumented,
    unsafe,
)
from support.sources import (
    test_sources as suite_sources,
)

SOURCES = {source.name: source for source in package_sources()}
DOMAIN = [source for name, source in SOURCES.items() if name.startswith("casewright/domain/")]


def test_the_source_is_found() -> None:
    """The checks below look at the whole package and the whole suite, installed or not."""
    assert {"casewright/__init__.py", "casewright/errors.py", "casewright/domain/rules.py"} <= set(SOURCES)
    assert "test_architecture.py" in {source.name for source in suite_sources()}


def test_no_module_turns_data_into_code() -> None:
    """There is no pickle, eval, exec, YAML or star import in the package (S8)."""
    assert {name: found for name, source in SOURCES.items() if (found := unsafe(source.tree))} == {}


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "import os, marshal",
        "from pickle import loads",
        "import yaml as y",
        "from ruamel import yaml",
        "from os.path import *",
        "eval('1')",
        "x = [exec(line) for line in lines]",
        "builtins.eval('1')",
        "def f():\n    import shelve",
        "async def f():\n    return compile(text, '', 'eval')",
    ],
)
def test_the_safety_check_sees_what_it_forbids(line: str) -> None:
    """Each forbidden way is found wherever it stands; its harmless neighbours are not (S8)."""
    assert len(unsafe(ast.parse(line))) == 1
    harmless = "import json, re, codecs\nre.compile('x')\nast.literal_eval('1')\nfrom a import b\n"
    assert unsafe(ast.parse(harmless)) == []


def test_modules_are_loaded_by_name_only_where_the_name_is_ours() -> None:
    """Only the lazy facade, and one file of the command line that loads the user's own definition, do that (S8)."""
    loading = [name for name, source in SOURCES.items() if dynamic_imports(source.tree)]
    others = [name for name in loading if name != "casewright/__init__.py"]
    assert "casewright/__init__.py" in loading
    assert len(others) <= 1
    assert all(name.startswith("casewright/cli/") for name in others)
    for line in ("__import__(name)", "importlib.import_module(name)", "import runpy", "module_from_spec(spec)"):
        assert dynamic_imports(ast.parse(line)) != []


def test_the_domain_reads_no_clock_and_no_ambient_state() -> None:
    """Time, ids, chance and actors are arguments: the domain looks none of them up (H3, O8)."""
    assert len(DOMAIN) > 20
    assert {source.name: found for source in DOMAIN if (found := clock_readings(source.tree))} == {}


def test_the_clock_check_sees_what_it_forbids() -> None:
    """A clock or a context variable is found however it is imported."""
    for line in ("datetime.now(UTC)", "date.today()", "import time", "from contextvars import ContextVar", "uuid4()"):
        assert len(clock_readings(ast.parse(line))) == 1


PATTERNS = [regex for source in SOURCES.values() for regex in regexes(source)]

# Run in a process of its own, because a running match can neither be interrupted nor limited from inside.
TRY_REGEX = """
import json, re, sys
job = json.load(sys.stdin)
pattern = re.compile(job["pattern"], job["flags"])
ask = {"match": pattern.match, "fullmatch": pattern.fullmatch, "search": pattern.search}
for text in job["texts"]:
    text = text[0] + text[1] * (100_000 // len(text[1])) + text[2]
    for method in job["methods"]:
        ask[method](text) if method in ask else pattern.findall(text)
"""


def adversarial(regex: Regex) -> Iterator[tuple[str, str, str]]:
    """Yield beginnings, what is repeated up to 100 kB after them, and ends that spoil the match."""
    alphabet = list(dict.fromkeys([*'aA0 -."\n\u00e9', *(char for char in regex.pattern if char.isprintable())]))
    beginnings = dict.fromkeys(["", *alphabet, *re.findall(r"\w{2,}\W*", regex.pattern)])
    yield from itertools.product(beginnings, alphabet, ["", "\0"])
    yield from ((char, other + char, "\0") for char, other in itertools.product(alphabet[:10], repeat=2))


def try_regex(regex: Regex, timeout: float) -> None:
    """Ask the expression all of that; a subprocess.TimeoutExpired says that it does not come to an end."""
    job = {**regex._asdict(), "texts": list(adversarial(regex))}
    run_python(TRY_REGEX, stdin=json.dumps(job), timeout=timeout)


@pytest.mark.parametrize("regex", PATTERNS, ids=lambda regex: regex.where)
def test_a_regular_expression_comes_to_an_end(regex: Regex) -> None:
    """Each is asked hundreds of hostile texts of 100 kB; a slow one would need hours, not seconds (S8)."""
    try_regex(regex, timeout=60)


@pytest.mark.parametrize("pattern", ["(a+)+$", r"^x(\s*-?)*=$"])
def test_a_slow_regular_expression_is_found(pattern: str) -> None:
    """Nested quantifiers are caught by the same texts (S8)."""
    with pytest.raises(subprocess.TimeoutExpired):
        try_regex(Regex("here", pattern, 0, ("search", "fullmatch")), timeout=2)


def test_every_regular_expression_of_a_module_is_collected() -> None:
    """Compiled ones are tried by the methods their module asks them by, others by their own."""
    text = (
        "import re\n_A = re.compile('a', re.I | re.A)\n_B: Final = re.compile(r'b').fullmatch\n"
        "re.sub('c', '', x)\n_A.search(x)\n_C = re.compile('d')\n"
    )
    found = [(one.pattern, one.methods) for one in regexes(Source("x", text, ast.parse(text)))]
    assert sorted(found) == [
        ("a", ("search",)),
        ("b", ("fullmatch",)),
        ("c", ("sub",)),
        ("d", ("fullmatch", "match", "search")),
    ]
    with pytest.raises(AssertionError, match="literal"):
        list(regexes(Source("x", "", ast.parse("re.compile(text)"))))
    assert len(PATTERNS) >= 1


def test_a_module_names_what_is_public() -> None:
    """Every module that binds a public name has `__all__`, and each name in it exists, once."""
    for source in SOURCES.values():
        listed, bound = public_names(source.tree)
        if source.name.endswith("__main__.py") or (listed is None and not bound - {"annotations"}):
            continue
        assert listed is not None, f"{source.name} has no __all__"
        assert [name for name, count in Counter(listed).items() if count > 1] == [], source.name
        assert set(listed) - bound == set(), source.name
        assert [name for name in listed if name.startswith("_") and name != "__version__"] == [], source.name


def test_everything_public_has_a_docstring() -> None:
    """Each module, and each public class, function and method in it, says what it is."""
    assert [name for name, source in SOURCES.items() if not (ast.get_docstring(source.tree) or "").strip()] == []
    assert {name: found for name, source in SOURCES.items() if (found := list(undocumented(source.tree)))} == {}


def test_the_docstring_check_sees_what_it_forbids() -> None:
    """A public method without a docstring is found; private ones and overloads need none."""
    text = 'class A:\n    """A."""\n    def b(self): ...\n    def _c(self): ...\n    @overload\n    def d(self): ...\n'
    assert list(undocumented(ast.parse(text))) == ["line 3: A.b"]


def test_a_file_and_its_functions_stay_small() -> None:
    """No file has more than 400 lines, and no function more than 40 besides its docstring."""
    assert [name for name, source in SOURCES.items() if len(source.text.splitlines()) > 400] == []
    sizes = [
        (source.name, node.name, (node.end_lineno or 0) - node.lineno + 1 - docstring_lines(node))
        for source in SOURCES.values()
        for node in functions(source.tree)
    ]
    assert [found for found in sizes if found[-1] > 40] == []


PROMISES = {
    f"{letter}{number}"
    for letter, count in {"E": 4, "A": 12, "T": 6, "L": 5, "I": 7, "O": 8, "H": 8, "S": 8}.items()
    for number in range(1, count + 1)
}


@pytest.mark.parametrize("place", ["package", "suite"])
def test_every_promise_that_is_cited_exists(place: str) -> None:
    """An id in brackets in a docstring or a comment is one of the list, in source and tests alike."""
    sources = package_sources() if place == "package" else suite_sources()
    cited = [found for source in sources for found in cited_ids(source)]
    assert len(cited) > 20
    assert [found for found in cited if found[1] not in PROMISES] == []


def test_the_promise_check_sees_what_it_forbids() -> None:
    """Ids are found alone, in lists and in ranges; linter codes and hashes are not taken for ids."""
    text = '"""One (A4), more (S1, Z9; H4-H6). Not (S256-x), nor (SHA-256)."""\nx = 1  # noqa: S101 - why (A99)\n'
    source = Source("x", text, ast.parse(text))
    assert [cited for _, cited in cited_ids(source)] == ["A4", "S1", "H4", "H6", "A99"]


def test_every_test_says_what_it_promises() -> None:
    """Each test function has a docstring, in the suite and in the contracts that the package ships."""
    silent = [
        f"{source.name}:{node.lineno} {node.name}"
        for source in (*suite_sources(), *package_sources())
        for node in functions(source.tree)
        if node.name.startswith("test_") and not (ast.get_docstring(node) or "").strip()
    ]
    assert silent == []
