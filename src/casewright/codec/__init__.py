"""JSON for what goes into casewright and what comes out of it, and problem details for its errors.

`to_json` and `from_json` need nothing else. `configure` puts the same hooks on a cattrs converter of one's own, so that
one's own classes may hold tasks, events and decisions::

    converter = configure(cattrs.preconf.json.make_converter())

**Read and written**: actors, contexts, tasks, cases (``Item``, told apart by ``kind``), notes, events, payloads,
changes, reasons, verdicts (told apart by ``permitted``), action verdicts, inputs, effects, findings, terms, scopes,
frozen mappings, and the data part of lifecycles; commands, outcomes, filters, orders, pages, and cursors as their
tokens. Instants are written as canonical UTC text (``2026-01-31T12:00:00.000000Z``) and read from any ISO 8601 text
with an offset. The statuses of a lifecycle are an object whose order counts; ``initial`` is a list, or
``{"any_of": [...]}`` where the creator must choose.

**Commands** are objects of their fields, with their class under ``command``: ``{"command": "start_task", "item_id":
"t"}``. `Command` reads any of them, and ``StartTask | BlockTask`` these two; where one class is named, ``command`` may
be left out. What is UNSET is no key: what an `Edit` leaves out stays, and null clears. The same goes for filters.

**Strict** (S1, S2, S7). Whatever comes in, a value, an `InvalidInputError` with the path and without the value, or (of
a lifecycle) a `DefinitionError` comes out. A key that is not known is refused, but of a stored event: a newer version
may have written it. True is not 1, "1" is not 1, a float is nothing. An event's payload is kept as the text it was
hashed as, and parsed on first use only: of an event whose schema number is not known, read the header.

**Limits.** One document: 4 Mi characters (bytes, where bytes are given), integers of 64 bits, no key twice in an
object, no float. JSON values in it (attributes, params): 64 KiB each, 16 deep. Every field: the limit of the domain. A
lifecycle: 200 statuses, 1,000 transitions from 2,000 statuses in all. What is written has no limit of its own.
"""

from __future__ import annotations

from casewright.codec.converting import configure, from_data, from_json, make_converter, to_data, to_json
from casewright.codec.lifecycles import lifecycle_from_data
from casewright.codec.problems import problem_details

__all__ = [
    "configure",
    "from_data",
    "from_json",
    "lifecycle_from_data",
    "make_converter",
    "problem_details",
    "to_data",
    "to_json",
]
