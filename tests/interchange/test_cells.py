"""What a table's text means to a typed input."""

from __future__ import annotations

import pytest

from casewright import Input, InvalidInputError, actor, boolean, choice, instant, integer, mapping, names, text
from casewright.domain.inputs import InputKind
from casewright.interchange.cells import typed_inputs

CELLS = [
    (text("x"), " as it is ", " as it is "),
    (actor("x"), "rita", "rita"),
    (choice("x", ["a", "b"]), "c", "c"),
    (instant("x"), "2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
    (integer("x"), "-12", -12),
    (integer("x"), "+9223372036854775807", 2**63 - 1),
    (boolean("x"), "True", True),
    (boolean("x"), "false", False),
    (names("x"), "b; a ;;", ["b", "a"]),
    (mapping("x"), '{"a": [1, null]}', {"a": (1, None)}),
]


def test_every_kind_of_input_can_stand_in_a_cell() -> None:
    """There is no kind of input that a table could not give."""
    assert {spec.kind for spec, _, _ in CELLS} == set(InputKind)


@pytest.mark.parametrize(("spec", "cell", "value"), CELLS)
def test_a_cell_becomes_what_its_input_wants(spec: Input, cell: str, value: object) -> None:
    """A cell is read as the kind of its input; whether it is good is left to the decision."""
    found = typed_inputs([spec], {"x": cell, "other": "cell"})

    assert found == {"x": value}
    assert type(found["x"]) is type(value) or spec.kind == "mapping"


@pytest.mark.parametrize("cells", [{}, {"x": ""}])
def test_a_cell_that_is_empty_or_missing_gives_nothing(cells: dict[str, str]) -> None:
    """An empty cell is the same as no column: the input is not given, also not as blank text."""
    assert typed_inputs([text("x"), integer("x")], cells) == {}


@pytest.mark.parametrize(
    ("spec", "cell"),
    [
        (integer("x"), "1.0"),
        (integer("x"), "1_000"),
        (integer("x"), "\u0661"),
        (integer("x"), "9" * 5000),
        (boolean("x"), "1"),
        (mapping("x"), "{"),
        (mapping("x"), '{"a": 1.5}'),
    ],
)
def test_a_cell_of_another_kind_is_refused_by_the_name_of_its_column(spec: Input, cell: str) -> None:
    """A cell that cannot be what its input wants is an InvalidInputError that names the column, not the value (S1)."""
    with pytest.raises(InvalidInputError) as caught:
        typed_inputs([spec], {"x": cell})

    assert caught.value.field == "x"
    assert cell not in str(caught.value)
