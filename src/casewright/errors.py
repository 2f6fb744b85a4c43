"""Every error that casewright raises, as one tree.

::

    CasewrightError
    ├── InvalidInputError (ValueError)        a value of a wrong type, over its limit, or one that no store can hold
    ├── NotFoundError (LookupError)           no such item, or none that the actor may see: the two look the same
    ├── RefusedError                          the decision was no; carries every reason
    ├── ConflictError                         someone else was there first
    │   ├── StaleVersionError                 the item has another version than the one expected
    │   ├── AlreadyExistsError                the id is taken
    │   ├── NotUniqueError                    a uniqueness rule is violated
    │   └── IdempotencyKeyReusedError         the key was used for another command
    ├── DefinitionError (ValueError)          a lifecycle, policy or definition that cannot work; carries every problem
    ├── UnknownDefinitionError (LookupError)  no definition of that name, or no lifecycle of that version
    ├── MisuseError (RuntimeError)            the library was called in a way that can never be right
    ├── StorageError                          the store could not do it
    │   ├── TransientStorageError             ... this time: trying again may help
    │   └── OutcomeUnknownError               ... or perhaps it could: the connection was lost at commit
    ├── PublishError                          the broker is not there, or takes nothing
    └── HistoryError                          events that are no history: they cannot be folded or read

Each class has a stable ``code``, keeps what it knows as fields, can be pickled, and carries no payload of a user in its
text (S6, A7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

if TYPE_CHECKING:
    from casewright.domain.reasons import Phase, Reason  # noqa: TC004 - a field's annotation, never resolved

__all__ = [
    "AlreadyExistsError",
    "CasewrightError",
    "ConflictError",
    "DefinitionError",
    "HistoryError",
    "IdempotencyKeyReusedError",
    "InvalidInputError",
    "MisuseError",
    "NotFoundError",
    "NotUniqueError",
    "OutcomeUnknownError",
    "Problem",
    "PublishError",
    "RefusedError",
    "StaleVersionError",
    "StorageError",
    "TransientStorageError",
    "UnknownDefinitionError",
]

# Plain (unslotted) classes: slots and a second built-in base do not mix.
_error = attrs.define(slots=False, eq=False, repr=False)


class CasewrightError(Exception):
    """The root of the tree: catch it to catch everything that casewright raises on purpose."""

    code: ClassVar[str] = "error"


@_error
class InvalidInputError(CasewrightError, ValueError):
    """A value of a wrong type, over its limit, or one that no store can hold.

    Attributes:
        field: What the value was given for, as a path (``attributes.amount``).
        problem: What is wrong with it; never the value itself.
        advice: What would do instead; may be empty.
    """

    code: ClassVar[str] = "invalid_input"
    field: str
    problem: str
    advice: str = ""

    def __str__(self) -> str:
        """Return one line: field, problem, advice."""
        return f"{self.field}: {self.problem}" + (f"; {self.advice}" if self.advice else "")


@_error
class NotFoundError(CasewrightError, LookupError):
    """No such item, or none that the actor may see: the two cannot be told apart (A8).

    Attributes:
        item_id: The id that was asked for.
    """

    code: ClassVar[str] = "not_found"
    item_id: str

    def __str__(self) -> str:
        """Return one line that names the id."""
        return f"there is no item {self.item_id!r}, or none that you may see"


@_error
class RefusedError(CasewrightError):
    """The decision was no.

    Attributes:
        action: What was asked for.
        item_id: Of which item.
        reasons: Every reason, in the order permission, state, input, guard.
    """

    code: ClassVar[str] = "refused"
    action: str
    item_id: str
    reasons: tuple[Reason, ...]

    @property
    def phase(self) -> Phase:
        """The first phase that refused."""
        return self.reasons[0].phase

    def __str__(self) -> str:
        """Return one line with every reason."""
        return f"{self.action} was refused: " + "; ".join(reason.text for reason in self.reasons)


class ConflictError(CasewrightError):
    """Someone else was there first."""

    code: ClassVar[str] = "conflict"


@_error
class StaleVersionError(ConflictError):
    """The item has another version than the one the change was decided on.

    Attributes:
        item_id: Of which item.
        expected: The version that the caller had seen.
        actual: The version the item has; None where the store did not say.
    """

    code: ClassVar[str] = "stale_version"
    item_id: str
    expected: int
    actual: int | None = None

    def __str__(self) -> str:
        """Return one line with both numbers."""
        found = "another one" if self.actual is None else str(self.actual)
        return f"{self.item_id} was expected at version {self.expected} but has {found}; load it again and decide anew"


@_error
class AlreadyExistsError(ConflictError):
    """The id is taken, perhaps by an item that was deleted since: ids are never used again.

    Attributes:
        item_id: The id.
        what: What was to have it: ``"item"``, ``"note"``, ``"denial"`` or, of an idempotency key, ``"key"``.
    """

    code: ClassVar[str] = "already_exists"
    item_id: str
    what: str = "item"

    def __str__(self) -> str:
        """Return one line that names the id."""
        if self.what == "key":
            return f"the idempotency key {self.item_id!r} is already used; its entry says for what"
        of = "" if self.what == "item" else f" of a {self.what}"
        return f"the id {self.item_id!r}{of} is already used; choose another one"


@_error
class NotUniqueError(ConflictError):
    """A uniqueness rule of the definition would be violated.

    Attributes:
        rule: The name of the rule.
    """

    code: ClassVar[str] = "not_unique"
    rule: str

    def __str__(self) -> str:
        """Return one line that names the rule."""
        return f"another item already holds what must be unique by the rule {self.rule!r}"


@_error
class IdempotencyKeyReusedError(ConflictError):
    """The idempotency key was used before, for another command or other values (I3).

    Attributes:
        key: The key.
    """

    code: ClassVar[str] = "idempotency_key_reused"
    key: str

    def __str__(self) -> str:
        """Return one line that says what to do."""
        return "the idempotency key was used for another command; send the very same command, or a new key"


@attrs.frozen
class Problem:
    """One thing that is wrong with a definition.

    Attributes:
        code: A stable name of the kind of problem.
        where: The part it was found in (``transition 'close'``).
        what: What is wrong.
        mend: What would mend it.
    """

    code: str
    where: str
    what: str
    mend: str

    def __str__(self) -> str:
        """Return one line: where, what, mend."""
        return f"{self.where}: {self.what}; {self.mend}"


@_error
class DefinitionError(CasewrightError, ValueError):
    """A lifecycle, a policy or a definition that cannot work, found when it is built (E4).

    Attributes:
        problems: Every problem at once, none hidden by another.
    """

    code: ClassVar[str] = "definition"
    problems: tuple[Problem, ...]

    def __str__(self) -> str:
        """Return one line a problem."""
        return "\n".join(map(str, self.problems))


@_error
class UnknownDefinitionError(CasewrightError, LookupError):
    """No definition of that name, or no lifecycle of that version, is known here.

    Attributes:
        name: The name of the definition.
        version: The lifecycle version asked for; None where the name itself is unknown.
    """

    code: ClassVar[str] = "unknown_definition"
    name: str
    version: int | None = None

    def __str__(self) -> str:
        """Return one line that says what to register."""
        if self.version is None:
            return f"no definition named {self.name!r} is registered; pass it in definitions="
        return f"{self.name!r} holds no lifecycle of version {self.version}; keep it in earlier="


@_error
class MisuseError(CasewrightError, RuntimeError):
    """The library was called in a way that can never be right: a bug in the calling code.

    Attributes:
        problem: What was done.
        advice: What to do instead.
    """

    code: ClassVar[str] = "misuse"
    problem: str
    advice: str

    def __str__(self) -> str:
        """Return one line: problem and advice."""
        return f"{self.problem}; {self.advice}"


@_error
class StorageError(CasewrightError):
    """The store could not do what was asked.

    Attributes:
        problem: What failed, without SQL and without values.
        advice: What would help.
    """

    code: ClassVar[str] = "storage"
    problem: str
    advice: str = ""

    def __str__(self) -> str:
        """Return one line: problem and advice."""
        return self.problem + (f"; {self.advice}" if self.advice else "")


class TransientStorageError(StorageError):
    """The store could not do it this time; trying the whole command again may help."""

    code: ClassVar[str] = "storage_transient"


class OutcomeUnknownError(StorageError):
    """The connection was lost at commit: nobody knows yet whether it happened.

    Load the item to see; or send the command again under the idempotency key that it had: then it is done once, and the
    answer is that of the first time (T3).
    """

    code: ClassVar[str] = "outcome_unknown"


@_error
class PublishError(CasewrightError):
    """Nothing could be published: the broker is not there, does not answer, or takes nothing from anybody.

    Attributes:
        problem: What failed, without any payload.
        advice: What would help.
    """

    code: ClassVar[str] = "publish"
    problem: str
    advice: str = ""

    def __str__(self) -> str:
        """Return one line: problem and advice."""
        return self.problem + (f"; {self.advice}" if self.advice else "")


@_error
class HistoryError(CasewrightError):
    """A sequence of events that is no history: it cannot be folded or read.

    Attributes:
        problem: What is wrong.
        position: The 0-based index of the first event that does not follow; None where no single event is to blame.
    """

    code: ClassVar[str] = "history"
    problem: str
    position: int | None = None

    def __str__(self) -> str:
        """Return one line: position and problem."""
        return self.problem if self.position is None else f"event at position {self.position}: {self.problem}"
