"""``casewright outbox``: look after what is to be delivered: what waits, dead letters, and what was published."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from casewright.application.ports import OutboxPointer
from casewright.application.relaying import Backlog
from casewright.cli.stores import open_store
from casewright.cli.text import paragraph, table, write, write_json
from casewright.domain.values import instant_text
from casewright.errors import InvalidInputError

if TYPE_CHECKING:
    from casewright.adapters.sqlalchemy import SqlAlchemyStore

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP: Final = "look after the outbox: what waits, dead letters, what was published"
DESCRIPTION: Final = """\
list: how much is not published yet, of all tenants, and the first messages of one tenant. dead: the dead letters of all
tenants, each with its cause; 1 where there is one. replay: let dead letters be tried again, in the order of their
items. purge: drop for good, with --older-than what was published so long ago, with --dead one dead letter, after which
the later ones of its item go on. The histories keep all of it."""

_AGAIN: Final = "start it again: what is done already is not done twice"
_VERSION: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_AGE: Final = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_BATCH: Final = 1000
_OPTIONS: Final[Mapping[str, frozenset[str]]] = {
    "tenant": frozenset({"list", "replay", "purge"}),
    "item": frozenset({"replay"}),
    "limit": frozenset({"list", "dead"}),
    "older_than": frozenset({"purge"}),
    "dead": frozenset({"purge"}),
}
"""Which option is for what."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("what", choices=_DOING, help="what to do")
    parser.add_argument("--database", metavar="URL", required=True, help="the database whose outbox it is")
    parser.add_argument("--tenant", metavar="NAME", help="list, replay, purge --dead: only this tenant's")
    parser.add_argument("--item", metavar="ID", help="replay: only those of this item")
    parser.add_argument("--limit", metavar="N", type=int, help="list, dead: show at most so many; 100")
    parser.add_argument("--older-than", metavar="AGE", help="purge: what was published, such as 90s, 12h or 30d ago")
    parser.add_argument("--dead", metavar="EVENT", help="purge: the dead letter of this event, such as R-17.3")


def run(options: argparse.Namespace) -> int:
    """Do what was asked for; 1 where there are dead letters, or where there is none of that name to be dropped."""
    for name, meant in _OPTIONS.items():
        if getattr(options, name) is not None and options.what not in meant:
            option = f"--{name.replace('_', '-')}"
            raise InvalidInputError(option, f"is not for {options.what}", "leave it out")
    if options.limit is not None and options.limit < 1:
        raise InvalidInputError("--limit", "must be from 1")
    if options.what == "purge" and (options.older_than is None) == (options.dead is None):
        raise InvalidInputError("purge", "drops one thing at a time", "add either --older-than or --dead")
    with open_store(options.database, "--database", retry=_AGAIN, there=True) as store:
        store.ping()
        return _DOING[options.what](store, options)


def _list(store: SqlAlchemyStore, options: argparse.Namespace) -> int:
    backlog = store.backlog()
    with store.begin(tenant=options.tenant or "", write=False) as uow:
        waiting = uow.pending(limit=_limit(options))
    if options.json:
        write_json({**_counted(backlog), "messages": [_told(one) for one in waiting]}, sys.stdout)
        return 0
    counts = [
        (f"{backlog.pending:,}", "pending: nothing keeps them from being delivered"),
        (f"{backlog.parked:,}", "parked: behind one that was refused, or until its next attempt"),
        (f"{backlog.dead:,}", "dead letters"),
    ]
    write(table(counts, right=0), sys.stdout)
    if backlog.oldest is not None:
        write(f"\nThe oldest was recorded {_age(backlog.lag)} ago.", sys.stdout)
    if waiting:
        whose = "without a tenant" if not options.tenant else f"of {options.tenant}"
        write(f"\n{paragraph(f'The first messages {whose}:')}\n{_table(waiting, backlog.now)}", sys.stdout)
    return 0


def _dead(store: SqlAlchemyStore, options: argparse.Namespace) -> int:
    found = tuple(islice(_dead_letters(store), _limit(options)))
    if options.json:
        write_json({"dead": [_told(one) for one in found]}, sys.stdout)
    elif found:
        write(_table(found, store.backlog().now), sys.stdout)
    else:
        write("there are no dead letters", sys.stdout)
    return 1 if found else 0


def _replay(store: SqlAlchemyStore, options: argparse.Namespace) -> int:
    count = store.replay_dead(tenant=options.tenant, item_id=options.item)
    _say_count("replayed", count, "dead letters that are due again", as_json=options.json)
    return 0


def _purge(store: SqlAlchemyStore, options: argparse.Namespace) -> int:
    if options.dead is None:
        count = sum(_batches(store, _before(store.backlog().now, options.older_than)))
        _say_count("purged", count, "published messages that were dropped", as_json=options.json)
        return 0
    item_id, _, version = options.dead.rpartition(".")
    if not item_id or _VERSION.fullmatch(version) is None:
        raise InvalidInputError(
            "--dead", "is no id of an event", "write it like R-17.3: the item's, a dot, its version"
        )
    count = store.purge_dead(tenant=options.tenant or "", item_id=item_id, version=int(version))
    _say_count("purged", count, "dead letters that were dropped", as_json=options.json)
    return 0 if count else 1


def _dead_letters(store: SqlAlchemyStore) -> Iterator[OutboxPointer]:
    last: OutboxPointer | None = None
    while found := store.dead_letters(limit=_BATCH, after=last):
        yield from found
        last = found[-1]


def _batches(store: SqlAlchemyStore, before: datetime) -> Iterator[int]:
    while count := store.purge_published(before=before, limit=_BATCH):
        yield count


_DOING: Final[Mapping[str, Callable[[SqlAlchemyStore, argparse.Namespace], int]]] = {
    "list": _list,
    "dead": _dead,
    "replay": _replay,
    "purge": _purge,
}


def _limit(options: argparse.Namespace) -> int:
    limit: int = 100 if options.limit is None else options.limit
    return limit


def _before(now: datetime, age: str) -> datetime:
    found = _AGE.fullmatch(age)
    if found is None:
        raise InvalidInputError("--older-than", "is no age", "write a number and s, m, h or d, such as 30d")
    try:
        return now - timedelta(**{_UNITS[found[2]]: int(found[1])})
    except OverflowError:
        raise InvalidInputError("--older-than", "is longer ago than time goes back", "such as 30d") from None


def _say_count(name: str, count: int, what: str, *, as_json: bool) -> None:
    if as_json:
        write_json({name: count}, sys.stdout)
    else:
        write(f"{what}: {count:,}", sys.stdout)


def _counted(backlog: Backlog) -> dict[str, Any]:
    return {
        "pending": backlog.pending,
        "parked": backlog.parked,
        "dead": backlog.dead,
        "oldest": None if backlog.oldest is None else instant_text(backlog.oldest),
        "lag_seconds": backlog.lag.total_seconds(),
    }


def _told(pointer: OutboxPointer) -> dict[str, Any]:
    times = {"next_at": pointer.next_at, "dead_at": pointer.dead_at}
    return {
        "tenant": pointer.tenant,
        "item_id": pointer.item_id,
        "version": pointer.version,
        "attempts": pointer.attempts,
        "error": pointer.error,
        **{name: None if moment is None else instant_text(moment) for name, moment in times.items()},
    }


def _table(pointers: Iterable[OutboxPointer], now: datetime) -> str:
    return table([_row(one, now) for one in pointers])


def _row(pointer: OutboxPointer, now: datetime) -> tuple[str, ...]:
    where = f"{pointer.item_id}.{pointer.version}" + (f" of {pointer.tenant}" if pointer.tenant else "")
    state = "new" if not pointer.attempts else f"{pointer.attempts} attempts"
    if pointer.dead_at is not None:
        state = f"dead for {_age(now - pointer.dead_at)}, {state}"
    elif pointer.next_at is not None:
        state = f"next in {_age(pointer.next_at - now)}, {state}"
    return where, state, pointer.error or ""


def _age(span: timedelta) -> str:
    seconds = max(0, int(span.total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
