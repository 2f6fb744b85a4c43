"""The process of the Ethereum Improvement Proposals (EIP-1), to replay its log of eight years against.

``casewright replay LOG.csv --definition examples/eip_process.py:EIP`` judges it. Run by itself, this file prints the
process as a diagram.
"""

from __future__ import annotations

from typing import Final

from casewright import AuthorizationPolicy, CaseDefinition, Category, Lifecycle, Transition, always, has_role

__all__ = ["EIP"]

EIP: Final = CaseDefinition(
    "eip",
    lifecycle=Lifecycle(
        states={
            "Draft": Category.DRAFT,
            "Review": Category.OPEN,
            "Last Call": Category.ACTIVE,
            "Stagnant": Category.WAITING,
            "Final": Category.DONE,
            "Living": Category.DONE,  # it is never final, and nothing is left to be done
            "Withdrawn": Category.CANCELLED,
            "Moved": Category.CANCELLED,
            "(removed)": Category.CANCELLED,
            "Accepted": Category.ACTIVE,
            "Active": Category.DONE,
            "Deferred": Category.WAITING,
            "Abandoned": Category.CANCELLED,
            "Replaced": Category.CANCELLED,
            "Superseded": Category.CANCELLED,
        },
        initial=("Draft", "Living"),
        transitions=(
            Transition("review", ("Draft", "Last Call", "Stagnant"), "Review"),
            Transition("call", ("Review", "Stagnant"), "Last Call"),
            Transition("finalize", "Last Call", "Final"),
            Transition("stagnate", ("Draft", "Review", "Last Call"), "Stagnant"),
            Transition("revive", "Stagnant", "Draft"),
            Transition("withdraw", ("Draft", "Review", "Last Call", "Stagnant"), "Withdrawn"),
        ),
        # To another register, or out of the repository: the editors' own work, not the author's.
        administrative=("Moved", "(removed)"),
        # From older sets of rules; a log of many years still holds them.
        legacy=("Accepted", "Active", "Deferred", "Abandoned", "Replaced", "Superseded"),
    ),
    authorization=AuthorizationPolicy({"correct": has_role("editor")}, default=always()),
)
"""Anyone may do each step; only an editor may force one."""

if __name__ == "__main__":
    print(format(EIP.lifecycle, "mermaid"))
