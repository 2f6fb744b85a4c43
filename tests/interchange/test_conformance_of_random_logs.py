"""Random logs: what fits a lifecycle is allowed, what does not is refused, and each history equals its log."""

from __future__ import annotations

import io
from collections import Counter
from itertools import groupby, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from casewright import Lifecycle, fold, verify
from casewright.interchange.conformance import Outcome, check_conformance, replay_cases
from casewright.interchange.event_log import LogRow, read_event_log
from support.event_logs import a_definition, a_lifecycle, as_csv, row, statuses_of


@st.composite
def lifecycles(draw: st.DrawFn) -> Lifecycle:
    """A sound lifecycle: a chain to an end, and any other edges; one administrative and one legacy status beside it."""
    length = draw(st.integers(2, 5))
    names = [f"s{place}" for place in range(length)] + ["d"]
    chain = {f"{one}>{two}" for one, two in pairwise(names)}
    more = draw(st.sets(st.tuples(st.sampled_from(names), st.sampled_from(names)), max_size=8))
    edges = sorted(chain | {f"{one}>{two}" for one, two in more})
    initial = ("s0", *draw(st.sampled_from([(), ("s1",), ("d",)])))
    return a_lifecycle(*edges, first="s0", initial=initial, administrative=("moved",), legacy=("old",))


def edges_of(lifecycle: Lifecycle) -> dict[str | None, set[str]]:
    """Where one may go from each status: the oracle's own table, None for a creation."""
    table: dict[str | None, set[str]] = {status: set() for status in lifecycle.states}
    for step in lifecycle.transitions:
        for source in step.sources:
            table[source].add(step.target)
    table[None] = set(lifecycle.initial)
    return table


@st.composite
def walks(draw: st.DrawFn) -> tuple[Lifecycle, list[LogRow], list[Outcome | None]]:
    """A log of cases that walk at random, some steps against the rules; and what must come of each row."""
    lifecycle = draw(lifecycles())
    table = edges_of(lifecycle)
    faults = draw(st.booleans())
    says_event, says_source = draw(st.booleans()), draw(st.booleans())
    present: dict[str, str | None] = {}
    rows: list[LogRow] = []
    expected: list[Outcome | None] = []
    for number in range(2, draw(st.integers(2, 25))):
        case = draw(st.sampled_from(["a", "b", "c"]))
        here = present.get(case)
        stay = set() if here is None else {here}
        ways = {"edit": stay, "legal": table[here] - stay}
        if faults:
            ways["illegal"] = set(lifecycle.states) - table[here] - stay - {"moved"}
            ways["administrative"] = {"moved"} - stay
        kind = draw(st.sampled_from([kind for kind, targets in ways.items() if targets]))
        status = draw(st.sampled_from(sorted(ways[kind])))
        event = ("edit" if kind == "edit" else "status") if says_event else None
        rows.append(row(number, status, case, event=event, from_status=(here or "") if says_source else None))
        expected.append(_OUTCOMES[kind])
        present[case] = status
    return lifecycle, rows, expected


_OUTCOMES = {
    "edit": None,
    "legal": Outcome.ALLOWED,
    "illegal": Outcome.REFUSED,
    "administrative": Outcome.ADMINISTRATIVE,
}


@settings(max_examples=100, deadline=None)
@given(walks())
def test_a_walk_is_judged_step_by_step(walk: tuple[Lifecycle, list[LogRow], list[Outcome | None]]) -> None:
    """Of a walk over a lifecycle nothing is refused; of steps planted against it, just those are (E2)."""
    lifecycle, rows, expected = walk
    assert list(read_event_log(io.BytesIO(as_csv(rows)), statuses=lifecycle.states)) == rows
    cases = list(replay_cases(a_definition(lifecycle), rows))

    found = {one.row.number: one.outcome for case in cases for one in case.judgements}
    assert found == {one.number: outcome for one, outcome in zip(rows, expected, strict=True) if outcome is not None}
    report = check_conformance(a_definition(lifecycle), rows)
    counts = Counter(expected)
    assert (report.allowed, report.refused) == (counts[Outcome.ALLOWED], counts[Outcome.REFUSED])
    assert (report.administrative, report.rows) == (counts[Outcome.ADMINISTRATIVE], len(rows))
    assert report.histories_verified == report.cases == len({one.case_id for one in rows})
    for case in cases:
        logged = [one.status for one in rows if one.case_id == case.case_id]
        assert statuses_of(case.events) == [status for status, _ in groupby(logged)]


@st.composite
def heaps(draw: st.DrawFn) -> tuple[Lifecycle, list[LogRow]]:
    """A log in which nothing fits: any status before and after, any event, creations of what is there."""
    lifecycle = draw(lifecycles())
    status = st.sampled_from(sorted(lifecycle.states))
    before = draw(st.sampled_from([st.none(), st.one_of(st.just(""), status)]))
    event = draw(st.sampled_from([st.none(), st.sampled_from(["status", "status", "edit"])]))
    parts = st.tuples(status, st.sampled_from("ab"), before, event)
    return lifecycle, [
        row(number, to, case, from_status=source, event=kind)
        for number, (to, case, source, kind) in enumerate(draw(st.lists(parts, max_size=15)), 2)
    ]


@settings(max_examples=120, deadline=None)
@given(heaps())
def test_each_row_is_judged_by_its_own_statuses_and_the_history_equals_the_log(
    heap: tuple[Lifecycle, list[LogRow]],
) -> None:
    """Whatever a log holds, each row is judged by its own statuses, and the history is the log's (E3, H5)."""
    lifecycle, rows = heap
    table = edges_of(lifecycle)
    for case in replay_cases(a_definition(lifecycle), rows):
        present: str | None = None
        expected = []
        for one in (one for one in rows if one.case_id == case.case_id):
            if one.event == "edit" or (one.event is None and one.status == present):
                continue
            source = present if one.from_status is None else one.from_status or None
            allowed = Outcome.ALLOWED if one.status in table[source] else Outcome.REFUSED
            expected.append((one, source, Outcome.ADMINISTRATIVE if one.status == "moved" else allowed))
            present = one.status
        assert [(one.row, one.source, one.outcome) for one in case.judgements] == expected
        assert all(bool(one.reasons) is (one.outcome is Outcome.REFUSED) for one in case.judgements)
        logged = [status for status, _ in groupby(one.status for one, _, _ in expected)]
        assert [status for status, _ in groupby(statuses_of(case.events))] == logged
        assert not verify(case.events)
        assert not case.problems
        assert not case.events or fold(case.events).status == present
