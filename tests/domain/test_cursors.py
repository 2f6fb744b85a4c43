"""Orders, cursors and pages: an allow list, and tokens that hostile hands can hold (S4)."""

from __future__ import annotations

import base64
import itertools
import json
import pickle
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import attrs
import pytest
from hypothesis import given

from casewright import Cursor, InvalidInputError, Order, Page
from casewright.domain.filters import MAX_TOKEN, OrderBy
from support.commands import cursors
from support.values import CANARY, HOSTILE, a_task, thorough, unseen

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


def injections() -> Iterator[str]:
    """Yield texts without end that somebody may send in place of a name or a value."""
    rng = random.Random(7)
    names = ("id", "created", "title", "status", "created_at", "item.id", "(select 1)", "1", "rowid", "tenant")
    ends = ("", " desc", " DESC", ";", "; drop table item; --", "' or '1'='1", '" or ""="', ") or (1=1", "/*", "--")
    marks = ("'", '"', "`", "\\", "%", "%s", ":tenant", "?", "$1", "{}", "{0}", "\0", "\n", "\ud800", "\u2019", "")
    yield from (f"{name}{end}" for name in names for end in ends)
    while True:
        yield "".join(rng.choice(rng.choice((names, ends, marks))) for _ in range(rng.randrange(2, 6)))


INJECTIONS = [*itertools.islice((text for text in injections() if text not in {*OrderBy}), 500)]


def test_orders_come_from_an_allow_list() -> None:
    """There are two orders; 500 other texts are refused, in every case and with every addition (S4)."""
    assert [Order(name).by for name in ("id", "created", OrderBy.ID, OrderBy.CREATED)] == [*OrderBy, *OrderBy]
    for text in INJECTIONS:
        with pytest.raises(InvalidInputError) as caught:
            Order(text)
        assert str(caught.value) == "order: is no order of a list; use id or created"


def test_an_order_is_a_frozen_value() -> None:
    """An order can be compared, hashed and pickled; its direction is True or False and nothing else (S7)."""
    order = Order("created", descending=True)
    assert order == pickle.loads(pickle.dumps(order))
    assert hash(order) == hash(Order(OrderBy.CREATED, descending=True))
    assert order != Order("created")
    wrongs: tuple[Any, ...] = (1, 0, "desc", None)
    for wrong in wrongs:
        with pytest.raises(InvalidInputError, match=r"^descending: must be True or False"):
            Order("id", descending=wrong)
    for make in HOSTILE:
        with pytest.raises(InvalidInputError, match=r"^order: is no order of a list"):
            Order(cast("Any", make()))


def test_keys_order_as_the_values_do() -> None:
    """By id it is the code points that count; by creation the instant, and of equal ones the id."""
    rng = random.Random(8)
    ids = ["a", "B", "b", "\u00e9", "z", "\uff21", "\U0001f600", "10", "9", "a b", "a-b"]
    times = [AT + timedelta(microseconds=rng.randrange(-5, 5)) for _ in ids] + [
        AT.replace(year=2),
        AT.replace(year=9999),
    ]
    items = [a_task(id=rng.choice(ids), created_at=rng.choice(times)) for _ in range(200)]
    assert sorted(items, key=Order("id").key) == sorted(items, key=lambda item: item.id)
    by_time = sorted(items, key=lambda item: (item.created_at, item.id))
    assert sorted(items, key=Order("created").key) == by_time


@thorough(100)
@given(cursors())
def test_a_token_is_the_cursor(cursor: Cursor) -> None:
    """A cursor comes back from its token, which can stand in an address as it is and is within the limit."""
    token = cursor.token
    assert Cursor.from_token(token) == cursor
    assert Cursor.from_token(token).token == token
    assert len(token) <= MAX_TOKEN
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize("id", ["\U0001f600" * 255, '"' * 255, "\\" * 255], ids=["wide", "quotes", "backslashes"])
def test_the_longest_id_has_a_token(id: str) -> None:
    """Every id that an item can have fits into a token, whatever its characters are."""
    order = Order("created")
    cursor = Cursor(order, order.key(a_task(id=id, created_at=AT)))
    assert Cursor.from_token(cursor.token) == cursor


def token_of(parts: Any) -> str:
    """Return the token of any data."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


TIME = "2026-01-31T12:00:00.000000Z"
GOOD: dict[str, Any] = {"by": "id", "descending": False, "key": ["x-1"]}
FORGED: dict[str, Any] = {
    "no object": [1],
    "text": "id",
    "nothing": {},
    "no key": {"by": "id", "descending": False},
    "another key": {**GOOD, "where": "1=1"},
    "unknown order": {**GOOD, "by": "title"},
    "order of a list": {**GOOD, "by": ["id"]},
    "order of an object": {**GOOD, "by": {"id": 1}},
    "direction of a number": {**GOOD, "descending": 1},
    "direction of a text": {**GOOD, "descending": "false"},
    "no parts": {**GOOD, "key": []},
    "too many parts": {**GOOD, "key": ["x-1", "x-2"]},
    "parts in a text": {**GOOD, "key": "x"},
    "parts of an object": {**GOOD, "key": {"0": "x"}},
    "a number for an id": {**GOOD, "key": [1]},
    "None for an id": {**GOOD, "key": [None]},
    "a blank id": {**GOOD, "key": [" "]},
    "an id with NUL": {**GOOD, "key": ["a\0"]},
    "a lone surrogate": {**GOOD, "key": ["\ud800"]},
    "a long id": {**GOOD, "key": ["x" * 256]},
    "a time alone": {**GOOD, "by": "created", "key": [TIME]},
    "a naive time": {**GOOD, "by": "created", "key": [TIME[:-1], "x-1"]},
    "no time": {**GOOD, "by": "created", "key": ["x-1", TIME]},
    "a number for a time": {**GOOD, "by": "created", "key": [0, "x-1"]},
    "a float": {**GOOD, "key": [1.5]},
    "NaN": {**GOOD, "key": [float("nan")]},
    "a large integer": {**GOOD, "key": [2**63]},
    "a deep list": {**GOOD, "key": [[[[[[[[[[[[[[[[[["x"]]]]]]]]]]]]]]]]]]},
}


def check_refused(token: Any) -> None:
    """Check that the token is refused in the one sentence that there is for it."""
    with pytest.raises(InvalidInputError) as caught:
        Cursor.from_token(token)
    sentence = "cursor: is no cursor of a list; pass the token of a page, or none for the first page"
    assert str(caught.value) == sentence


@pytest.mark.parametrize("parts", FORGED.values(), ids=FORGED)
def test_a_forged_token_is_refused(parts: Any) -> None:
    """A token of other data is no cursor: not by a wrong type, a key too many, or an order that is none (S2, S4)."""
    check_refused(token_of(parts))


SPOILT: dict[str, str] = {
    "nothing": "",
    "one letter": "A",
    "no base64": "!!!!",
    "padding": "====",
    "no ASCII": "\u00e9" * 8,
    "a surrogate": "\ud800",
    "no UTF-8": base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    "no JSON": base64.urlsafe_b64encode(b"{'by'}").decode(),
    "a key twice": base64.urlsafe_b64encode(b'{"by":"id","by":"id","descending":false,"key":["x"]}').decode(),
    "5,000 digits": base64.urlsafe_b64encode(b"9" * 1_000).decode(),
    "deep": base64.urlsafe_b64encode(b"[" * 1_500).decode(),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_token_is_refused(name: str) -> None:
    """Text that is no token at all is refused in the same words, however long or deep it is (S1, S2)."""
    check_refused(SPOILT[name])


def test_a_token_over_the_limit_is_not_looked_at() -> None:
    """Text of one character more than a token may have is refused by its length alone (S1)."""
    check_refused(unseen("A" * (MAX_TOKEN + 1)))
    check_refused(unseen("A" * 10_000_000))


def test_a_token_that_was_tampered_with_is_a_cursor_or_is_refused() -> None:
    """With any one character changed, a token is refused or gives a sound cursor, and raises nothing else (S2)."""
    order = Order("created", descending=True)
    token = Cursor(order, order.key(a_task(id=CANARY, created_at=AT))).token
    rng = random.Random(9)
    sound = 0
    for place in range(len(token)):
        for letter in rng.sample("ABCwxyz0189-_=+/ .", 8):
            try:
                cursor = Cursor.from_token(token[:place] + letter + token[place + 1 :])
            except InvalidInputError:
                continue
            assert Cursor.from_token(cursor.token) == cursor
            sound += 1
    assert sound > 10


def test_times_in_a_token_are_canonical() -> None:
    """A time of another offset in a token is the same instant in UTC, so that keys compare as texts."""
    cursor = Cursor.from_token(token_of({**GOOD, "by": "created", "key": ["2026-01-31T13:00:00+01:00", "x-1"]}))
    assert cursor.key == (TIME, "x-1")


def test_a_page_is_a_frozen_value() -> None:
    """A page has its items and where the next one begins; on the last page that is None."""
    order = Order()
    page = Page((a_task(),), Cursor(order, order.key(a_task())))
    assert page == pickle.loads(pickle.dumps(page))
    assert hash(page) == hash(Page((a_task(),), page.next))
    assert Page(()).next is None
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        cast("Any", page).items = ()
