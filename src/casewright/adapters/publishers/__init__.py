"""Publishers: where a relay delivers messages to, as CloudEvents 1.0 in JSON.

Each broker has a module of its own, behind an extra of its own where it needs one: `nats`, `redis` and `webhook`. All
of them keep one contract (`casewright.testing.contracts.PublisherContract`):

- Messages are sent one after the other, and the next one only once the broker has the one before. Of an item of which
  one was not delivered none follows (O2).
- A message that the broker cannot take, since it is too large or cannot be read, is answered with the reason.
- Where the broker is not there, does not answer in time, or takes nothing from anybody, `PublishError` is raised. Where
  that happens in the middle, the messages before are told as delivered, the one that met it and those after it as not
  delivered, and the next call raises.
- What was sent and not acknowledged counts as not delivered. So a message may come twice, and never not at all.
- Nothing that is told holds a payload.
"""

from __future__ import annotations

from casewright.adapters.publishers.envelopes import Envelope
from casewright.adapters.publishers.threaded import ThreadedPublisher

__all__ = ["Envelope", "ThreadedPublisher"]
