"""The web: who asks, what they are answered."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from casewright import Actor, CasewrightError
from casewright.codec import problem_details
from django_app import services
from django_app.joining import again
from django_app.models import Parcel


def asker(request: HttpRequest) -> Actor:
    """Return who asks. Your own authentication goes here."""
    return Actor(request.headers.get("X-User") or "anonymous")


def shown(parcel: Parcel, status: int = 200) -> JsonResponse:
    """Return the answer that shows a parcel."""
    return JsonResponse({"id": parcel.pk, "task_id": parcel.task_id, "sent": parcel.sent}, status=status)


@csrf_exempt  # only for this example
@require_POST
def order(request: HttpRequest) -> JsonResponse:
    """Order a parcel."""
    return shown(services.order(request.POST["address"], by=asker(request)), 201)


@csrf_exempt  # only for this example
@require_POST
def send(request: HttpRequest, number: int) -> JsonResponse:
    """Say that a parcel was sent."""
    return shown(again(partial(services.send, number, by=asker(request))))


class ProblemMiddleware:
    """Answers errors of casewright's with problem details. Transactions have been rolled back by then."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep what answers."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the problem; None for what is not casewright's, and for what only the log may be told."""
        if not isinstance(exception, CasewrightError):
            return None
        details = problem_details(exception)
        if details["status"] >= 500:
            return None
        return JsonResponse(details, status=details["status"], content_type="application/problem+json")
