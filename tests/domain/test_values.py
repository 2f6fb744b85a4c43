"""Categories, priorities, texts, names, integers and instants: what everything else is made of."""

from __future__ import annotations

import operator
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import IntEnum, StrEnum
from itertools import product
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casewright import REGULATORY_CASE, TASK, Category, InvalidInputError, Priority, seal, set_value
from casewright.domain.history import canonical_header, note_digest
from casewright.domain.values import (
    CLOSED_CATEGORIES,
    INTEGER_MAX,
    INTEGER_MIN,
    as_instant,
    as_integer,
    as_name,
    as_names,
    as_text,
    instant_text,
)
from support.values import (
    ADMIN,
    AT,
    CANARY,
    HOSTILE,
    TZIF_RULES,
    a_case,
    a_note,
    instants,
    names,
    refusal,
    texts,
    thorough,
    unseen,
    zone,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COMPARISONS: tuple[Callable[[Any, Any], bool], ...] = (operator.lt, operator.le, operator.gt, operator.ge)


class Wish(StrEnum):
    """A team's own text."""

    SOON = "soon"


class Size(IntEnum):
    """A team's own number."""

    BIG = 7


def test_closed_categories_are_done_and_cancelled() -> None:
    """Work has ended in DONE and in CANCELLED, and in no other category."""
    assert {category for category in Category if category.closed} == {"done", "cancelled"} == CLOSED_CATEGORIES
    assert [*Category] == ["draft", "open", "active", "waiting", "done", "cancelled"]


@pytest.mark.parametrize("compare", COMPARISONS)
def test_priorities_compare_by_urgency(compare: Callable[[Any, Any], bool]) -> None:
    """Priorities compare by urgency, not by their letters, whatever the comparison."""
    order = ["low", "medium", "high", "urgent"]
    assert [priority.rank for priority in Priority] == [1, 2, 3, 4]
    for one, two in product(Priority, repeat=2):
        assert compare(one, two) is compare(order.index(one), order.index(two)), (one, two)
    assert sorted(Priority, reverse=True) == order[::-1]


@pytest.mark.parametrize("compare", COMPARISONS)
@pytest.mark.parametrize("other", [None, 2, "low", Wish.SOON], ids=repr)
def test_priorities_compare_with_nothing_else(compare: Callable[[Any, Any], bool], other: object) -> None:
    """A priority has no order with None, a number or any other text, so that no mistake sorts by letters."""
    with pytest.raises(TypeError):
        compare(Priority.LOW, other)
    if not isinstance(other, Wish):  # what stands on the left of a comparison has the first say
        with pytest.raises(TypeError):
            compare(other, Priority.LOW)
    assert (other == Priority.LOW) is (other == "low"), "as text it is equal to its value"


@thorough(150)
@given(texts())
def test_any_storable_text_is_kept_as_it_is(text: str) -> None:
    """Text comes back unchanged: no trimming, no Unicode normalisation (H4)."""
    assert as_text(text, "field", 30) == text


@pytest.mark.parametrize("convert", [as_text, as_name])
def test_text_limit_is_exact(convert: Callable[[object, str, int], str]) -> None:
    """Text at its limit is accepted, one character more is refused; characters count, not bytes (S1)."""
    for character, limit in product(("a", "\u20ac", "\U0001f642"), (1, 5, 255, 10_000)):
        assert convert(character * limit, "field", limit) == character * limit
        with pytest.raises(InvalidInputError, match=f"^field: is longer than {limit} characters; shorten it$"):
            convert(character * (limit + 1), "field", limit)


@pytest.mark.parametrize("convert", [as_text, as_name])
def test_overlong_text_is_refused_unseen(convert: Callable[[object, str, int], str]) -> None:
    """10 MB of text are refused by their length, before anything looks at them (S1)."""
    with pytest.raises(InvalidInputError, match="longer"):
        convert(unseen("a" * 10_000_000), "field", 100)


@pytest.mark.parametrize("bad", ["\0", "a\0b", "\ud800", "a\udfff", "\ude42\ud83d", "\U0001f642\ud83d"])
@pytest.mark.parametrize("convert", [as_text, as_name])
def test_text_that_no_store_holds_is_refused(convert: Callable[[object, str, int], str], bad: str) -> None:
    """NUL and lone surrogates are refused wherever text is meant (S2)."""
    with pytest.raises(InvalidInputError, match=r"^field: holds"):
        convert(bad, "field", 100)


class Liar(str):
    """A text that lies about its length."""

    def __len__(self) -> int:
        return 1


class Impostor:
    """An object that passes isinstance as what it is not."""

    def __init__(self, cls: type) -> None:
        self.cls = cls

    @property
    def __class__(self) -> Any:
        return self.cls

    @__class__.setter
    def __class__(self, cls: Any) -> None: ...


def test_what_lies_about_itself_is_measured_and_refused() -> None:
    """A subclass is as long as its text, and what is no str or int is none whatever it says it is (S1, S2)."""
    with pytest.raises(InvalidInputError, match="longer than 10"):
        as_text(Liar("x" * 11), "title", 10)
    with pytest.raises(InvalidInputError, match="must be text"):
        as_text(Impostor(str), "title", 10)
    with pytest.raises(InvalidInputError, match="must be an integer"):
        as_integer(Impostor(int), "limit")


def test_text_is_an_exact_str() -> None:
    """A member of a team's StrEnum goes in as its value, so nothing of the team's class is stored (E1)."""
    for convert in (as_text, as_name):
        text = convert(Wish.SOON, "field", 100)
        assert (type(text), text) == (str, "soon")


@thorough(150)
@given(names())
def test_printable_names_are_kept(name: str) -> None:
    """A name that is printable and not blank is kept as it is."""
    assert as_name(name, "field") == name


@pytest.mark.parametrize(
    "bad", ["", " ", "   ", "a\nb", "a\tb", "\x1b[1m", "\x7f", "a\u2028", "\u202e", "\u3000", "\xa0"]
)
def test_names_are_one_printable_line(bad: str) -> None:
    """A name is never blank and never holds what could break a line or hide in one (S6)."""
    with pytest.raises(InvalidInputError):
        as_name(bad, "field")


@thorough(100)
@given(st.lists(names(), max_size=8), st.sampled_from([list, tuple, set, frozenset, iter]))
def test_several_names_are_sorted_and_each_once(values: list[str], container: Callable[[list[str]], Any]) -> None:
    """Several names come from any iterable, and are kept sorted by code point, each once."""
    assert as_names(container(values), "field") == tuple(sorted(set(values)))


@pytest.mark.parametrize("bad", ["one", Wish.SOON, b"ab", {"a": 1}, 5, None, 1.5, object(), ["a", None], [""], [["a"]]])
def test_one_text_is_not_several(bad: Any) -> None:
    """A single str where several are meant is refused, as is everything that is not names (A4)."""
    with pytest.raises(InvalidInputError):
        as_names(bad, "field")


def test_number_of_names_is_limited() -> None:
    """As many different names as the limit says are accepted, one more is refused, and reading stops there (S1)."""
    values = [f"n{number}" for number in range(100)]
    assert len(as_names(values, "field", most=100)) == 100
    endless = (f"n{number}" for number in range(10_000_000))
    with pytest.raises(InvalidInputError, match="more than 100"):
        as_names(endless, "field", most=100)
    assert next(endless) < "n9"


@pytest.mark.parametrize("number", [INTEGER_MIN, -1, 0, 1, INTEGER_MAX])
def test_integers_of_64_bits_are_kept(number: int) -> None:
    """Every integer of 64 bits is accepted, to the last one at both ends (S1)."""
    assert as_integer(number, "field") == number


def test_nothing_else_is_an_integer() -> None:
    """True is not 1, text is no number, and what 64 bits cannot hold is refused, however many digits (S1, S2, S7)."""
    too_large = (INTEGER_MIN - 1, INTEGER_MAX + 1, 10**5_000, -(10**5_000))
    for bad in (*too_large, True, False, 1.0, "1", None, b"1", 1j, [1]):
        with pytest.raises(InvalidInputError, match=r"^field: must be ") as caught:
            as_integer(bad, "field")
        assert len(str(caught.value)) < 100


def test_integers_have_a_least_value() -> None:
    """A number below the least one allowed is refused; an IntEnum goes in as its number."""
    assert as_integer(3, "field", least=3) == 3
    with pytest.raises(InvalidInputError, match="must be from 3 to"):
        as_integer(2, "field", least=3)
    assert type(as_integer(Size.BIG, "field")) is int


@pytest.mark.parametrize("rule", TZIF_RULES)
def test_instants_survive_every_zone(rule: str) -> None:
    """An aware time of any zone is kept as the same instant in UTC, to the microsecond (S3)."""
    place = zone(rule)
    hours = [timedelta(days=7 * week, hours=week % 24, minutes=29, microseconds=week) for week in range(50)]
    found = []
    for moment in (EPOCH.replace(year=2026) + hour for hour in hours):
        local = moment.astimezone(place)
        kept = as_instant(local, "field")
        assert (kept, kept.tzinfo, kept.fold) == (moment, UTC, 0)
        assert as_instant(local.isoformat(), "field") == moment
        found.append(kept - EPOCH)
    assert len(set(found)) == 50


@pytest.mark.parametrize(
    ("rule", "local", "first", "second"),
    [
        ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T02:30", "2026-10-25T00:30", "2026-10-25T01:30"),
        ("EST5EDT,M3.2.0,M11.1.0", "2026-11-01T01:59", "2026-11-01T05:59", "2026-11-01T06:59"),
        ("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-04-05T01:45", "2026-04-04T14:45", "2026-04-04T15:15"),
        ("<+00>0<+02>-2,M3.5.0/1,M10.5.0/3", "2026-10-25T01:30", "2026-10-24T23:30", "2026-10-25T01:30"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T02:30", "2026-03-29T01:30", "2026-03-29T00:30"),
    ],
)
def test_fold_tells_the_two_apart(rule: str, local: str, first: str, second: str) -> None:
    """A local time that comes twice means two instants, told apart by its fold; in a gap it means one as well (S3)."""
    moment = datetime.fromisoformat(local).replace(tzinfo=zone(rule))
    for fold, expected in ((0, first), (1, second)):
        assert instant_text(as_instant(moment.replace(fold=fold), "field")) == f"{expected}:00.000000Z"


@thorough(150)
@given(instants())
def test_canonical_instants_sort_by_time(moment: datetime) -> None:
    """The canonical text of an instant has one length, sorts by time, and reads back as the same instant (H4)."""
    kept = as_instant(moment, "field")
    text = instant_text(kept)
    assert len(text) == 27
    assert as_instant(text, "field") == kept == moment
    later = as_instant(moment + timedelta(microseconds=1), "field")
    assert text < instant_text(later)


@pytest.mark.parametrize(
    "naive", [AT.replace(year=1, tzinfo=None), AT.replace(tzinfo=None), "2026-01-31T12:00:00", "2026-01-31"]
)
def test_naive_times_are_refused(naive: object) -> None:
    """A time without a zone is refused, as a datetime and as text: nobody knows which instant it is (S3)."""
    with pytest.raises(InvalidInputError, match=r"^field: has no time zone; give it one"):
        as_instant(naive, "field")


@pytest.mark.parametrize(
    "bad",
    [
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),
        "9999-12-31T23:59:59-00:01",
        *("", "now", "2026-02-30T00:00:00Z", "2026-01-31T12:00:00Z\n", "1" * 101, "2026" + "0" * 96, "\ud800"),
        *(0, 1.5, None, True, AT.date(), AT.timetz(), timedelta(1), b"2026-01-31T12:00:00Z"),
    ],
)
def test_no_other_value_is_an_instant(bad: object) -> None:
    """Numbers, dates, other text, and times that fall out of the calendar in UTC are refused (S2, S3)."""
    with pytest.raises(InvalidInputError, match=r"^field: "):
        as_instant(bad, "field")


def test_a_subclass_of_datetime_goes_in_as_a_plain_one() -> None:
    """A datetime of another library goes in as a plain one, so nothing foreign is stored or pickled (E1)."""

    class Precise(datetime):
        nanosecond = 7

    for moment in (Precise(2026, 1, 31, 12, tzinfo=UTC), Precise(2026, 1, 31, 13, tzinfo=timezone(timedelta(hours=1)))):
        kept = as_instant(moment, "field")
        assert (type(kept), kept) == (datetime, AT)
        assert pickle.loads(pickle.dumps(kept)) == AT


def test_a_zone_that_fails_is_refused() -> None:
    """A time whose zone raises, or answers nonsense, is refused like any other bad value (S2, S3)."""

    class Broken(tzinfo):
        answer: Any = None

        def utcoffset(self, _: datetime | None) -> Any:
            if self.answer is None:
                raise LookupError("no such zone")
            return self.answer

        dst = tzname = utcoffset

    for answer in (None, 5, timedelta(hours=25)):
        broken = Broken()
        broken.answer = answer
        with pytest.raises(InvalidInputError, match=r"^field: has a time zone that fails"):
            as_instant(datetime(2026, 1, 31, tzinfo=broken), "field")


def test_hostile_values_meet_one_error() -> None:
    """Whatever is given, it is accepted, or refused by one line without the value (S1, S2, S6)."""
    for make, convert in product(HOSTILE, (as_text, as_name, as_names, as_integer, as_instant)):
        given: dict[str, Any] = {"limit": 100} if convert is as_text else {}
        text = refusal(convert, make(), "field", **given)
        assert text.isprintable()
        assert CANARY not in text


def _doors(moment: Any) -> dict[str, Callable[[], object]]:
    """Every door by which a time enters, beside the fields of items and the inputs of transitions."""
    created: Any = TASK.create("t1", by=ADMIN, at=AT, title="t")
    event, case, note = created.change.event, a_case(), a_note()
    ids: dict[str, Any] = {"note_id": note.id, "item_id": note.item_id, "author_id": note.author_id, "body": "b"}
    return {
        "create at": lambda: TASK.create("t1", by=ADMIN, at=moment, title="t"),
        "create due_at": lambda: TASK.create("t1", by=ADMIN, at=AT, title="t", due_at=moment),
        "decide": lambda: REGULATORY_CASE.decide(case, "submit", by=ADMIN, at=moment),
        "read": lambda: REGULATORY_CASE.decide(case, "read", by=ADMIN, at=moment),
        "actions": lambda: REGULATORY_CASE.actions(case, by=ADMIN, at=moment),
        "set_due": lambda: REGULATORY_CASE.decide(case, "set_due", {"due_at": moment}, by=ADMIN, at=AT),
        "constant": lambda: set_value("due_at", moment).value,
        "seal": lambda: seal(created.change, recorded_at=moment, salt="pepper"),
        "header": lambda: canonical_header(attrs.evolve(event, occurred_at=moment)),
        "recorded header": lambda: canonical_header(attrs.evolve(event, recorded_at=moment)),
        "note digest": lambda: note_digest(**ids, created_at=moment),
    }


@pytest.mark.parametrize("door", _doors(AT))
def test_naive_time_is_refused_wherever_it_enters(door: str) -> None:
    """A naive time is refused at every door by which a time enters (S3)."""
    for naive in (AT.replace(tzinfo=None), AT.replace(tzinfo=None, year=1), AT.replace(tzinfo=None, year=9999)):
        with pytest.raises(InvalidInputError, match="has no time zone"):
            _doors(naive)[door]()


@pytest.mark.parametrize("door", _doors(AT))
def test_the_instant_counts_not_its_zone(door: str) -> None:
    """The same instant in another zone leads to the very same outcome at every door (S3, H4)."""
    expected = _doors(AT)[door]()
    for elsewhere in (AT.astimezone(timezone(timedelta(hours=5, minutes=45))), AT.astimezone(zone(TZIF_RULES[0]))):
        outcome = _doors(elsewhere)[door]()
        assert outcome == expected
        assert repr(outcome) == repr(expected), "also as it is kept"
