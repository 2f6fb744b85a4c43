"""Authorization decisions against a hand-written frozenset look-up, flat in the number of roles (A12)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from harness import Bar, measure, report

from casewright import Actor, AuthorizationPolicy, Case, Category, any_of, has_role

__all__ = ["run"]

AT = datetime(2026, 1, 1, tzinfo=UTC)
CASE = Case(id="case-1", definition="d", status="new", category=Category.OPEN, title="t", created_by="x", created_at=AT)
GRANTED = Actor("ann", roles=["role-7"])
DENIED = Actor("bob", roles=["guest"])


def run(rounds: int) -> bool:
    """Print the figures and return whether every bar is met."""
    allowed = frozenset({("role-7", "resolve", "new"), ("role-8", "resolve", "new")})

    def look_up(calls: int) -> None:
        for _ in range(calls):
            any((role, "resolve", CASE.status) in allowed for role in GRANTED.roles)

    def bare(calls: int) -> None:
        ask = _by_hand(allowed)
        for _ in range(calls):
            ask(GRANTED, "resolve", CASE)

    contenders: dict[str, Callable[[int], None]] = {"hand-written frozenset": bare, "the same as a generator": look_up}
    for size in (20, 200, 2000):
        policy = AuthorizationPolicy({"resolve": any_of(*(has_role(f"role-{number}") for number in range(size)))})
        contenders[f"granted, any_of {size} roles"] = _loop(policy, GRANTED)
        contenders[f"denied with its reason, any_of {size} roles"] = _loop(policy, DENIED)
    timings = measure(contenders, calls=20_000, rounds=rounds)
    floor = "hand-written frozenset"
    bars = [
        Bar(f"{name} by the frozenset", timings.ratio(name, floor), 10)
        for name in timings.rounds
        if name.endswith("any_of 20 roles")
    ]
    bars += [
        Bar(f"{kind}: 2,000 roles by 20", timings.ratio(f"{kind}, any_of 2000 roles", f"{kind}, any_of 20 roles"), 1.5)
        for kind in ("granted", "denied with its reason")
    ]
    return report("Authorization (floor: a frozenset)", timings, bars)


def _by_hand(allowed: frozenset[tuple[str, str, str]]) -> Callable[[Actor, str, Case], bool]:
    def ask(actor: Actor, action: str, case: Case) -> bool:
        for role in actor.roles:  # noqa: SIM110 - the fastest form by hand
            if (role, action, case.status) in allowed:
                return True
        return False

    return ask


def _loop(policy: AuthorizationPolicy, actor: Actor) -> Callable[[int], None]:
    def loop(calls: int) -> None:
        for _ in range(calls):
            policy.ruling(actor, "resolve", CASE)

    return loop
