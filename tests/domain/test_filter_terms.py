"""The terms that only filters use: whether a field holds anything, and whether an instant lies before another one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from casewright import Scope, Term
from casewright.domain.terms import TermKind
from support.values import a_case, a_task

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
TIMES = (AT - timedelta(days=1), AT - MOMENT, AT, AT + MOMENT, AT.replace(year=2), AT.replace(year=9999))

FULL: dict[str, Any] = {
    "description": "d",
    "priority": "low",
    "assignee_id": "ann",
    "due_at": AT,
    "closed_at": AT,
    "deleted_at": AT,
}


@pytest.mark.parametrize("name", [*FULL, "case_id"])
def test_a_field_is_present_unless_it_is_none(name: str) -> None:
    """PRESENT matches what holds anything, and its negation what is None; a case has no case at all."""
    term = Term(TermKind.PRESENT, name, ())
    filled = a_task(**{**FULL, "case_id": "c-1"})
    assert (term.matches(filled), term.matches(a_task())) == (True, False)
    assert (term.inverted().matches(filled), term.inverted().matches(a_task())) == (False, True)
    assert Term(TermKind.PRESENT, "case_id", ()).matches(a_case(**FULL)) is False


def test_what_is_always_there_is_present() -> None:
    """A text that may be empty is there; so is what has a default."""
    for name in ("head", "tenant", "tags", "attributes", "version", "title"):
        assert Term(TermKind.PRESENT, name, ()).matches(a_task())


@pytest.mark.parametrize("name", ["created_at", "updated_at", "due_at", "closed_at", "deleted_at"])
def test_before_compares_instants(name: str) -> None:
    """BEFORE matches an instant that lies before the value, and its negation all else, None among it."""
    for there in TIMES:
        item = a_task(**{name: there})
        for value in TIMES:
            text = value.strftime("%Y-%m-%dT%H:%M:%S.%fZ").zfill(27)
            term = Term(TermKind.BEFORE, name, (text,))
            assert term.matches(item) is (there < value), (there, value)
            assert term.inverted().matches(item) is not term.matches(item)
    missing = Term(TermKind.BEFORE, "due_at", ("9999-12-31T23:59:59.999999Z",))
    assert (missing.matches(a_task()), missing.inverted().matches(a_task())) == (False, True)


def test_only_instants_lie_before_one() -> None:
    """A field that holds no instant lies before nothing, whatever its text is."""
    for name in ("title", "status", "version", "tags", "no_such_field"):
        assert not Term(TermKind.BEFORE, name, ("9999-12-31T23:59:59.999999Z",)).matches(a_task(title="0001"))


def test_terms_of_filters_combine_with_those_of_rules() -> None:
    """A contradiction is dropped and a double term kept once, as for the terms of rules (A6)."""
    present = Term(TermKind.PRESENT, "due_at", ())
    before = Term(TermKind.BEFORE, "due_at", ("2026-01-31T12:00:00.000000Z",))
    one, other = Scope(((present,),)), Scope(((before,),))
    assert (one & ~one).alternatives == ()
    assert (one & one) == one
    for item in (a_task(), a_task(due_at=AT), a_task(due_at=AT - MOMENT)):
        assert (one & other).matches(item) is (one.matches(item) and other.matches(item))
        assert (one | ~other).matches(item) is (one.matches(item) or not other.matches(item))
