"""casewright under a FastAPI app of one's own: ``docs/how-to/put-under-fastapi.md`` shows it part by part.

Run it: ``uvicorn --app-dir examples --factory fastapi_app:app``.
"""

from __future__ import annotations

import logging
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy import Engine, create_engine

from casewright import (
    REGULATORY_CASE,
    TASK,
    Actor,
    CaseFilter,
    CasewrightError,
    CommandBus,
    Cursor,
    Event,
    InvalidInputError,
    LoggingObserver,
    MisuseError,
    OpenCase,
    Order,
    Perform,
    StaleVersionError,
    StartReview,
    StorageError,
    WorkItem,
)
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.codec import from_data, problem_details, to_data

__all__ = ["app", "create_app"]

LOGGER: Final = logging.getLogger(__name__)
STAFF: Final = {
    "token-of-wim": Actor("wim", roles=["case_writer"]),
    "token-of-rita": Actor("rita", roles=["reviewer"]),
    "token-of-sam": Actor("sam"),
}


def asker(authorization: Annotated[str, Header()] = "") -> Actor:
    """Return who asks. Your own authentication goes here."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or token not in STAFF:
        raise HTTPException(401, "give a token", headers={"WWW-Authenticate": "Bearer"})
    return STAFF[token]


def version_seen(if_match: Annotated[str | None, Header(pattern=r'^"[0-9]{1,18}"$')] = None) -> int | None:
    """Return the version of the item that the caller has seen: it was the ETag of the answer."""
    return None if if_match is None else int(if_match.strip('"'))


def bus_of(request: Request) -> CommandBus:
    """Return the bus of the application."""
    bus: CommandBus = request.app.state.bus
    return bus


By = Annotated[Actor, Depends(asker)]
Seen = Annotated[int | None, Depends(version_seen)]
Key = Annotated[str | None, Header(alias="Idempotency-Key")]
Bus = Annotated[CommandBus, Depends(bus_of)]
Json = dict[str, Any]

router = APIRouter()


@router.post("/cases", status_code=201)
def open_case(body: Json, *, by: By, bus: Bus, response: Response, key: Key = None) -> Json:
    """Open a case."""
    return tagged(bus.execute(from_data(body, OpenCase), by=by, key=key), response)


def tagged(item: WorkItem, response: Response) -> Json:
    """Return the JSON of an item, and make its version the ETag of the answer."""
    response.headers["ETag"] = f'"{item.version}"'
    shown: Json = to_data(item)
    return shown


@router.post("/items/{item_id}/actions/{action}")
def perform(
    item_id: str,
    action: str,
    *,
    by: By,
    seen: Seen,
    bus: Bus,
    response: Response,
    inputs: Json | None = None,
    key: Key = None,
) -> Json:
    """Perform any action of any lifecycle, or any verb."""
    command = Perform(item_id, action, inputs or {})
    return tagged(bus.execute(command, by=by, expected_version=seen, key=key), response)


class Review(BaseModel, extra="forbid"):
    """Who is to review a case."""

    reviewer_id: str


@router.post("/cases/{case_id}/review")
def start_review(case_id: str, body: Review, *, by: By, seen: Seen, bus: Bus, response: Response) -> Json:
    """Begin the review of a case."""
    return tagged(bus.execute(StartReview(case_id, body.reviewer_id), by=by, expected_version=seen), response)


@router.get("/items/{item_id}")
def get_item(item_id: str, *, by: By, bus: Bus, response: Response) -> Json:
    """Show an item."""
    return tagged(bus.get(item_id, by=by), response)


@router.get("/items/{item_id}/detail")
def show_detail(item_id: str, *, by: By, bus: Bus, response: Response) -> Json:
    """Show an item with its buttons: what the caller can do with it now, why not, and what it would need."""
    item = tagged(bus.get(item_id, by=by), response)
    return {"item": item, "actions": to_data(bus.actions(item_id, by=by))}


@router.get("/items/{item_id}/actions")
def list_actions(item_id: str, *, by: By, bus: Bus) -> list[Json]:
    """Say for each action whether the caller can do it now, why not, and what it would need."""
    shown: list[Json] = to_data(bus.actions(item_id, by=by))
    return shown


@router.get("/items/{item_id}/history")
def show_history(item_id: str, *, by: By, bus: Bus, after: int = 0) -> list[Json]:
    """Show what happened to an item, a hundred events at a time."""
    return [told(event) for event in bus.history(item_id, by=by, after=after, limit=100)]


def told(event: Event) -> Json:
    """Return what a person is shown of an event."""
    payload = event.payload  # None where it was erased
    return {
        "version": event.version,
        "action": event.action,
        "name": event.name,
        "to_status": event.to_status,
        "actor_id": event.actor_id,
        "on_behalf_of": event.on_behalf_of,
        "occurred_at": to_data(event.occurred_at),
        "inputs": None if payload is None else to_data(payload.inputs),
        "changes": None if payload is None else to_data(payload.changes),
    }


class CaseList(BaseModel, extra="forbid"):
    """Which cases are to be listed."""

    status: list[str] | None = None
    open: bool | None = None
    limit: int = 50
    cursor: str | None = None


@router.get("/cases")
def find_cases(asked: Annotated[CaseList, Query()], *, by: By, bus: Bus) -> Json:
    """List the cases that the caller may see, the newest first."""
    page = bus.find(
        CaseFilter(status=asked.status, open=asked.open),
        by=by,
        order=Order("created", descending=True),
        limit=asked.limit,
        after=None if asked.cursor is None else Cursor.from_token(asked.cursor),
    )
    shown: Json = to_data(page)
    return shown


def problem(request: Request, error: Exception) -> Response:
    """Answer an error of casewright with problem details (RFC 9457)."""
    assert isinstance(error, CasewrightError)
    details = problem_details(error)
    if isinstance(error, StaleVersionError) and "if-match" in request.headers:
        details["status"] = 412
    if details["status"] >= 500:
        LOGGER.error("%s %r failed", request.method, request.url.path, exc_info=error)
    return JSONResponse(details, details["status"], media_type="application/problem+json")


def invalid(request: Request, error: Exception) -> Response:
    """Answer what FastAPI itself found wrong in the same form."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    return problem(request, InvalidInputError(".".join(map(str, first["loc"])), first["msg"]))


@router.get("/ready", include_in_schema=False)
def ready(request: Request) -> Response:
    """Say whether requests can be served now: 204, or 503 where the database is away or holds other tables."""
    store: SqlAlchemyStore = request.app.state.store
    try:
        store.ping()
    except (StorageError, MisuseError) as error:
        LOGGER.warning("not ready: %s", error)
        return Response(status_code=503)
    return Response(status_code=204)


def create_app(engine: Engine) -> FastAPI:
    """Return the application on a database."""
    store = SqlAlchemyStore(engine)
    store.create_schema()
    made = FastAPI(title="Cases")
    made.state.store = store
    made.state.bus = CommandBus(store, definitions=[REGULATORY_CASE, TASK], observers=[LoggingObserver()])
    made.include_router(router)
    made.add_exception_handler(CasewrightError, problem)
    made.add_exception_handler(RequestValidationError, invalid)
    return made


def app() -> FastAPI:
    """Return the application on a file in the present folder."""
    return create_app(create_engine("sqlite:///cases.db"))
