"""New ids: UUIDs of version 7 as RFC 9562 has them, from a clock and from chance that come in from outside."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given

from casewright import CommandBus, CreateTask, InvalidInputError, uuid7
from casewright.adapters.memory import MemoryStore
from casewright.application.new_ids import system_clock
from support.buses import ANN, DEFINITIONS
from support.values import instants, thorough

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def of(moment: datetime, chance: bytes = bytes(10)) -> UUID:
    """Return the id that is made at the moment of that chance."""
    return UUID(uuid7(lambda: moment, lambda count: chance[:count]))


def test_the_example_of_the_rfc() -> None:
    """The test vector of RFC 9562, appendix A.6, comes out to the last character."""
    moment = datetime(2022, 2, 22, 14, 22, 22, tzinfo=timezone(timedelta(hours=-5)))
    chance = (0xCC3 << 64 | 0x18C4DC0C0C07398F).to_bytes(10, "big")
    assert str(of(moment, chance)) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@thorough(300)
@given(instants())
def test_version_variant_and_time(moment: datetime) -> None:
    """Version 7, variant 10, and the first 48 bits are the milliseconds since 1970, whatever the rest is."""
    milliseconds = max(0, (moment - EPOCH) // timedelta(milliseconds=1))
    for chance in (bytes(10), b"\xff" * 10):
        made = of(moment, chance)
        assert (made.version, made.variant) == (7, "specified in RFC 4122")
        assert made.int >> 80 == milliseconds
        assert TEXT.fullmatch(str(made))


def test_all_other_bits_are_chance() -> None:
    """74 bits are random: each of them follows the bytes it was made of, and no other does."""
    quiet, loud = of(EPOCH), of(EPOCH, b"\xff" * 10)
    assert (quiet.int ^ loud.int).bit_count() == 74
    single = {of(EPOCH, (1 << place).to_bytes(10, "big")).int ^ quiet.int for place in range(80)}
    assert single == {0, *(bit for place in range(80) if (bit := 1 << place) & (quiet.int ^ loud.int))}


def test_later_ids_sort_behind_earlier_ones() -> None:
    """Ids of later milliseconds are larger, as text and as number, whatever chance does."""
    moments = [EPOCH + timedelta(days=days, milliseconds=days) for days in range(0, 60_000, 97)]
    made = [str(of(moment, bytes([255 - number % 256]) * 10)) for number, moment in enumerate(moments)]
    assert made == sorted(made)
    assert str(of(EPOCH, b"\xff" * 10)) < str(of(EPOCH + timedelta(milliseconds=1)))


def test_the_clock_of_the_machine_is_the_default() -> None:
    """Without a clock the time is that of the machine, aware and in UTC."""
    before = system_clock()
    made = UUID(uuid7())
    after = system_clock()
    assert before.utcoffset() == timedelta(0)
    milliseconds = [(moment - EPOCH) // timedelta(milliseconds=1) for moment in (before, after)]
    assert milliseconds[0] <= made.int >> 80 <= milliseconds[1]


def test_a_time_before_1970_is_none() -> None:
    """The 48 bits have no sign: an id that is made before 1970 has zero there, and is an id all the same."""
    early = of(EPOCH - timedelta(days=10_000), b"\x01" * 10)
    assert early == of(EPOCH, b"\x01" * 10)


NAIVE = EPOCH.replace(tzinfo=None)


@pytest.mark.parametrize("moment", [NAIVE, None, 0, "now"], ids=repr)
def test_a_clock_that_tells_no_instant_is_refused(moment: Any) -> None:
    """A naive clock is an InvalidInputError, alone and in a bus, and not an error of arithmetic (S3)."""
    bus = CommandBus(MemoryStore(), DEFINITIONS, clock=lambda: moment)
    for call in (lambda: uuid7(lambda: moment), lambda: bus.execute(CreateTask("A"), by=ANN)):
        with pytest.raises(InvalidInputError) as caught:
            call()
        assert caught.value.field == "clock"
