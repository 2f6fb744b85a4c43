# /// script
# requires-python = ">=3.11"
# dependencies = ["nox[uv]>=2025.5.1"]
# ///
"""Every gate of the project, one session each.

`nox` alone runs what a change needs before it is proposed: it ends with the quick suite, on the wheel that it built.
The other sessions run by name: `nox -s docs full`. While you work, `nox -s tests` runs that suite on the checkout; what
follows `--` goes to pytest: `nox -s tests -- -k lifecycle`.
"""

import functools
import json
import os
import secrets
import shutil
import tarfile
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "typing", "imports", "build"]

ROOT = Path(__file__).parent
DIST = ROOT / "dist"
TIMES = ROOT / ".nox" / "times.json"
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
GREENLETS = (
    *("tests/stores/test_async_joining.py", "tests/stores/test_async_sqlalchemy_store.py", "tests/stores/test_hops.py"),
    *("tests/stores/test_keeping_stores.py", "tests/stores/test_lines.py", "tests/adapters/test_consuming.py"),
    *("tests/adapters/test_sqlalchemy_refusals.py", "tests/adapters/test_sqlalchemy_upgrade_calls.py"),
    *("tests/docs", "tests/faults", "tests/relay"),
)
"""Tests of stores that asynchronous drivers reach from greenlets: to measure these takes much longer."""

SPARED = (
    *("tests/races", "tests/services", "tests/faults/test_async_cancellation.py", "tests/cli/test_replay_stopped.py"),
    *("tests/stores/test_async_sqlalchemy_store.py::TestAsyncpg", "tests/test_architecture.py"),
)
"""What takes long, and reaches no line that other tests do not: `full` runs it, where nothing is measured."""

HOURS = 3  # for how long `nox -s soak` begins another round, if it will end in time
SOAK = "20"  # by how much it multiplies what is promised: 8 x 5,000 edits of one case, 5,000 kills
PYTHONS = ["3.11", "3.12", "3.13"]
EXTRAS = "[sqlalchemy,postgres,asyncpg,sqlite,migrations,nats,redis,otel,testing]"  # all but `mariadb`

# Modules that need an extra, each with all below it; every other one must import with the core dependencies alone.
NEEDS_EXTRA = (
    "casewright.testing.asking",
    "casewright.testing.contracts",
    "casewright.testing.machine",
    "casewright.testing.strategies",
    "casewright.adapters.publishers.nats",
    "casewright.adapters.publishers.redis",
    "casewright.adapters.otel",
    "casewright.adapters.sqlalchemy",
)
IMPORT_EVERYTHING = f"""
import importlib, pkgutil, casewright

def on_error(name):
    if not name.startswith({NEEDS_EXTRA!r}):
        raise

names = [module.name for module in pkgutil.walk_packages(casewright.__path__, "casewright.", on_error)]
imported = [importlib.import_module(name) for name in names if not name.startswith({NEEDS_EXTRA!r})]
print("casewright", casewright.__version__, "imported", len(imported), "of", len(names), "modules")
"""


def _group(*names: str) -> tuple[str, ...]:
    """The requirements of some dependency groups."""
    return nox.project.dependency_groups(PYPROJECT, *names)


def _present(*names: str) -> list[str]:
    """The folders among `names` that this checkout has."""
    return [name for name in names if (ROOT / name).is_dir()]


def _built(session: nox.Session, pattern: str) -> Path:
    """The one file in dist/ that matches."""
    found = list(DIST.glob(pattern))
    if len(found) != 1:
        session.error(f"expected one dist/{pattern}, found {len(found)}: run `nox -s build` first")
    return found[0]


def _run_suite(session: nox.Session, *pytest: str) -> None:
    """Run what was asked for, or the examples of the documentation and then the tests, which fill all cores."""
    if session.posargs:
        session.run(*pytest, *session.posargs)
        return
    session.run(*pytest, "README.md", "docs")  # in one process: the examples of a page share their names
    session.run(*pytest, "-n", "auto", "tests", "examples")


def _timed(run: Callable[[nox.Session], None]) -> Callable[[nox.Session], None]:
    """Note how many seconds the session takes, for `nox -s house`."""

    @functools.wraps(run)
    def timed(session: nox.Session) -> None:
        started = time.monotonic()
        run(session)
        if not session.posargs:
            took = json.loads(TIMES.read_text(encoding="utf-8")) if TIMES.exists() else {}
            TIMES.write_text(json.dumps({**took, session.name: time.monotonic() - started}), encoding="utf-8")

    return timed


@nox.session
@_timed
def lint(session: nox.Session) -> None:
    """Style, formatting, spelling."""
    session.install(*_group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("codespell")
    session.run("python", "tools/house.py", "--check")


@nox.session
@_timed
def typing(session: nox.Session) -> None:
    """Mypy strict and pyright at a time, and no public name without a complete type."""
    session.install(*_group("typing", "test", "bench"), f".{EXTRAS}")
    env = {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    verify = ("pyright", "--verifytypes", "casewright", "--ignoreexternal")

    def checked() -> None:
        session.run("pyright", *_present("src", "tests", "examples"), env=env, silent=True)

    def verified() -> None:
        answer = session.run(*verify, "--outputjson", env=env, silent=True, success_codes=[0, 1])
        score = json.loads(str(answer))["typeCompleteness"]["completenessScore"]
        session.log(f"type completeness: {score:.2%}")
        if score < 1:
            session.run(*verify, env=env, success_codes=[0, 1])
            session.error("a public name lacks a complete type")

    with ThreadPoolExecutor() as pool:
        others = [pool.submit(checked), pool.submit(verified)]
        session.run("mypy", *_present("src", "tests", "examples", "benchmarks", "tools"))
    for other in others:
        other.result()


@nox.session
@_timed
def imports(session: nox.Session) -> None:
    """The import contracts of the house."""
    session.install(*_group("lint"), ".")
    session.run("lint-imports")


@nox.session
@_timed
def tests(session: nox.Session) -> None:
    """Run the suite and the documented examples on the installed package, without the promises at their full size."""
    session.install(*_group("test"), f".{EXTRAS}")
    _run_suite(session, "python", "-m", "pytest", "-m", "not large")


@nox.session
@_timed
def full(session: nox.Session) -> None:
    """Run what `wheel` is spared, and the promises that it tries in small or not at all, at their full size."""
    session.install(*_group("test"), f".{EXTRAS}")
    if not session.posargs:
        session.run("python", "-m", "pytest", "-n", "auto", "-m", "not large", *SPARED)
    session.run("python", "-m", "pytest", "-n", "auto", "-m", "large", *(session.posargs or ["tests"]))


@nox.session
def soak(session: nox.Session) -> None:
    """Run `full` at many times its size, each round with another seed, for three hours; not a part of CI.

    A round whose seed is given is run again: `nox -s soak -- 1234`. It says at its end what it came to.
    """
    session.install(*_group("test"), ".[sqlalchemy,testing]")
    if session.posargs:
        _soaked(session, int(session.posargs[0]))
        return
    began, longest = time.monotonic(), 0.0
    while time.monotonic() - began + longest < HOURS * 3600:
        started = time.monotonic()
        _soaked(session, secrets.randbelow(2**32))
        longest = max(longest, time.monotonic() - started)


def _soaked(session: nox.Session, seed: int) -> None:
    """Run one round."""
    session.log(f"this round again: nox -s soak -- {seed}")
    seeds = (f"--randomly-seed={seed}", f"--hypothesis-seed={seed}")
    limit = ("-o", "timeout=7200")
    env = {"CASEWRIGHT_SOAK": SOAK}
    session.run("python", "-m", "pytest", "-n", "auto", "-m", "large", *seeds, *limit, "tests", env=env)


@nox.session
@_timed
def docs(session: nox.Session) -> None:
    """Build the documentation into build/docs; a warning is an error."""
    session.install(*_group("docs"), ".[nats,otel,redis,sqlalchemy,testing]")
    session.run("sphinx-build", "-q", "-W", "-n", "--keep-going", "-E", "-b", "html", "docs", "build/docs")


@nox.session
@_timed
def build(session: nox.Session) -> None:
    """Build and check both distributions, then queue the two sessions that prove the wheel."""
    session.install(*_group("release"))
    shutil.rmtree(DIST, ignore_errors=True)
    session.run("validate-pyproject", "pyproject.toml")
    session.run("python", "-m", "build", "--installer", "uv", silent=True)
    files = [str(_built(session, "*.whl")), str(_built(session, "*.tar.gz"))]
    session.run("twine", "check", "--strict", *files)
    session.run("check-wheel-contents", files[0])
    session.notify("no_extras")
    session.notify("wheel")


@nox.session
def no_extras(session: nox.Session) -> None:
    """Import every module of the built wheel with the core dependencies alone."""
    session.install(str(_built(session, "*.whl")))
    session.run("python", "-I", "-c", IMPORT_EVERYTHING)


@nox.session
@_timed
def wheel(session: nox.Session) -> None:
    """Run most of the built sdist's quick suite, its src removed, on the built wheel: it reaches every branch."""
    session.install(*_group("test"), f"{_built(session, '*.whl')}{EXTRAS}")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(_built(session, "*.tar.gz")) as archive:
            archive.extractall(folder, filter="data")
        (unpacked,) = Path(folder).iterdir()
        shutil.rmtree(unpacked / "src")
        shared = ROOT.parent / "shared"
        if shared.is_dir():  # data sets that stand beside a checkout
            (Path(folder) / "shared").symlink_to(shared)
        with session.chdir(unpacked):
            suite = ("-m", "pytest", "-m", "not large")
            greenlets = ("coverage", "run", "--concurrency=greenlet,thread", *suite)
            if session.posargs:  # a chosen part of the suite cannot reach everything
                session.run(*greenlets, *session.posargs)
                return
            session.run(*greenlets, "README.md", "docs")
            spared = [f"--deselect={path}" for path in SPARED]
            session.run(*greenlets, "-n", "auto", *spared, *GREENLETS)
            others = [*spared, *(f"--ignore={path}" for path in GREENLETS)]
            session.run("coverage", "run", *suite, "-n", "auto", *others, "tests", "examples")
            session.run("coverage", "combine", "--quiet")
            # Told by nox, not by the process: what is printed last is pytest's summary.
            report = session.run("coverage", "report", silent=True)
            session.log(str(report).strip().splitlines()[-1])


@nox.session(python=PYTHONS)
def matrix(session: nox.Session) -> None:
    """Run the suite on each supported Python that this machine has."""
    session.install(*_group("test"), f".{EXTRAS}")
    _run_suite(session, "python", "-m", "pytest")


@nox.session(venv_backend="uv")
def min_versions(session: nox.Session) -> None:
    """Run the suite with the oldest dependencies that pyproject.toml allows."""
    tools = [tool for tool in _group("test") if not tool.startswith("hypothesis")]  # ours is a pin, the extra's a bound
    session.install("--resolution", "lowest-direct", *tools, f".{EXTRAS}")
    # With our oldest typing-extensions comes an anyio whose plugin, which we do not use, this pytest warns of.
    _run_suite(session, "python", "-m", "pytest", "-p", "no:anyio")


@nox.session
def sqlalchemy20(session: nox.Session) -> None:
    """Run what touches SQLAlchemy with the other supported series of it."""
    session.install(*_group("test"), f".{EXTRAS}", "sqlalchemy[asyncio]<2.1")
    session.run("python", "-m", "pytest", "-n", "auto", *(session.posargs or ["tests/adapters", "tests/stores"]))


@nox.session
@_timed
def postgres18(session: nox.Session) -> None:
    """Run what touches PostgreSQL with the other supported version of it, 18."""
    session.install(*_group("test"), f".{EXTRAS}")
    chosen = session.posargs or ["tests/services", "tests/stores/test_postgresql_store.py", "tests/stores/test_text.py"]
    session.run("python", "-m", "pytest", "-n", "auto", *chosen, env={"CASEWRIGHT_POSTGRES": "18"})


@nox.session
def mariadb(session: nox.Session) -> None:
    """Run what touches MariaDB; its server comes from Debian packages, which are downloaded but not installed."""
    session.install(*_group("test", "mariadb"), f".{EXTRAS}", ".[mariadb]")
    packages = os.fspath(ROOT / ".nox" / "mariadb-packages")
    env = {"CASEWRIGHT_MARIADB": packages, "COVERAGE_FILE": os.fspath(ROOT / ".nox" / "mariadb-coverage")}
    chosen = session.posargs or ["-m", "not large", "-k", "mariadb", "tests"]
    greenlets = ("coverage", "run", "--concurrency=greenlet,thread")
    session.run(*greenlets, "-m", "pytest", "-n", "auto", *chosen, env=env)
    if session.posargs:
        return
    session.run("coverage", "combine", "--quiet", env=env)
    session.run("coverage", "report", "--omit=nothing", "--include=*/databases/mariadb.py", env=env)


@nox.session
def bench(session: nox.Session) -> None:
    """Run the benchmarks."""
    script = ROOT / "benchmarks" / "run.py"
    if not script.exists():
        session.skip("there is no benchmarks/run.py")
    session.install(*_group("bench"), ".")
    session.run("python", os.fspath(script), *session.posargs)


@nox.session
def house(session: nox.Session) -> None:
    """Print the numbers of the house, and keep them in the documentation."""
    session.run("python", "tools/house.py", *(session.posargs or ["--write"]))


@nox.session
def demo(session: nox.Session) -> None:
    """Run what the README shows first."""
    session.install(".[sqlalchemy]")
    session.run("python", "-m", "casewright", "demo", *session.posargs)


if __name__ == "__main__":
    nox.main()
