"""The error tree: as drawn, each class with a stable code, its data as fields, one line of text, and able to travel."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

import casewright
from casewright import (
    AlreadyExistsError,
    CasewrightError,
    ConflictError,
    DefinitionError,
    HistoryError,
    IdempotencyKeyReusedError,
    InvalidInputError,
    MisuseError,
    NotFoundError,
    NotUniqueError,
    OutcomeUnknownError,
    Phase,
    Problem,
    PublishError,
    Reason,
    RefusedError,
    StaleVersionError,
    StorageError,
    TransientStorageError,
    UnknownDefinitionError,
    errors,
)

REASONS = (
    Reason("role_missing", Phase.PERMISSION, "needs the role admin", {"rule": 'has_role("admin")'}),
    Reason("other", Phase.GUARD, "and another"),
)
PROBLEMS = (Problem("trap", "status 'a'", "is a trap", "add a way out"), Problem("b", "c", "d", "e"))
SAMPLES: tuple[CasewrightError, ...] = (
    CasewrightError(),
    InvalidInputError("title", "is longer than 500 characters", "shorten it"),
    InvalidInputError("at", "has no time zone"),
    NotFoundError("x1"),
    RefusedError("close", "x1", REASONS),
    ConflictError(),
    StaleVersionError("x1", 3, 4),
    StaleVersionError("x1", 3),
    AlreadyExistsError("x1"),
    NotUniqueError("title"),
    IdempotencyKeyReusedError("secret-key"),
    DefinitionError(PROBLEMS),
    UnknownDefinitionError("task"),
    UnknownDefinitionError("task", 7),
    MisuseError("the item is of another tenant", "load it again"),
    StorageError("the disk is full", "make room"),
    StorageError("the disk is full"),
    TransientStorageError("the row is locked"),
    OutcomeUnknownError("the connection was lost at commit", "retry with the same key"),
    PublishError("the broker is not there", "start it"),
    PublishError("the broker is not there"),
    HistoryError("version 2 was expected", 1),
    HistoryError("there are no events"),
)
CODES = {
    "CasewrightError": "error",
    "InvalidInputError": "invalid_input",
    "NotFoundError": "not_found",
    "RefusedError": "refused",
    "ConflictError": "conflict",
    "StaleVersionError": "stale_version",
    "AlreadyExistsError": "already_exists",
    "NotUniqueError": "not_unique",
    "IdempotencyKeyReusedError": "idempotency_key_reused",
    "DefinitionError": "definition",
    "UnknownDefinitionError": "unknown_definition",
    "MisuseError": "misuse",
    "StorageError": "storage",
    "TransientStorageError": "storage_transient",
    "OutcomeUnknownError": "outcome_unknown",
    "PublishError": "publish",
    "HistoryError": "history",
}
NAMES = [f"{type(error).__name__}-{place}" for place, error in enumerate(SAMPLES)]
each_error = pytest.mark.parametrize("error", SAMPLES, ids=NAMES)


def tree(cls: type[CasewrightError] = CasewrightError) -> Iterator[type[CasewrightError]]:
    """Yield the classes of the tree that stand in `casewright.errors`, in order of definition."""
    yield cls
    for child in cls.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from tree(child)


def fields_of(error: CasewrightError) -> dict[str, Any]:
    """Return what the error knows."""
    fields: Any = getattr(type(error), "__attrs_attrs__", ())
    return {field.name: getattr(error, field.name) for field in fields}


def test_tree_is_as_drawn() -> None:
    """The tree in the module's docstring is the real one, with the built-in class that each error also is."""
    assert errors.__doc__ is not None
    drawn: dict[str, tuple[str, str]] = {}
    above = {0: "CasewrightError"}
    for line in errors.__doc__.splitlines():
        found = re.match(r"    ([│ ]*)[├└]── (\w+)(?: \((\w+)\))?  +\S", line)
        if found:
            depth = len(found[1]) // 4 + 1
            above[depth] = found[2]
            drawn[found[2]] = (above[depth - 1], found[3] or "")
    real = {}
    for cls in tree():
        if cls is not CasewrightError:
            parent, *others = cls.__bases__
            real[cls.__name__] = (parent.__name__, "".join(other.__name__ for other in others))
    assert drawn == real
    assert list(drawn) == [cls.__name__ for cls in tree()][1:]


def test_every_error_is_public_and_has_a_sample_here() -> None:
    """Every error of the tree stands in the facade and is tried out here."""
    listed = {name for name in errors.__all__ if name != "Problem"}
    assert listed == {cls.__name__ for cls in tree()} == {type(error).__name__ for error in SAMPLES}
    assert listed <= set(casewright.__all__)
    assert all(getattr(casewright, name) is getattr(errors, name) for name in errors.__all__)


def test_codes_are_stable_and_unique() -> None:
    """Each error has a code of its own that never changes: programs and translations rely on it."""
    assert {cls.__name__: cls.code for cls in tree()} == CODES
    assert len(set(CODES.values())) == len(CODES)


@each_error
def test_errors_travel(error: CasewrightError) -> None:
    """An error survives pickle, copy and deepcopy with its class, its fields, its text and its notes."""
    error = copy.copy(error)
    error.add_note("seen by the host")
    copies = [copy.copy(error), copy.deepcopy(error)]
    copies += [pickle.loads(pickle.dumps(error, protocol)) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)]
    for other in copies:
        assert other is not error
        assert type(other) is type(error)
        assert fields_of(other) == fields_of(error)
        assert (str(other), other.args, other.code) == (str(error), error.args, error.code)
        assert other.__notes__ == ["seen by the host"]


@each_error
def test_text_is_one_line(error: CasewrightError) -> None:
    """The text of an error is one printable line; only a definition's problems have a line each (S6)."""
    lines = str(error).split("\n")
    assert len(lines) == (len(error.problems) if isinstance(error, DefinitionError) else 1)
    assert all(line.isprintable() for line in lines)
    assert "None" not in str(error)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (InvalidInputError("title", "is blank", "fill it in"), "title: is blank; fill it in"),
        (InvalidInputError("title", "is blank"), "title: is blank"),
        (NotFoundError("x\n1"), "there is no item 'x\\n1', or none that you may see"),
        (RefusedError("close", "x1", REASONS), "close was refused: needs the role admin; and another"),
        (StaleVersionError("x1", 3, 4), "x1 was expected at version 3 but has 4; load it again and decide anew"),
        (StaleVersionError("x1", 3), "x1 was expected at version 3 but has another one; load it again and decide anew"),
        (AlreadyExistsError("x1"), "the id 'x1' is already used; choose another one"),
        (AlreadyExistsError("n1", "note"), "the id 'n1' of a note is already used; choose another one"),
        (AlreadyExistsError("k1", "key"), "the idempotency key 'k1' is already used; its entry says for what"),
        (DefinitionError(PROBLEMS), "status 'a': is a trap; add a way out\nc: d; e"),
        (UnknownDefinitionError("a"), "no definition named 'a' is registered; pass it in definitions="),
        (UnknownDefinitionError("a", 2), "'a' holds no lifecycle of version 2; keep it in earlier="),
        (MisuseError("done twice", "do it once"), "done twice; do it once"),
        (StorageError("full", "make room"), "full; make room"),
        (StorageError("full"), "full"),
        (HistoryError("gap", 0), "event at position 0: gap"),
        (HistoryError("gap"), "gap"),
    ],
    ids=str,
)
def test_text_says_what_and_what_to_do(error: CasewrightError, text: str) -> None:
    """The text of an error says what is wrong and what to do about it, out of its fields."""
    assert str(error) == text


def test_key_is_a_field_but_not_in_the_text() -> None:
    """The idempotency key, which may be a secret, is a field of its error and not in its text (S6)."""
    error = IdempotencyKeyReusedError("secret-key")
    assert error.key == "secret-key"
    assert "secret-key" not in str(error)


def test_refused_error_has_the_first_phase() -> None:
    """A refusal's phase is that of its first reason, as for a refused verdict."""
    assert RefusedError("close", "x1", REASONS).phase is Phase.PERMISSION
    assert RefusedError("close", "x1", REASONS[1:]).phase is Phase.GUARD


def test_problems_are_values() -> None:
    """A problem of a definition is a frozen value that travels."""
    problems: tuple[Any, ...] = PROBLEMS
    for problem in problems:
        assert pickle.loads(pickle.dumps(problem)) == copy.deepcopy(problem) == problem
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            problem.code = "x"
