"""Filters: which items a list shows, compared with a predicate that is written out apart from them."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from functools import partial
from typing import Any, cast

import attrs
import pytest

from casewright import UNSET, Case, CaseFilter, Category, InvalidInputError, Scope, Task, TaskFilter, Term
from casewright.domain.filters import MAX_CHOICES, ItemFilter
from casewright.domain.terms import TermKind
from support.values import CANARY, HOSTILE, a_case, a_task, impurities

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)

PEOPLE = ("ann", "bob", "Ann", "a\u0301nn")
STATUSES = ("todo", "doing", "done", "Done")
DEFINITIONS = ("task", "letter")
CASES = ("c-1", "c-2", "C-1")
TIMES = (AT - timedelta(days=1), AT - MOMENT, AT, AT + MOMENT, AT.replace(year=2), AT.replace(year=9999))


def random_conditions(rng: random.Random, kind: str) -> dict[str, Any]:
    """Return what a filter may be built of: few conditions, many, or none."""

    def some(pool: tuple[Any, ...]) -> Any:
        return rng.choice([None, rng.choice(pool), rng.sample(pool, rng.randrange(len(pool) + 1))])

    conditions: dict[str, Any] = {
        "status": some(STATUSES),
        "category": some(tuple(Category)),
        "open": rng.choice([None, True, False]),
        "assignee_id": rng.choice([UNSET, None, *PEOPLE]),
        "created_by": rng.choice([UNSET, *PEOPLE]),
        "definition": some(DEFINITIONS),
        "overdue_at": rng.choice([None, *TIMES]),
    }
    if kind == "task":
        conditions["case_id"] = rng.choice([UNSET, None, *CASES])
    return {name: conditions[name] for name in rng.sample(list(conditions), rng.choice([0, 1, 1, 2, 3]))}


def test_a_filter_without_conditions_shows_all_of_its_kind() -> None:
    """Nothing asked for is everything of the kind, deleted items aside, which no list shows."""
    assert TaskFilter().terms == CaseFilter().terms == ()
    assert TaskFilter().matches(a_task())
    assert not TaskFilter().matches(a_case())
    assert CaseFilter().matches(a_case())
    assert not CaseFilter().matches(a_task())


MET: dict[str, str] = {
    "status": "done",
    "category": "done",
    "definition": "letter",
    "assignee_id": "ann",
    "created_by": "bob",
    "case_id": "c-1",
}


@pytest.mark.parametrize("name", MET)
def test_each_condition_shows_what_meets_it_and_nothing_else(name: str) -> None:
    """An item that meets a condition is shown, one that does not is not; a list of choices holds one more (A6)."""
    meeting, other = a_task(**{name: MET[name]}), a_task()
    wanted: list[Any] = [{name: MET[name]}]
    wanted += [{name: ["x", MET[name]]}] if name in {"status", "definition"} else []
    for given in wanted:
        assert (TaskFilter(**given).matches(meeting), TaskFilter(**given).matches(other)) == (True, False)


def test_none_of_several_shows_nothing() -> None:
    """An empty list of statuses is a condition that no item meets, and not the absence of one."""
    several: tuple[Any, ...] = ([], (), set(), iter(()))
    for empty in several:
        assert not TaskFilter(status=empty).matches(a_task())
    assert TaskFilter(status=None).matches(a_task())


@pytest.mark.parametrize(
    ("due_at", "found"),
    [(AT - MOMENT, True), (AT, False), (AT + MOMENT, False), (None, False), (AT.replace(year=9), True)],
    ids=str,
)
def test_overdue_means_due_before_the_instant(due_at: datetime | None, found: bool) -> None:
    """What is due at the very instant is not overdue yet; what has no due date never is (S3)."""
    east = timezone(timedelta(hours=9))
    for moment in (AT, AT.astimezone(east), AT.isoformat()):
        assert TaskFilter(overdue_at=moment).matches(a_task(due_at=due_at)) is found


@pytest.mark.parametrize("category", [*Category])
def test_only_open_work_is_overdue(category: Category) -> None:
    """What is done or cancelled is not overdue, however late it was; `open` divides by the same line."""
    late = a_task(category=category, due_at=AT - MOMENT)
    closed = category in {Category.DONE, Category.CANCELLED}
    assert TaskFilter(overdue_at=AT).matches(late) is not closed
    assert TaskFilter(open=True).matches(late) is not closed
    assert TaskFilter(open=False).matches(late) is closed
    assert TaskFilter(open=None).matches(late)


def test_nobody_is_asked_for_by_none() -> None:
    """None asks for items that nobody has, or that are in no case; UNSET asks for any."""
    alone, held = a_task(), a_task(assignee_id="ann", case_id="c-1")
    for name, value in (("assignee_id", "ann"), ("case_id", "c-1")):
        conditions: list[Any] = [{name: None}, {name: value}, {name: UNSET}, {}]
        assert [TaskFilter(**given).matches(alone) for given in conditions] == [True, False, True, True]
        assert [TaskFilter(**given).matches(held) for given in conditions] == [False, True, True, True]


class Status(StrEnum):
    """A team's own statuses."""

    TODO = "todo"
    DONE = "done"


def test_a_filter_is_a_frozen_value() -> None:
    """A filter is equal by value in whatever order its choices came; it can be hashed and pickled, and not changed."""
    one = TaskFilter(status=["todo", "done", "todo"], category={"open", "active"}, assignee_id=None, overdue_at=AT)
    rest: dict[str, Any] = {"category": ["active", "open"], "assignee_id": None}
    for same in (
        TaskFilter(status=(Status.DONE, Status.TODO), overdue_at=AT.isoformat(), **rest),
        TaskFilter(status=iter(["done", "todo"]), overdue_at=AT.astimezone(timezone(timedelta(hours=1))), **rest),
        pickle.loads(pickle.dumps(one)),
    ):
        assert same == one
        assert hash(same) == hash(one)
        assert same.terms == one.terms
    assert one.status == ("done", "todo")
    assert {type(name) for name in one.status or ()} == {str}
    assert list(impurities(one)) == []
    of_cases: Any = CaseFilter(status=["todo", "done"], overdue_at=AT, **rest)
    assert one != of_cases
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        cast("Any", one).status = ()


def test_a_filter_keeps_no_hold_of_what_it_was_given() -> None:
    """A list that is changed later changes no filter (E1)."""
    statuses = ["todo"]
    wanted = TaskFilter(status=statuses)
    statuses.append("done")
    assert wanted.status == ("todo",)


def asking_for(name: str, value: Any) -> TaskFilter:
    """Return a filter of this one condition."""
    condition: dict[str, Any] = {name: value}
    return TaskFilter(**condition)


LIMITED: dict[str, Callable[[Any], ItemFilter[Any]]] = {
    name: partial(asking_for, name)
    for name in ("status", "category", "open", "assignee_id", "created_by", "definition", "overdue_at", "case_id")
}


def test_every_condition_is_tried() -> None:
    """Each field of a filter is among those that hostile values are put into."""
    assert set(LIMITED) == set(attrs.fields_dict(TaskFilter))
    assert set(LIMITED) - {"case_id"} == set(attrs.fields_dict(CaseFilter))


@pytest.mark.parametrize("name", LIMITED)
def test_whatever_is_asked_for_builds_or_is_refused_by_name(name: str) -> None:
    """Whatever object stands in a condition: a filter that can be asked, or an InvalidInputError by field (S2, S4)."""
    item = a_task()
    errors = []
    for make in HOSTILE:
        try:
            wanted = LIMITED[name](make())
        except InvalidInputError as error:
            errors.append(error)
        else:
            assert wanted.matches(item) in {True, False}
    assert len(errors) > len(HOSTILE) / 2
    assert {error.field for error in errors} == {name}
    assert not [text for text in map(str, errors) if CANARY in text or not text.isprintable() or len(text) > 300]


@pytest.mark.parametrize("name", ["status", "definition"])
def test_choices_have_a_limit(name: str) -> None:
    """100 choices can be named and no more; an endless supply is not read to its end (S1)."""
    most = [f"s{number:03}" for number in range(MAX_CHOICES)]
    assert getattr(LIMITED[name](most), name) == tuple(most)
    for many in ([*most, "one more"], map(str, iter(int, 1))):
        with pytest.raises(InvalidInputError) as caught:
            LIMITED[name](many)
        assert str(caught.value) == f"{name}: holds more than 100; pass fewer"


@pytest.mark.parametrize("wrong", [1, 0, "true", "yes", 1.0, []], ids=repr)
def test_a_flag_is_true_or_false(wrong: Any) -> None:
    """1 is not True, and neither is "true" (S7)."""
    with pytest.raises(InvalidInputError) as caught:
        TaskFilter(open=wrong)
    assert caught.value.field == "open"


def test_conditions_are_from_a_closed_list() -> None:
    """A filter has no condition but those it declares, and a filter of cases none on a case (S4, S7)."""
    for name in ("title", "tenant", "id", "attributes", "deleted_at", "sort", "1=1; --"):
        unknown: dict[str, Any] = {name: "x"}
        with pytest.raises(TypeError):
            TaskFilter(**unknown)
    of_a_case: dict[str, Any] = {"case_id": "c-1"}
    with pytest.raises(TypeError):
        CaseFilter(**of_a_case)


def test_terms_name_only_fields_that_items_have() -> None:
    """Whatever is asked for lowers to terms on fields of items: user text stands among their values only (S4)."""
    rng = random.Random(6)
    fields = set(attrs.fields_dict(Task)) | set(attrs.fields_dict(Case))
    for _ in range(300):
        given = random_conditions(rng, "task")
        for term in TaskFilter(**given).terms:
            assert term.kind in {TermKind.FIELD, TermKind.PRESENT, TermKind.BEFORE}
            assert term.name in fields


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


@pytest.mark.parametrize(
    ("kind", "values", "field"),
    [
        ("bogus", ("x",), "kind"),
        (None, ("x",), "kind"),
        ([], ("x",), "kind"),
        (TermKind.FIELD, "todo", "values"),
        (TermKind.PERFORMER, ["ann"], "values"),
        (TermKind.PRESENT, (None,), "values"),
        (TermKind.BEFORE, (), "values"),
        (TermKind.BEFORE, ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"), "values"),
        (TermKind.BEFORE, ("\ud800",), "values[0]"),
        (TermKind.BEFORE, ("2026-01-31T12:00:00",), "values[0]"),
        (TermKind.BEFORE, (5,), "values[0]"),
    ],
)
def test_a_term_of_what_its_kind_does_not_take_cannot_be_made(kind: Any, values: Any, field: str) -> None:
    """There is no term of an unknown kind, nor of values that its kind has no answer to (S1, S2)."""
    with pytest.raises(InvalidInputError) as caught:
        Term(kind, "due_at", values)
    assert caught.value.field == field


@pytest.mark.parametrize("negated", [0, 1, None, "no"])
def test_a_term_is_negated_or_not(negated: Any) -> None:
    """What is merely true or false would turn a list into its opposite, or show everything (A6)."""
    with pytest.raises(InvalidInputError, match="negated: must be True or False"):
        Term(TermKind.FIELD, "status", ("todo",), negated=negated)


def test_a_term_looks_at_fields_alone() -> None:
    """What an item has besides its fields, such as a property, matches nothing, as in a store that keeps fields."""
    assert a_task().open
    assert not Term(TermKind.FIELD, "open", (True,)).matches(a_task())
    assert not Term(TermKind.PRESENT, "open", ()).matches(a_task())


def test_a_term_by_the_name_of_its_kind_is_the_same_term() -> None:
    """A kind may be given by its name, and an instant in any zone: they match alike."""
    named: Any = "before"
    term = Term(named, "due_at", ("2026-01-31T13:00:00+01:00",))
    assert term == Term(TermKind.BEFORE, "due_at", ("2026-01-31T12:00:00.000000Z",))
    assert term.matches(a_task(due_at=AT - MOMENT))


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
