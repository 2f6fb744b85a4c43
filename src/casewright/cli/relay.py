"""``casewright relay``: deliver what the outbox of a database holds, until it is told to end."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from casewright.adapters.publishers.envelopes import Envelope
from casewright.application.publishing import Publisher
from casewright.application.relay import OutboxRelay
from casewright.application.relay_round import RelayReport
from casewright.application.relay_stops import Waking, stop_on_signals
from casewright.cli.destinations import SECRET, LinePublisher, destination
from casewright.cli.stores import open_store
from casewright.cli.text import say, table, write, write_json
from casewright.errors import InvalidInputError, PublishError

if TYPE_CHECKING:
    from casewright.adapters.sqlalchemy import SqlAlchemyStore

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP: Final = "deliver events to a broker or a webhook"
DESCRIPTION: Final = f"""\
Deliver the events that the outbox of a database holds, as CloudEvents 1.0: at least once, and those of an item in their
order. Any number of relays share the work. One ends on Ctrl-C or SIGTERM, once its batch is done; what came of it all
is printed then. A webhook's requests are signed with the secrets in {SECRET}. NATS needs a stream that takes the
subjects TOPIC.>."""

_AGAIN: Final = "start it again: what was not acknowledged is delivered again"
_COUNTS: Final[Mapping[str, str]] = {
    "delivered": "messages that were delivered",
    "failed": "attempts that were refused, to be made again",
    "dead": "messages that were refused for the last time",
    "lost": "messages that were delivered, and will be once more",
}
_FINDINGS: Final = ("failed", "dead", "lost")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--database", metavar="URL", required=True, help="the database whose outbox it is")
    parser.add_argument(
        "--to",
        metavar="URL",
        required=True,
        help="nats://..., redis://..., valkey://..., https://..., or - for lines of JSON on stdout",
    )
    parser.add_argument(
        "--source", metavar="URI", default="/casewright", help="whose events they are said to be; /casewright"
    )
    parser.add_argument("--prefix", default="casewright", help="what their types begin with; casewright")
    parser.add_argument("--topic", default="casewright", help="the stream, or what subjects begin with; casewright")
    parser.add_argument(
        "--public", metavar="NAME", action="append", default=[], help="an input or field that travels too; repeatable"
    )
    parser.add_argument(
        "--private", metavar="NAME", action="append", default=[], help="one that does not travel; repeatable"
    )
    parser.add_argument("--name", default="relay", help="what it is called in leases and in the log; relay")
    parser.add_argument("--once", action="store_true", help="end as soon as nothing is due")


def run(options: argparse.Namespace) -> int:
    """Deliver; with ``--once``, 1 where a message was refused or could not be acknowledged."""
    if options.json and options.to == "-":
        problem = "prints one object on stdout, where the messages are"
        raise InvalidInputError("--json", problem, "leave it out, or deliver somewhere else")
    envelope = Envelope(source=options.source, prefix=options.prefix, public=options.public, private=options.private)
    with (
        destination(options.to, envelope, topic=options.topic, stdout=sys.stdout) as publisher,
        open_store(options.database, "--database", retry=_AGAIN, there=True) as store,
        _waking(store) as waking,
        _log_said(),
    ):
        store.ping()
        tally = _Tally(publisher)
        relay = OutboxRelay(store, publisher, name=options.name, observers=[tally], waking=waking)
        _work(relay, tally, once=options.once)
    if isinstance(publisher, LinePublisher) and publisher.failed is not None:
        raise publisher.failed
    if options.once and tally.down is not None:
        raise PublishError(f"not everything could be delivered: {tally.down}", _AGAIN)
    _show(tally.counts, options)
    return 1 if options.once and any(tally.counts[name] for name in _FINDINGS) else 0


class _Tally:
    """What came of all rounds; it ends the relay where nobody reads stdout any more."""

    def __init__(self, publisher: Publisher) -> None:
        self.counts: dict[str, int] = dict.fromkeys(_COUNTS, 0)
        self.down: str | None = None
        self.stop = threading.Event()
        self._publisher = publisher

    def __call__(self, report: RelayReport) -> None:
        for name in self.counts:
            self.counts[name] += getattr(report, name)
        self.down = report.down
        if isinstance(self._publisher, LinePublisher) and self._publisher.failed is not None:
            self.stop.set()


def _work(relay: OutboxRelay, tally: _Tally, *, once: bool) -> None:
    with stop_on_signals(tally.stop):
        if not once:
            say("delivering; Ctrl-C or SIGTERM ends it")
            relay.run_forever(tally.stop)
            return
        try:
            while not tally.stop.is_set() and not relay.run_once().idle:
                pass
        finally:
            relay.release()


@contextlib.contextmanager
def _waking(store: SqlAlchemyStore) -> Iterator[Waking | None]:
    """What wakes the relay where the database can: it looks by itself all the same, since not every writer tells."""
    if store.engine.dialect.name != "postgresql":
        yield None
        return
    from casewright.adapters.sqlalchemy.waking import PostgresWaking  # noqa: PLC0415 - an extra

    with contextlib.closing(PostgresWaking(store.engine)) as waking:
        yield waking


class _Saying(logging.Handler):
    """Writes what goes wrong to stderr, a line each."""

    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage())


@contextlib.contextmanager
def _log_said() -> Iterator[None]:
    logger, handler = logging.getLogger("casewright"), _Saying(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _show(counts: Mapping[str, int], options: argparse.Namespace) -> None:
    if options.json:
        write_json(counts, sys.stdout)
    elif options.to == "-":
        say(", ".join(f"{name} {count}" for name, count in counts.items()))
    else:
        write(table([(f"{counts[name]:,}", f"{name}: {what}") for name, what in _COUNTS.items()], right=0), sys.stdout)
