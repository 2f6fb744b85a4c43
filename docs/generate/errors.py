"""The page of errors: each class with its code, its fields, what to do, and its status in HTTP."""

from __future__ import annotations

import inspect
import re
from typing import Any, Final

import attrs

from casewright import Phase, Reason, errors
from casewright.codec import problem_details
from casewright.errors import CasewrightError, RefusedError

from .markdown import code, prose, sentence, table
from .modules import imported, module_names

__all__ = ["error_page"]

# What a program does about each error. A class that is missing here stops the generator, and so its test.
ADVICE: Final = {
    "CasewrightError": "Catch it to catch all of the others.",
    "InvalidInputError": "A bug of the caller, or bad data from outside: show field and problem to whoever sent it.",
    "NotFoundError": "Answer as for an item that never was. Do not tell the two apart.",
    "RefusedError": "Show every reason. Definitions return `Refused` instead; the bus raises this.",
    "ConflictError": "Load the item again and decide anew.",
    "StaleVersionError": "Show the item as it is now to whoever saw the older one. Without an expected version the bus "
    "has tried again already.",
    "AlreadyExistsError": "Choose another id.",
    "NotUniqueError": "Choose another value.",
    "IdempotencyKeyReusedError": "Send the very same command, or a new key.",
    "DefinitionError": "Mend the definition: each problem says where, what and how. See [Problems](problems.md).",
    "UnknownDefinitionError": "Register the definition, or keep the old lifecycle in `earlier=`.",
    "MisuseError": "Mend the calling code: the advice says how.",
    "StorageError": "Tell whoever runs the store.",
    "TransientStorageError": "Try the whole command again, later: the bus has tried some times already.",
    "OutcomeUnknownError": "Send the same command under the [same key](../how-to/retry-safely.md) again. Without a "
    "key, load the item to see whether it happened; a new id or an expected version makes a second try safe.",
    "PublishError": "See that the broker runs and can be reached; a relay tries again by itself.",
    "HistoryError": "Treat the history as damaged: run `verify` and restore it.",
}


def error_page() -> str:
    """Return the page."""
    classes = [cls for cls in vars(errors).values() if inspect.isclass(cls) and issubclass(cls, CasewrightError)]
    tree = inspect.cleandoc(errors.__doc__ or "").split("::\n")[1].split("\n\nEach class")[0]
    parts = [
        "# Errors",
        prose(
            "Every error that casewright raises on purpose is one of these. A refused decision is no error: `decide`",
            "*returns* it, see [Reason codes](reasons.md).",
        ),
        "```text\n" + inspect.cleandoc(tree.strip("\n")) + "\n```",
        prose(
            "Each class has a stable `code`, keeps what it knows as fields, can be pickled, and repeats no user data",
            "in its text. *HTTP* is what `casewright.codec.problem_details` answers; what is the program's own fault",
            "is told there by one fixed sentence.",
        ),
        table(
            ("error", "code", "what happened", "fields", "what to do", "HTTP"),
            (_error(cls) for cls in sorted(classes, key=lambda cls: list(ADVICE).index(cls.__name__))),
        ),
        prose(
            "Nothing in this release raises the following itself: they are classes to catch others by, or words for",
            "what stores and programs of your own may have to say.",
            code(_never_raised()) + ".",
        ),
    ]
    return "\n\n".join(parts)


def _error(cls: type[CasewrightError]) -> tuple[str, ...]:
    name = cls.__name__
    return f"`{name}`", f"`{cls.code}`", sentence(cls.__doc__ or ""), code(_fields(cls)), ADVICE[name], _http(cls)


def _never_raised() -> list[str]:
    others = (name for name in module_names() if not name.startswith(("casewright.errors", "casewright.testing")))
    sources = [inspect.getsource(module) for module in map(imported, others)]
    raised = {name for name in ADVICE for source in sources if re.search(rf"(?<!class )\b{name}\(", source)}
    return [name for name in ADVICE if name not in raised and name != "CasewrightError"]


def _http(cls: Any) -> str:  # noqa: ANN401 - any of the classes, each with other fields
    if cls is RefusedError:
        return ", ".join(
            f"{_status(RefusedError('act', 'id', (Reason('code', phase, 'text'),)))} ({phase})" for phase in Phase
        )
    return _status(cls(*["x"] * len(_fields(cls))))


def _fields(cls: type[CasewrightError]) -> list[str]:
    return [field.name for field in attrs.fields(cls)] if attrs.has(cls) else []


def _status(error: CasewrightError) -> str:
    return str(problem_details(error)["status"])
