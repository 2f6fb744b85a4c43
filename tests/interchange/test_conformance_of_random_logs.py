"""Random logs: what fits a lifecycle is allowed, what does not is refused, and each history equals its log."""

from __future__ import annotations

import io
from collections import Counter
from itertools import groupby

from hypothesis import given, settings

from casewright import Lifecycle, fold, verify
from casewright.interchange.conformance import Outcome, check_conformance, replay_cases
from casewright.interchange.event_log import LogRow, read_event_log
from support.event_logs import a_definition, as_csv, statuses_of
from support.random_logs import edges_of, heaps, walks


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
