"""The setting of a machine: what a derived class says, checked at once, since it would fail later and obscurely.

Needs no Hypothesis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from casewright.application.ports import Store
from casewright.domain.actors import Actor
from casewright.domain.definitions import CaseDefinition, TaskDefinition
from casewright.errors import MisuseError

__all__ = ["check_setting", "check_store"]


def check_setting(
    owner: str, *, definitions: Sequence[TaskDefinition | CaseDefinition], actors: Sequence[Actor], facts: object
) -> None:
    """Check the class attributes of a machine.

    Args:
        owner: The name of its class.
        definitions: What judges.
        actors: Who acts.
        facts: What finds out facts, by name.

    Raises:
        MisuseError: One of them is something else, or empty where it must not be.
    """
    _check_several(f"{owner}.definitions", definitions, TaskDefinition, CaseDefinition)
    if len({one.name for one in definitions}) < len(definitions):
        raise MisuseError(f"{owner}.definitions has two of one name", "give each a name of its own")
    _check_several(f"{owner}.actors", actors, Actor)
    if not isinstance(facts, Mapping) or not all(callable(provider) for provider in facts.values()):
        problem = f"{owner}.facts is no mapping of names to functions"
        raise MisuseError(problem, 'write facts = {"paid": lambda uow, item: True}')


def check_store(owner: str, store: Store) -> Store:
    """Return what a machine is to work on.

    Args:
        owner: The name of its class.
        store: What its ``make_store`` gave.

    Raises:
        MisuseError: It is no store.
    """
    if not callable(getattr(store, "begin", None)):
        problem = f"{owner}.make_store gave a {type(store).__name__}, which is no store"
        raise MisuseError(problem, "return one that is new and empty")
    return store


def _check_several(name: str, given: object, *classes: type) -> None:
    if not isinstance(given, Sequence) or not given or not all(isinstance(one, classes) for one in given):
        wanted = " or ".join(cls.__name__ for cls in classes)
        raise MisuseError(f"{name} is no tuple of {wanted}", "give at least one, in a tuple")
