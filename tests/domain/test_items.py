"""Tasks, cases and notes: deeply immutable (E1), within limits (S1), holding only what every store can (S2, S3)."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from typing import Any, get_args, get_type_hints

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casewright import Case, Category, FrozenMapping, InvalidInputError, Note, Priority, Task, WorkItem
from casewright.domain.items import INSTANT_FIELDS, INTEGER_FIELDS, ITEM_FIELDS, TEXT_FIELDS
from support.values import (
    AT,
    CANARY,
    HOSTILE,
    TZIF_RULES,
    a_case,
    a_note,
    a_task,
    case_fields,
    impurities,
    instants,
    note_fields,
    refusal,
    spoil,
    task_fields,
    thorough,
    zone,
)


def test_each_field_is_of_one_form() -> None:
    """What terms and stores take for text, instants and integers are just the fields that are declared so (S4)."""
    hints = {name: hint for cls in (Task, Case) for name, hint in get_type_hints(cls).items()}
    assert hints.keys() == ITEM_FIELDS
    forms = {name: {part for part in (hint, *get_args(hint)) if isinstance(part, type)} for name, hint in hints.items()}
    assert {name for name, form in forms.items() if datetime in form} == INSTANT_FIELDS
    assert {name for name, form in forms.items() if int in form} == INTEGER_FIELDS
    assert {"tags", "attributes", "performers"} == ITEM_FIELDS - TEXT_FIELDS - INSTANT_FIELDS - INTEGER_FIELDS


BUILDERS: dict[type[Any], Any] = {Task: a_task, Case: a_case, Note: a_note}
FIELDS = [(cls, field.name) for cls in BUILDERS for field in attrs.fields(cls)]
IDS = [f"{cls.__name__}.{name}" for cls, name in FIELDS]

ID = ("a" * 255, "a" * 256)
NAME = ("a" * 100, "a" * 101)
NUMBER = (2**63 - 1, 2**63)
MOMENT = (datetime.max.replace(tzinfo=UTC), "9999-12-31T23:59:59-00:01")
LIMITS: dict[str, tuple[Any, Any]] = {
    **dict.fromkeys(("id", "tenant", "created_by", "assignee_id", "case_id", "item_id", "author_id", "head"), ID),
    **dict.fromkeys(("definition", "status"), NAME),
    **dict.fromkeys(("lifecycle_version", "version", "open_tasks"), NUMBER),
    **dict.fromkeys(("created_at", "updated_at", "due_at", "closed_at", "deleted_at"), MOMENT),
    "category": ("cancelled", "cancelled "),
    "title": ("\u20ac" * 500, "\u20ac" * 501),
    "description": ("\u20ac" * 10_000, "\u20ac" * 10_001),
    "body": ("\u20ac" * 10_000, "\u20ac" * 10_001),
    "priority": ("urgent", "urgent "),
    "tags": ([f"{n:0100}" for n in range(100)], [f"{n:03}" for n in range(101)]),
    "attributes": ({"k": "a" * (64 * 1024 - 8)}, {"k": "a" * (64 * 1024 - 7)}),
    "performers": (["submit", "a" * 255], ["submit", "a" * 256]),
}
TIMES = [(cls, name) for cls, name in FIELDS if name.endswith("_at")]
TEXTS = ("id", "tenant", "definition", "status", "title", "description", "created_by", "assignee_id", "head", "body")


@pytest.mark.large
@thorough(250)
@given(task_fields(), case_fields(), note_fields())
def test_items_are_deeply_immutable(task: Any, case: Any, note: Any) -> None:
    """An item holds no list, dict or set, cannot be reached by what it was made of, hashes, pickles and copies (E1)."""
    for cls, fields in ((Task, task), (Case, case), (Note, note)):
        item = cls(**fields)
        assert list(impurities(item)) == []
        before, text = copy.deepcopy(item), repr(item)
        spoil(fields)
        assert item == before
        assert repr(item) == text
        for other in (before, copy.copy(item), attrs.evolve(item), pickle.loads(pickle.dumps(item))):
            assert type(other) is cls
            assert {item: 1}[other] == 1


@pytest.mark.parametrize(("cls", "name"), FIELDS, ids=IDS)
def test_items_cannot_be_changed(cls: type[Any], name: str) -> None:
    """No field of an item can be set or deleted, and none can be added (E1)."""
    item = BUILDERS[cls]()
    before = copy.copy(item)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(item, name, getattr(item, name))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        delattr(item, name)
    with pytest.raises(AttributeError):
        object.__setattr__(item, "another", 1)
    assert item == before


@pytest.mark.parametrize("cls", BUILDERS)
def test_fields_go_by_name(cls: type[Any]) -> None:
    """Every field is given by name, so that none is mistaken for another."""
    with pytest.raises(TypeError):
        cls("x1")


@thorough(100)
@given(task_fields())
def test_values_are_kept(fields: dict[str, Any]) -> None:
    """An item keeps what it was given: text unchanged, times as the same instant, tags sorted, missing as default."""
    task = Task(**fields)
    for name in ("id", "status", "title", "created_by", "definition", "created_at", "category"):
        assert getattr(task, name) == fields[name]
    for name in ("description", "assignee_id", "due_at", "closed_at", "deleted_at", "case_id", "priority"):
        assert getattr(task, name) == fields.get(name)
    assert task.tags == tuple(sorted(set(fields["tags"])))
    assert task.updated_at == fields.get("updated_at", fields["created_at"])
    assert (task.version, task.tenant, task.head) == (
        fields.get("version", 1),
        fields.get("tenant", ""),
        fields.get("head", ""),
    )
    assert task.performers == tuple(fields["performers"])


def test_kinds() -> None:
    """A task and a case say what they are, and share what a work item is."""
    assert (a_task().kind, a_case().kind) == ("task", "case")
    assert all(isinstance(item, WorkItem) for item in (a_task(), a_case()))
    assert Task not in Case.__mro__
    assert a_case().open_tasks == 0


@pytest.mark.parametrize("category", Category)
@pytest.mark.parametrize("deleted", [None, AT], ids=["living", "deleted"])
def test_open_means_not_closed_and_not_deleted(category: Category, deleted: datetime | None) -> None:
    """An item counts as open work until it is in a closed category or deleted, whatever its category is called."""
    for build in (a_task, a_case):
        expected = deleted is None and category not in {"done", "cancelled"}
        assert build(category=category, deleted_at=deleted).open is expected


@thorough(100)
@given(st.lists(st.tuples(st.sampled_from(["submit", "close", "create"]), st.sampled_from(["ann", "bob", "close"]))))
def test_performers_of_an_action(pairs: list[tuple[str, str]]) -> None:
    """The performers of an action are those who did it, in order, and never those who did another."""
    task = a_task(performers=[part for pair in pairs for part in pair])
    for action in ("submit", "close", "create", "ann"):
        assert task.performers_of(action) == tuple(who for what, who in pairs if what == action)


@pytest.mark.parametrize(("cls", "name"), FIELDS, ids=IDS)
def test_limit_of_each_field_is_exact(cls: type[Any], name: str) -> None:
    """Each field takes what is just within its documented limit and refuses one more (S1)."""
    within, beyond = LIMITS[name]
    kept = getattr(BUILDERS[cls](**{name: within}), name)
    assert kept == (tuple(within) if isinstance(within, list) else within)
    with pytest.raises(InvalidInputError):
        BUILDERS[cls](**{name: beyond})


@pytest.mark.parametrize(
    ("cls", "name", "least"),
    [(Task, "version", 1), (Task, "lifecycle_version", 1), (Case, "open_tasks", 0), (Note, "version", 1)],
    ids=str,
)
def test_counters_have_a_least_value(cls: type[Any], name: str, least: int) -> None:
    """Versions count from 1 and open tasks from 0; True is no version (S7)."""
    assert getattr(BUILDERS[cls](**{name: least}), name) == least
    for bad in (least - 1, True, "1", 1.0, None):
        with pytest.raises(InvalidInputError, match=f"^{name}: "):
            BUILDERS[cls](**{name: bad})


@pytest.mark.parametrize("same", [False, True], ids=["different", "equal"])
def test_endless_tags_are_refused_early(same: bool) -> None:
    """Tags without end are refused early, also where all are the same one (S1)."""
    read = 0

    def endless() -> Iterator[str]:
        nonlocal read
        for read in range(200_000):
            yield "tag" if same else f"tag{read}"

    with pytest.raises(InvalidInputError, match=r"^tags: "):
        a_task(tags=endless())
    assert read < 100_000


@pytest.mark.parametrize("bad", [" ", "", "\t\n", "\u3000"])
def test_titles_are_not_blank(bad: str) -> None:
    """A title is never blank; a description and a note may be."""
    with pytest.raises(InvalidInputError, match=r"^title: must not be blank$"):
        a_task(title=bad)
    assert a_task(description=bad).description == bad
    assert a_note(body=bad).body == bad


@pytest.mark.parametrize("bad", ["ab", b"ab", {"a": 1, "b": 2}, None, 5, ["a"], ["a", None], ["a", ""]], ids=repr)
def test_performers_are_pairs_of_names(bad: Any) -> None:
    """Performers are actions and ids in turn; a single str, a mapping or half a pair is refused (A4)."""
    with pytest.raises(InvalidInputError, match=r"^performers: "):
        a_task(performers=bad)


@pytest.mark.parametrize("tags", ["urgent", b"urgent", {"urgent": 1}, None, 5, [1], [""], ["a" * 101]], ids=repr)
def test_one_str_is_not_tags(tags: Any) -> None:
    """A single str in place of several tags is refused, as is everything that is not names."""
    with pytest.raises(InvalidInputError, match=r"^tags: "):
        a_task(tags=tags)


@pytest.mark.parametrize(("cls", "name"), FIELDS, ids=IDS)
def test_hostile_values_meet_one_error(cls: type[Any], name: str) -> None:
    """Whatever a field is given, the item is made clean or refused without repeating it (S1, S2, S6)."""
    for make in HOSTILE:
        text = refusal(BUILDERS[cls], **{name: make()})
        assert text.isprintable()
        assert CANARY not in text
        if not text and not hasattr(value := make(), "__next__"):
            item = BUILDERS[cls](**{name: value})
            assert list(impurities(item)) == []
            assert hash(item) == hash(pickle.loads(pickle.dumps(item)))


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("bad", ["a\0", "\ud800", "\udc00a", "\ude42\ud83d"])
def test_no_text_holds_what_no_store_can(name: str, bad: str) -> None:
    """NUL and lone surrogates are refused in every field that is text (S2)."""
    for cls, build in BUILDERS.items():
        if (cls, name) in FIELDS:
            with pytest.raises(InvalidInputError):
                build(**{name: bad})
    for attributes in ({"a": bad}, {bad: 1}, {"a": [{"b": bad}]}, {"a": {bad: 1}}):
        with pytest.raises(InvalidInputError):
            a_task(attributes=attributes)
    with pytest.raises(InvalidInputError):
        a_task(tags=[bad])


@pytest.mark.parametrize(("cls", "name"), TIMES, ids=[f"{cls.__name__}.{name}" for cls, name in TIMES])
def test_no_item_holds_a_naive_time(cls: type[Any], name: str) -> None:
    """A naive time is refused in every field that is a time, as a datetime and as text (S3)."""
    for naive in (AT.replace(tzinfo=None), "2026-01-31T12:00:00", "2026-01-31"):
        with pytest.raises(InvalidInputError, match=f"^{name}: has no time zone"):
            BUILDERS[cls](**{name: naive})


@thorough(100)
@given(instants(), st.sampled_from(TZIF_RULES))
def test_times_are_kept_as_instants_in_utc(moment: datetime, rule: str) -> None:
    """A time of any zone is kept as the same instant in UTC, so that equal instants make equal items (S3)."""
    for (cls, name), form in product(TIMES, (moment, moment.astimezone(zone(rule)), moment.isoformat())):
        item = BUILDERS[cls](**{name: form})
        assert getattr(item, name) == moment
        assert getattr(item, name).tzinfo is UTC
        assert item == BUILDERS[cls](**{name: moment.astimezone(UTC)})


@pytest.mark.parametrize("given_priority", ["low", "medium", "high", "urgent", None])
def test_priority_and_category_are_members(given_priority: str | None) -> None:
    """A priority or category given as text is kept as its member; a word that is none is refused."""
    task = a_task(priority=given_priority, category="waiting")
    assert task.priority is (None if given_priority is None else Priority(given_priority))
    assert task.category is Category.WAITING
    no_priorities: tuple[Any, ...] = ("LOW", "", "lowest", 1, True, [], {}, Category.OPEN)
    for bad in no_priorities:
        with pytest.raises(InvalidInputError, match=r"^priority: is no priority; use one of low, medium"):
            a_task(priority=bad)
    no_categories: tuple[Any, ...] = ("OPEN", "", "closed", 1, None, [], {}, Priority.LOW)
    for bad in no_categories:
        with pytest.raises(InvalidInputError, match=r"^category: is no category; use one of draft, open"):
            a_task(category=bad)


def test_attributes_are_frozen_json_with_names_as_keys() -> None:
    """The team's own data is frozen JSON whose keys are names."""
    assert a_task(attributes={"a": [1, {"b": None}]}).attributes == FrozenMapping(
        {"a": (1, FrozenMapping({"b": None}))}
    )
    wrong: tuple[Any, ...] = (None, [], "a", {"": 1}, {" ": 1}, {"a\nb": 1}, {1: 1}, {"a": 1.5}, {"k" * 101: 1})
    for bad in wrong:
        with pytest.raises(InvalidInputError, match="attributes"):
            a_task(attributes=bad)
