"""A lifecycle of one's own: who may do what, four eyes, a required outcome. No database, no bus, only decisions.

Run it: ``python examples/four_eyes.py``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from casewright import (
    Actor,
    AuthorizationPolicy,
    Case,
    CaseDefinition,
    Category,
    Lifecycle,
    Transition,
    all_of,
    any_of,
    choice,
    copy_input,
    forbid,
    has_role,
    is_creator,
    performed,
    text,
)

__all__ = ["LOAN", "Status", "main"]


class Status(StrEnum):
    """Where an application for a loan can be."""

    DRAFT = "draft"
    APPLIED = "applied"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"


LOAN: Final = CaseDefinition(
    "loan",
    lifecycle=Lifecycle(
        states={
            Status.DRAFT: Category.DRAFT,
            Status.APPLIED: Category.OPEN,
            Status.DECIDED: Category.DONE,
            Status.WITHDRAWN: Category.CANCELLED,
        },
        initial=Status.DRAFT,
        transitions=(
            Transition("apply", Status.DRAFT, Status.APPLIED),
            Transition(
                "decide",
                Status.APPLIED,
                Status.DECIDED,
                inputs=[choice("outcome", ["granted", "declined"]), text("reason")],
                effects=[copy_input("outcome", to="attributes.outcome")],
            ),
            Transition("withdraw", (Status.DRAFT, Status.APPLIED), Status.WITHDRAWN),
        ),
    ),
    authorization=AuthorizationPolicy(
        {
            "create": has_role("clerk"),
            "read": has_role("clerk", "officer"),
            "apply": has_role("clerk"),
            "decide": all_of(has_role("officer"), forbid(performed("apply"))),
            "withdraw": any_of(is_creator(), has_role("officer")),
        }
    ),
)
"""A loan is decided by an officer, but never by the one who applied for the customer."""

CLARA: Final = Actor("clara", roles={"clerk", "officer"})
OTTO: Final = Actor("otto", roles={"officer"})
ALICE: Final = Actor("alice")


def main() -> None:
    """Ask for one thing after the other, and print the answers."""
    at = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    created = LOAN.create("loan-1", by=CLARA, at=at, title="A loan of 20,000 for a van")
    assert created
    assert created.change
    loan = created.change.after

    loan = ask(loan, "decide", {"outcome": "granted", "reason": "a good customer"}, by=OTTO, at=at)
    loan = ask(loan, "apply", {}, by=CLARA, at=at)
    loan = ask(loan, "decide", {"outcome": "granted", "reason": "a good customer"}, by=CLARA, at=at)
    loan = ask(loan, "decide", {"outcome": "granted", "reason": "a good customer"}, by=ALICE, at=at)
    loan = ask(loan, "decide", {"outcome": "perhaps"}, by=OTTO, at=at)

    print("\nWhat otto can do now:")
    for verdict in LOAN.actions(loan, by=OTTO, at=at):
        if verdict.permitted:
            needed = ", ".join(spec.name for spec in verdict.inputs if not spec.optional)
            print(f"  {verdict.action}" + (f" (needs {needed})" if needed else ""))
    print()

    loan = ask(loan, "decide", {"outcome": "declined", "reason": "no income is stated"}, by=OTTO, at=at)
    print(f"\n{loan.title}: {loan.status}, {loan.attributes['outcome']}")


def ask(loan: Case, action: str, inputs: dict[str, str], *, by: Actor, at: datetime) -> Case:
    """Ask whether the actor may do it, print the answer, and return the loan as it is then."""
    verdict = LOAN.decide(loan, action, inputs, by=by, at=at)
    if verdict:
        assert verdict.change
        print(f"{by.id} may {action}: {loan.status} -> {verdict.change.after.status}")
        return verdict.change.after
    print(f"{by.id} may not {action}:")
    for reason in verdict.reasons:
        print(f"  {reason.phase}: {reason}")
    return loan


if __name__ == "__main__":
    main()
