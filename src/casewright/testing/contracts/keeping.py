"""`ErasureContract` and `DenialLogContract`: what a store promises that erases, and one that keeps denials."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any, Final

import attrs
import pytest

from casewright.application.denials import Cause, Denial, DenialLog
from casewright.application.erasing import Erased, Erasure
from casewright.application.ports import Store
from casewright.application.verifying import verify_stored
from casewright.domain.catalog import REGULATORY_CASE, TASK
from casewright.domain.folding import ERASED_TEXT, erased_fields, fold
from casewright.domain.history import erase
from casewright.domain.ids import ActorId, ItemId, Tenant
from casewright.domain.items import Case
from casewright.domain.json_values import EMPTY
from casewright.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from casewright.testing.builders import SOME_TIME
from casewright.testing.contracts.base import Contract, must_raise, told
from casewright.testing.contracts.driving import (
    Changes,
    all_of,
    annotated,
    created,
    decided,
    kept,
    load,
    write,
)

__all__ = ["DenialLogContract", "ErasureContract"]

_CANARY: Final = "Xylophone"


def _personal(tenant: str = "") -> Changes:
    """A case and its task, whose every text holds the canary; the last changes are of the task."""
    words: dict[str, Any] = {"title": _CANARY, "description": _CANARY, "tags": [_CANARY], "tenant": tenant}
    changes = list(created(REGULATORY_CASE, "c", attributes={_CANARY: _CANARY}, **words))
    changes += created(TASK, "t", parent=changes[0].after, attributes={"who": _CANARY}, **words)
    changes += decided(changes[1].after, "add_note", {"note_id": f"{tenant}n", "body": _CANARY})
    changes += decided(changes[-1].after, "start")
    changes += decided(changes[-1].after, "block", {"reason": _CANARY})
    changes += decided(changes[-1].after, "edit", {"title": f"{_CANARY} again", "attributes": {"x": _CANARY}})
    return tuple(changes)


@told
class ErasureContract(Contract):
    """What a store promises that is an `Erasure`. Give the fixture ``store``, as for `StoreContract`.

    Of an asynchronous store inherit `AsyncErasureContract`.
    """

    @pytest.mark.parametrize("item_id", ["t", "c"])
    def test_no_word_is_left_and_the_history_still_proves_itself(self, store: Store, item_id: str) -> None:
        """All payloads but counts are gone, and no word of them is left; chain, row and notes are sound (H8)."""
        changes = _personal()
        write(store, *changes)
        erased = erasure(store).erase(item_id)
        item, events, notes = all_of(store, item_id)
        own = [change.event for change in changes if change.after.id == item_id]
        assert events == [erase(event) for event in own], "not just payload and salt are gone"
        assert erased == Erased(sum(event.erased for event in events), len(notes))
        assert _CANARY not in repr((item, [event.payload and event.payload.text for event in events], notes))
        assert item is not None
        assert verify_stored(item, events, notes) == ()

    def test_the_row_is_what_is_left(self, store: Store) -> None:
        """Texts become `[erased]`, tags and attributes empty; status, version, head, dates and ids stay (H8)."""
        changes = _personal()
        write(store, *changes)
        erasure(store).erase("t")
        expected = attrs.evolve(
            changes[-1].after, title=ERASED_TEXT, description=ERASED_TEXT, tags=(), attributes=EMPTY
        )
        assert load(store, "t") == expected
        (note,) = all_of(store, "t")[2]
        assert note == attrs.evolve(changes[-4].notes[0], body=ERASED_TEXT)

    def test_only_what_is_named_is_erased(self, store: Store) -> None:
        """Of the named versions the payloads are gone; the row is what the others make, other items untouched (H8)."""
        changes = _personal()
        write(store, *changes)
        assert erasure(store).erase("t", versions=[1, 2, 99]) == Erased(2, 1)
        item, events, notes = all_of(store, "t")
        assert [event.version for event in events if event.erased] == [1, 2]
        assert item is not None
        assert (item.title, item.description, dict(item.attributes)) == (
            f"{_CANARY} again",
            ERASED_TEXT,
            {"x": _CANARY},
        )
        assert verify_stored(item, events, notes) == ()
        assert notes[0].body == ERASED_TEXT
        assert erased_fields(events) >= {"description", "attributes", "tags"}
        assert all_of(store, "c") == kept(changes, "c")

    def test_erasing_again_finds_nothing(self, store: Store) -> None:
        """What was erased is not erased again, and no versions at all are nothing (H8)."""
        write(store, *_personal())
        assert erasure(store).erase("t", versions=[]) == Erased(0, 0)
        erasure(store).erase("t")
        before = all_of(store, "t")
        assert erasure(store).erase("t") == Erased(0, 0)
        assert all_of(store, "t") == before

    def test_the_item_lives_on(self, store: Store) -> None:
        """After an erasure the item can be worked on, and all of it still proves itself (H8)."""
        changes = _personal()
        write(store, *changes)
        erasure(store).erase("t")
        item, case = load(store, "t"), load(store, "c")
        assert isinstance(case, Case)
        more = decided(item, "edit", {"title": "new", "attributes": {"y": 1}})
        more += decided(more[-1].after, "delete", parent=case)
        write(store, *more)
        found, events, notes = all_of(store, "t")
        assert found is not None
        assert verify_stored(found, events, notes) == ()
        assert (found.title, dict(found.attributes)) == ("new", {"y": 1})
        assert fold(events).title == "new"
        assert erasure(store).erase("t") == Erased(2, 0)

    def test_tenants_are_erased_apart(self, store: Store) -> None:
        """Only the item of the named tenant is erased, and one that is not there is NotFoundError (A11, H8)."""
        for tenant in ("", "north"):
            write(store, *_personal(tenant), tenant=tenant)
        before = all_of(store, "t")
        assert erasure(store).erase("t", tenant="north") == Erased(5, 1)
        assert all_of(store, "t") == before
        for item_id, tenant in (("t", "south"), ("nobody", "")):
            asked = must_raise(NotFoundError, partial(erasure(store).erase, item_id, tenant=tenant), "erase()")
            assert asked.item_id == item_id

    @pytest.mark.parametrize("versions", ["12", [0], ["1"], [True], 1])
    def test_versions_are_numbers(self, store: Store, versions: Any) -> None:  # noqa: ANN401 - hostile on purpose
        """What is no version is an InvalidInputError, and nothing is erased."""
        changes = _personal()
        write(store, *changes)
        must_raise(InvalidInputError, lambda: erasure(store).erase("t", versions=versions), "erase()")
        assert all_of(store, "t") == kept(changes, "t")

    def test_a_long_history_is_erased(self, store: Store) -> None:
        """However many events there are, none is left out (H8)."""
        changes = list(created(TASK, "a"))
        for number in range(1_050):
            changes += annotated(changes[-1].after, f"{number}") if number % 100 == 0 else _titled(changes[-1].after)
        write(store, *changes)
        assert erasure(store).erase("a") == Erased(1_051, 11)
        assert all(event.erased for event in all_of(store, "a")[1])


def _titled(item: Any) -> Changes:  # noqa: ANN401 - either kind
    return decided(item, "edit", {"title": f"{item.version}"})


def erasure(store: object) -> Erasure:
    """Return the store as what it must be."""
    assert isinstance(store, Erasure), "a store that is an Erasure has erase()"
    return store


def _denied(number: str, tenant: str = "", **fields: Any) -> Denial:  # noqa: ANN401 - any field
    given: dict[str, Any] = {
        "id": number,
        "tenant": Tenant(tenant),
        "action": "close",
        "item_id": ItemId("c"),
        "actor_id": ActorId("ann"),
        "on_behalf_of": None,
        "occurred_at": SOME_TIME - timedelta(microseconds=1),
        "recorded_at": SOME_TIME,
        "code": "refused",
        "phase": "permission",
    }
    return Denial(**given | fields)


@told
class DenialLogContract(Contract):
    """What a store promises that is a `DenialLog`. Give the fixture ``store``, as for `StoreContract`."""

    def test_a_denial_comes_back_as_it_was(self, store: Store) -> None:
        """All that was kept of a denial is read again, whatever names are in it (H1)."""
        causes = (Cause("not_granted", "permission", 'has_role("é\u2028")'), Cause("open_tasks", "guard"))
        given = [
            _denied("1", reasons=causes),
            _denied("2", code="not_found", phase=None, on_behalf_of=ActorId("chief")),
        ]
        for denial in given:
            _log(store).add_denial(denial)
        assert list(_log(store).denials(tenant="", limit=10)) == given

    def test_denials_come_by_id_page_by_page(self, store: Store) -> None:
        """They come by code point of their ids, each once, and only those of the tenant (A11, H1)."""
        ids = ["10", "9", "b", "B", "é", "\uffee", "\U0001d49c"]
        for tenant in ("", "north"):
            for number in ids:
                _log(store).add_denial(_denied(number, tenant))
        seen: list[Denial] = []
        while page := _log(store).denials(tenant="north", after=seen[-1].id if seen else "", limit=2):
            assert len(page) <= 2
            seen += page
        assert seen == [_denied(number, "north") for number in sorted(ids)]
        assert list(_log(store).denials(tenant="south", limit=10)) == []
        must_raise(InvalidInputError, lambda: _log(store).denials(tenant="", limit=0), "denials()")

    def test_an_id_is_taken_once(self, store: Store) -> None:
        """A second denial of the same id is an AlreadyExistsError, and the first one stays as it is (H1)."""
        _log(store).add_denial(_denied("1"))
        error = must_raise(AlreadyExistsError, lambda: _log(store).add_denial(_denied("1", action="x")), "add_denial()")
        assert (error.item_id, error.what) == ("1", "denial")
        _log(store).add_denial(_denied("1", "north"))
        assert list(_log(store).denials(tenant="", limit=10)) == [_denied("1")]


def _log(store: object) -> DenialLog:
    assert isinstance(store, DenialLog), "a store that is a DenialLog has add_denial() and denials()"
    return store
