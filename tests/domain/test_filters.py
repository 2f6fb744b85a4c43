"""Filters: which items a list shows, compared with a predicate that is written out apart from them."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import attrs
import pytest

from casewright import UNSET, Case, CaseFilter, Category, InvalidInputError, Scope, Task, TaskFilter
from casewright.domain.filters import MAX_CHOICES, ItemFilter
from casewright.domain.items import Item
from casewright.domain.terms import TermKind
from support.values import CANARY, HOSTILE, a_case, a_task, impurities

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)

PEOPLE = ("ann", "bob", "Ann", "a\u0301nn")
STATUSES = ("todo", "doing", "done", "Done")
DEFINITIONS = ("task", "letter")
CASES = ("c-1", "c-2", "C-1")
TIMES = (AT - timedelta(days=1), AT - MOMENT, AT, AT + MOMENT, AT.replace(year=2), AT.replace(year=9999))


# ---------------------------------------------------------------- the naive way


def shown(given: dict[str, Any], item: Item) -> bool:
    """Return whether a list with these conditions shows the item, worked out from the documentation alone."""

    def among(name: str, have: str) -> bool:
        wanted = given.get(name)
        if wanted is None:
            return True
        return have in ([wanted] if isinstance(wanted, str) else list(wanted))

    def held(name: str, have: str | None) -> bool:
        return name not in given or given[name] is UNSET or given[name] == have

    closed = item.category in {"done", "cancelled"}
    overdue = given.get("overdue_at")
    return (
        among("status", item.status)
        and among("category", str(item.category))
        and among("definition", item.definition)
        and (given.get("open") is None or given["open"] is not closed)
        and held("assignee_id", item.assignee_id)
        and held("case_id", getattr(item, "case_id", None))
        and (given.get("created_by", UNSET) in {UNSET, item.created_by})
        and (overdue is None or (not closed and item.due_at is not None and item.due_at < overdue))
    )


def random_item(rng: random.Random) -> Item:
    """Return a task or a case of the small pools above."""
    fields: dict[str, Any] = {
        "status": rng.choice(STATUSES),
        "category": rng.choice([*Category]),
        "definition": rng.choice(DEFINITIONS),
        "assignee_id": rng.choice([None, *PEOPLE]),
        "created_by": rng.choice(PEOPLE),
        "due_at": rng.choice([None, *TIMES]),
    }
    return a_case(**fields) if rng.random() < 0.2 else a_task(**fields, case_id=rng.choice([None, *CASES]))


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


def test_a_filter_shows_what_its_conditions_say() -> None:
    """Each of 600 random filters shows just those of 100 of 600 random items that the naive predicate says (A6)."""
    rng = random.Random(5)
    items = [random_item(rng) for _ in range(600)]
    found = 0
    for _ in range(600):
        cls: Any = rng.choice([TaskFilter, TaskFilter, CaseFilter])
        given = random_conditions(rng, cls.kind)
        wanted = cls(**given)
        scope = Scope((wanted.terms,))
        for item in rng.sample(items, 100):
            expected = item.kind == cls.kind and shown(given, item)
            assert wanted.matches(item) is expected, (given, item)
            assert not expected or scope.matches(item)
            found += expected
    assert 3_000 < found < 30_000


def test_a_filter_without_conditions_shows_all_of_its_kind() -> None:
    """Nothing asked for is everything of the kind, deleted items aside, which no list shows."""
    assert TaskFilter().terms == CaseFilter().terms == ()
    assert TaskFilter().matches(a_task())
    assert not TaskFilter().matches(a_case())
    assert CaseFilter().matches(a_case())
    assert not CaseFilter().matches(a_task())


def test_none_of_several_shows_nothing() -> None:
    """An empty list of statuses is a condition that no item meets, and not the absence of one."""
    several: tuple[Any, ...] = ([], (), set(), iter(()))
    for empty in several:
        assert not TaskFilter(status=empty).matches(a_task())
    assert TaskFilter(status=None).matches(a_task())


# ---------------------------------------------------------------- edges


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


# ---------------------------------------------------------------- a value


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
        one.status = ()  # type: ignore[misc]  # the point of this line


def test_a_filter_keeps_no_hold_of_what_it_was_given() -> None:
    """A list that is changed later changes no filter (E1)."""
    statuses = ["todo"]
    wanted = TaskFilter(status=statuses)
    statuses.append("done")
    assert wanted.status == ("todo",)


# ---------------------------------------------------------------- limits

LIMITED: dict[str, Callable[[Any], ItemFilter[Any]]] = {
    name: lambda value, name=name: TaskFilter(**{name: value})  # type: ignore[misc]  # bound at once
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
