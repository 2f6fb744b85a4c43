"""Which of Hypothesis' own alarms are off where a strategy builds whole definitions: they say slow, not wrong."""

from __future__ import annotations

from typing import Final

from hypothesis import HealthCheck

SLOW_IS_FINE: Final[list[HealthCheck]] = [
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
    HealthCheck.large_base_example,
]
