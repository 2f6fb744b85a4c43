"""``casewright verify``: go through all that a database holds, and say what does not hold."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal, Self

import attrs

from casewright.application.anchors import Anchor, AnchorWriter, HmacKey, anchored, read_anchor
from casewright.application.proving import Mark, Proof, proved
from casewright.cli.progress import Progress
from casewright.cli.stores import open_store, reach
from casewright.cli.text import paragraph, say, table, write, write_json
from casewright.errors import InvalidInputError

if TYPE_CHECKING:
    from casewright.adapters.sqlalchemy import SqlAlchemyStore

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP: Final = "prove every history in a database"
DESCRIPTION: Final = """\
Go through all items of all tenants: each history must follow from its first event to its last, each row must be what
its history makes, each note what its event tells of, and there must be as many events as versions. A cut tail, a
dropped item and a history that was rewritten as a whole can only be found with an anchor: a file that an earlier run
has written with --write-anchor, kept where nobody who writes to the database can write. Nothing in the database is
changed. Stopped anywhere, it goes on from its checkpoint with --resume."""

_PAGE: Final = 500
_LISTED: Final = 10_000
"""How many findings are kept, so that memory does not grow."""
_SHOWN: Final = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--database", required=True, metavar="URL", help="the database, such as sqlite:///cases.db")
    parser.add_argument("--checkpoint", metavar="FILE", help="where to keep how far it has come, while it runs")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint, if there is one")
    parser.add_argument("--anchor", metavar="FILE", help="an anchor to compare with")
    parser.add_argument("--write-anchor", metavar="FILE", help="write an anchor, if there are no findings")
    parser.add_argument("--key-file", metavar="FILE", help="the secret that anchors are signed with (HMAC-SHA-256)")


def run(options: argparse.Namespace) -> int:
    """Go through the database, and print what came of it; 1 where anything does not hold."""
    _check(options)
    key = None if options.key_file is None else HmacKey(_content(options.key_file, "--key-file"))
    started = perf_counter()
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(open_store(options.database, "--database", retry="start it again", there=True))
        marks, held = _marks(options.anchor, key, stack)
        checkpoint = _Checkpoint(options.checkpoint, _name(store, held))
        tally = checkpoint.read() if options.resume else _Tally()
        draft = None if options.write_anchor is None else stack.enter_context(_Draft(options.write_anchor))
        _go_through(store, tally, marks, checkpoint, draft)
        made = None if draft is None or tally.found else draft.keep(key)
    checkpoint.remove()
    seconds = perf_counter() - started
    if options.json:
        write_json(_json(tally, seconds, held, made), sys.stdout)
    else:
        write(_text(tally, seconds, held, made), sys.stdout)
    return 1 if tally.found else 0


def _check(options: argparse.Namespace) -> None:
    if options.resume and options.checkpoint is None:
        raise InvalidInputError("--resume", "needs to know where it was", "add --checkpoint")
    if options.resume and options.write_anchor is not None:
        raise InvalidInputError("--resume", "cannot go on with an anchor that was begun", "leave one of the two out")
    if options.key_file is not None and options.anchor is None and options.write_anchor is None:
        raise InvalidInputError("--key-file", "is for an anchor", "add --anchor or --write-anchor")


@attrs.define
class _Tally:
    """What was counted up to a place."""

    after: tuple[str, str] | None = None
    items: int = 0
    events: int = 0
    erased: int = 0
    missing: int = 0
    found: int = 0
    findings: list[dict[str, Any]] = attrs.Factory(list)

    def add(self, proof: Proof) -> None:
        """Count one item more."""
        self.after = proof.place
        self.items += 1
        self.events += proof.events
        self.erased += proof.erased
        self.missing += abs(proof.missing)
        self.found += len(proof.findings)
        for finding in proof.findings[: max(0, _LISTED - len(self.findings))]:
            place = {"tenant": proof.tenant, "item": proof.item_id, "position": finding.position}
            self.findings.append({**place, "code": finding.code, "text": finding.text})


class _Checkpoint:
    """How far a run has come, in a file that is whole at any time; nothing where there is no path."""

    def __init__(self, path: str | None, name: str) -> None:
        self._path = path
        self._name = name

    def read(self) -> _Tally:
        if self._path is None or not os.path.exists(self._path):
            return _Tally()
        try:
            name, kept = json.loads(_content(self._path, "--checkpoint"))
            tenant, item_id = kept.pop("after")
            tally = _Tally(**kept, after=(str(tenant), str(item_id)))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise InvalidInputError("--checkpoint", "is no checkpoint", "leave --resume out, to begin anew") from None
        if name != self._name:
            problem = "is of another database, or of another anchor"
            raise InvalidInputError("--checkpoint", problem, "leave --resume out, to begin anew")
        say(f"going on after {tally.items:,} items")
        return tally

    def write(self, tally: _Tally) -> None:
        if self._path is not None:
            text = json.dumps([self._name, attrs.asdict(tally)])
            with _opened(f"{self._path}.part", "wb", "--checkpoint") as file:
                file.write(text.encode("ascii"))
            os.replace(f"{self._path}.part", self._path)

    def remove(self) -> None:
        if self._path is not None:
            with contextlib.suppress(OSError):
                os.remove(self._path)


class _Draft:
    """An anchor that gets its name when it is whole, and only where there are no findings."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._part = f"{path}.part"
        self._file = _opened(self._part, "wb", "--write-anchor")
        self._writer = AnchorWriter(self._file, at=datetime.now(UTC))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        with contextlib.suppress(OSError):
            os.remove(self._part)

    def add(self, proof: Proof) -> None:
        self._writer.add(proof)

    def keep(self, key: HmacKey | None) -> Anchor:
        anchor = self._writer.finish(None if key is None else key.sign)
        self._file.close()
        os.replace(self._part, self._path)
        return anchor


def _go_through(
    store: SqlAlchemyStore, tally: _Tally, marks: Iterator[Mark], checkpoint: _Checkpoint, draft: _Draft | None
) -> None:
    reach(store)
    progress = Progress(sys.stderr)
    proofs = proved(store, after=tally.after, marks=marks, page=_PAGE)
    try:
        for proof in progress.follow(proofs, "verifying", store.kept_items(), lambda _: tally.items):
            tally.add(proof)
            if draft is not None and not tally.found:
                draft.add(proof)
            if tally.items % _PAGE == 0:
                checkpoint.write(tally)
    finally:
        progress.clear()


def _marks(path: str | None, key: HmacKey | None, stack: contextlib.ExitStack) -> tuple[Iterator[Mark], Anchor | None]:
    """Return the marks of an anchor that is whole, and what its ends say."""
    if path is None:
        return iter(()), None
    try:
        with _opened(path, "rb", "--anchor") as file:
            anchor = read_anchor(file, check=None if key is None else key.check)
    except InvalidInputError as error:
        raise InvalidInputError("--anchor", error.problem, error.advice) from None
    if anchor.signature is not None and key is None:
        say("the anchor is signed, and without --key-file nobody has checked by whom")
    return _again(stack.enter_context(_opened(path, "rb", "--anchor")), anchor), anchor


def _again(file: BinaryIO, anchor: Anchor) -> Iterator[Mark]:
    """Yield the marks of an anchor that was found whole, and check that they are the same: a pipe is read once."""
    try:
        yield from anchored(file, anchor)
    except InvalidInputError as error:
        raise InvalidInputError("--anchor", "cannot be read twice", "name a file that nobody writes to") from error


def _name(store: SqlAlchemyStore, held: Anchor | None) -> str:
    """What a checkpoint is of, without saying it."""
    address = store.engine.url
    if address.get_backend_name() == "sqlite" and address.database:  # a path, which may be relative to the folder
        address = address.set(database=os.path.abspath(address.database))
    url = address.render_as_string(hide_password=True)
    return hashlib.sha256(f"{url}\n{'' if held is None else held.sha256}".encode()).hexdigest()


def _opened(path: str, mode: Literal["rb", "wb"], option: str) -> BinaryIO:
    try:
        return open(path, mode)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "that is no path"
        raise InvalidInputError(option, f"cannot be opened: {why}") from None


def _content(path: str, option: str) -> bytes:
    with _opened(path, "rb", option) as file:
        return file.read()


def _json(tally: _Tally, seconds: float, held: Anchor | None, made: Anchor | None) -> dict[str, object]:
    """What ``--json`` prints."""
    return {
        "items": tally.items,
        "events": tally.events,
        "erased": tally.erased,
        "missing": tally.missing,
        "findings": tally.findings,
        "unlisted": tally.found - len(tally.findings),
        "anchor": None if held is None else held.sha256,
        "written": None if made is None else made.sha256,
        "seconds": round(seconds, 3),
    }


def _text(tally: _Tally, seconds: float, held: Anchor | None, made: Anchor | None) -> str:
    """What is printed for people."""
    counts = [
        ("items", f"{tally.items:,}", ""),
        ("events", f"{tally.events:,}", ""),
        ("  erased", f"{tally.erased:,}", "which is no finding"),
        ("versions without an event", f"{tally.missing:,}", ""),
        ("findings", f"{tally.found:,}", ""),
    ]
    parts = [table(counts, right=1)]
    if tally.findings:
        rows = [
            (one["tenant"] or "-", one["item"], str(one["position"]), one["text"]) for one in tally.findings[:_SHOWN]
        ]
        parts.append(table([("tenant", "item", "position", "what does not hold"), *rows]))
        more = tally.found - len(rows)
        parts += [f"  and {more:,} more; --json lists them"] if more else []
    if held is None:
        parts.append(paragraph(_WITHOUT))
    else:
        since = f"compared with the anchor of {held.made_at:%Y-%m-%d %H:%M} UTC: {held.items:,} items, "
        parts.append(paragraph(f"{since}{held.events:,} events"))
    if made is not None:
        parts.append(paragraph(f"wrote an anchor; keep it, or at least its last line, elsewhere: {made.sha256}"))
    return "\n\n".join([*parts, f"{tally.events:,} events in {seconds:.2f} s"])


_WITHOUT: Final = (
    "without an anchor nobody can tell whether a tail was cut, an item dropped, or a history rewritten as a whole"
)
