"""Dates as typed, and waiting in working hours."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.errors import Invalid
from locum.hours import WorkingHours, parse_when

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NOW = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
OFFICE = WorkingHours.parse("mon-fri 09:00-17:00")


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-12-25", "Europe/Amsterdam", "2026-12-24T23:00:00+00:00"),
        ("2026-07-01", "Europe/Amsterdam", "2026-06-30T22:00:00+00:00"),
        ("2026-12-25", "Pacific/Kiritimati", "2026-12-24T10:00:00+00:00"),
        ("2026-12-25", "Pacific/Pago_Pago", "2026-12-25T11:00:00+00:00"),
        ("2026-12-25T09:00", "Europe/Amsterdam", "2026-12-25T08:00:00+00:00"),
        ("2026-12-25T09:00+03:00", "Europe/Amsterdam", "2026-12-25T06:00:00+00:00"),
        ("2026-12-25T09:00Z", "Asia/Tokyo", "2026-12-25T09:00:00+00:00"),
        ("now", "Asia/Tokyo", "2026-11-23T15:30:00+00:00"),
    ],
)
def test_a_date_means_the_start_of_that_day_in_her_zone(text: str, zone: str, expected: str) -> None:
    assert parse_when(text, ZoneInfo(zone), NOW).isoformat() == expected


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2026-13-01", "2026-02-30", "25-12-2026", "2026-12-25T25:00", "0001-01-01T00:00+23:00"]
)
def test_what_is_no_date_is_said_so(text: str) -> None:
    with pytest.raises(Invalid, match="bad-time"):
        parse_when(text, AMSTERDAM, NOW)


def test_four_hours_from_late_afternoon_end_the_next_working_day() -> None:
    monday_1630 = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
    assert OFFICE.after(monday_1630, 4, AMSTERDAM) == datetime(2026, 11, 24, 11, 30, tzinfo=UTC)


def test_a_weekend_does_not_count() -> None:
    friday_1600 = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)
    assert OFFICE.after(friday_1600, 2, AMSTERDAM) == datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


def test_a_holiday_does_not_count() -> None:
    office = WorkingHours.parse("mon-fri 09:00-17:00", frozenset({date(2026, 12, 25)}))
    christmas_eve_1630 = datetime(2026, 12, 24, 15, 30, tzinfo=UTC)
    assert office.after(christmas_eve_1630, 1, AMSTERDAM) == datetime(2026, 12, 28, 8, 30, tzinfo=UTC)


def test_hours_are_those_of_her_zone() -> None:
    assert OFFICE.after(NOW, 1, ZoneInfo("America/New_York")) == NOW + timedelta(hours=1)


def test_no_hours_is_no_wait() -> None:
    assert OFFICE.after(NOW, 0, AMSTERDAM) == NOW


def test_round_the_clock_is_sayable() -> None:
    always = WorkingHours.parse("mon-sun 00:00-24:00")
    assert always.after(NOW, 30, AMSTERDAM) == NOW + timedelta(hours=30)


@pytest.mark.parametrize("text", ["", "mon-fri", "mon-fri 17:00-09:00", "foo-fri 09:00-17:00", "mon-fri 09:00-25:00"])
def test_bad_working_hours_are_refused(text: str) -> None:
    with pytest.raises(Invalid, match="bad-working-hours"):
        WorkingHours.parse(text)


@given(
    st.integers(0, 2 * 365 * 24 * 60).map(
        lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    st.floats(0.1, 60),
    st.sampled_from(["Europe/Amsterdam", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/Sao_Paulo"]),
)
def test_the_wait_is_never_shorter_than_asked_and_ends_in_working_time(
    start: datetime, hours: float, name: str
) -> None:
    zone = ZoneInfo(name)
    begin = start
    end = OFFICE.after(begin, hours, zone)
    assert end - begin >= timedelta(hours=hours) - timedelta(microseconds=2)
    local = end.astimezone(zone)
    assert local.weekday() < 5
    assert (
        timedelta(hours=9)
        <= timedelta(hours=local.hour, minutes=local.minute, seconds=local.second)
        <= timedelta(hours=17)
    )
