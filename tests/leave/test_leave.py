"""Who is away: from CSV and from calendars, in everyone's own time zone, and never why."""

import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from locum.absence import Absence
from locum.errors import Garbled, Invalid, LocumError, Rejected, Unreachable
from locum.leave import sources
from locum.leave.fetch import calendar
from locum.leave.ical import LeaveIcal, days
from locum.messages import LANGUAGES, say
from locum.people.csv import PeopleCsv

SINCE, UNTIL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)

OPENSSL = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")


@pytest.fixture
def people(tmp_path: Path) -> PeopleCsv:
    path = tmp_path / "people.csv"
    path.write_text(
        "person,name,mailbox,aliases,time_zone\n"
        "anna,Anna de Vries,anna@corp.test,a.devries@corp.test,\n"
        "eva,Eva O'Brien,eva@corp.test,,America/New_York\n"
        "kim,Kim,kim@corp.test,,Pacific/Kiritimati\n"
        "jan,Jan Jansen,jan@corp.test,,\n"
        "jan2,Jan Jansen,jan2@corp.test,,\n"
    )
    return PeopleCsv(path, default_language="nl", default_time_zone="Europe/Amsterdam")


def told(error: LocumError) -> str:
    for language in LANGUAGES:
        assert say(language, f"errors.{error.key}.sentence", **error.values)
    return error.key


def spans(found: list[Absence]) -> list[tuple[str, str, str]]:
    return [(one.person, f"{one.from_at:%Y-%m-%dT%H:%M}", f"{one.until_at:%Y-%m-%dT%H:%M}") for one in found]


# CSV


def from_csv(folder: Path, people: PeopleCsv, text: str) -> list[Absence]:
    path = folder / "leave.csv"
    path.write_text(text, "utf-8")
    (source,) = sources(path, (), people, "Europe/Amsterdam")
    return list(source.absences(SINCE, UNTIL))


def test_a_day_in_the_list_is_a_day_where_she_lives(tmp_path: Path, people: PeopleCsv) -> None:
    rows = "person,from,until\nanna,2026-12-21,2026-12-25\neva@corp.test,2026-12-21,2026-12-22\nkim,2026-12-21T13:00,2026-12-22\n"
    assert spans(from_csv(tmp_path, people, rows)) == [
        ("anna", "2026-12-20T23:00", "2026-12-24T23:00"),
        ("eva", "2026-12-21T05:00", "2026-12-22T05:00"),
        ("kim", "2026-12-20T23:00", "2026-12-21T10:00"),
    ]


def test_the_kind_of_leave_is_dropped(tmp_path: Path, people: PeopleCsv) -> None:
    found = from_csv(tmp_path, people, "kind;person;from;until\nziek;anna;2026-12-21;2026-12-25\n")
    assert len(found) == 1
    assert "ziek" not in repr(found)


def test_only_absences_within_the_window_are_given(tmp_path: Path, people: PeopleCsv) -> None:
    rows = "person,from,until\nanna,2026-10-01,2026-11-01\nanna,2027-01-02,2027-01-03\nanna,2026-10-20,2027-02-01\n"
    found = from_csv(tmp_path, people, rows)
    assert [one.until_at.year for one in found] == [2027]


def test_a_row_about_somebody_who_is_gone_is_passed_over(tmp_path: Path, people: PeopleCsv) -> None:
    assert from_csv(tmp_path, people, "person,from,until\npiet,2026-12-21,2026-12-25\n") == []


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("person,from\n", "leave-no-column", ":1"),
        ("", "leave-no-column", ":1"),
        ("person,from,until\n\nanna,21-12-2026,2026-12-25\n", "leave-bad-date", ":3"),
        ("person,from,until\nanna,2026-12-21,\n", "leave-bad-date", ":2"),
        ("person,from,until\nanna,2026-12-24,2026-12-24\n", "leave-end-before-start", ":2"),
        ('person,from,until\nanna,"2026-12-24,2026-12-24\n', "leave-not-csv", ":2"),
    ],
)
def test_a_mistake_in_the_list_is_told_with_its_line(
    tmp_path: Path, people: PeopleCsv, text: str, key: str, line: str
) -> None:
    with pytest.raises(Invalid) as caught:
        from_csv(tmp_path, people, text)
    assert told(caught.value) == key
    assert caught.value.values["file"].endswith(line)


def test_a_list_that_is_not_there_is_worth_another_try(tmp_path: Path, people: PeopleCsv) -> None:
    (source,) = sources(tmp_path / "none.csv", (), people, "Europe/Amsterdam")
    with pytest.raises(Unreachable, match="leave-unreadable"):
        list(source.absences(SINCE, UNTIL))


# calendars


def ics(*events: str, more: str = "") -> bytes:
    inside = "".join(
        f"BEGIN:VEVENT\r\nUID:{number}@x\r\nDTSTAMP:20261101T000000Z\r\n"
        + "".join(f"{line.strip()}\r\n" for line in event.strip().splitlines())
        + "END:VEVENT\r\n"
        for number, event in enumerate(events)
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t//\r\n{more}{inside}END:VCALENDAR\r\n".encode()


def from_ics(folder: Path, people: PeopleCsv, *events: str, more: str = "") -> list[Absence]:
    path = folder / "leave.ics"
    path.write_bytes(ics(*events, more=more))
    return list(LeaveIcal(str(path), people, "Europe/Amsterdam").absences(SINCE, UNTIL))


ALL_DAY = "DTSTART;VALUE=DATE:20261221\nDTEND;VALUE=DATE:20261225\n"


@pytest.mark.parametrize(
    "whose",
    [
        "ATTENDEE:mailto:Anna@Corp.test",
        "ATTENDEE;PARTSTAT=ACCEPTED:MAILTO:a.devries@corp.test",
        "ORGANIZER:mailto:anna@corp.test",
        "SUMMARY:Anna de Vries",
        "SUMMARY:vakantie ANNA DE VRIES (ziek)",
        "SUMMARY:Vries\\, Anna de - verlof",
        "SUMMARY:Afwezig <anna@corp.test>",
        "SUMMARY:Anna de Vries\nORGANIZER:mailto:eva@corp.test",
        "ATTENDEE:mailto:anna@corp.test\nATTENDEE:mailto:eva@corp.test\nORGANIZER:mailto:eva@corp.test",
        "ATTENDEE:mailto:anna@corp.test\nATTENDEE;PARTSTAT=DECLINED:mailto:eva@corp.test",
    ],
)
def test_an_event_is_hers_by_address_or_by_name(tmp_path: Path, people: PeopleCsv, whose: str) -> None:
    assert spans(from_ics(tmp_path, people, ALL_DAY + whose)) == [("anna", "2026-12-20T23:00", "2026-12-24T23:00")]


@pytest.mark.parametrize(
    "whose", ["SUMMARY:Jan Jansen", "SUMMARY:Annabel de Vries", "SUMMARY:Anna", "SUMMARY:Kerstborrel", "SUMMARY:"]
)
def test_a_name_that_tells_nobody_apart_is_nobodys(tmp_path: Path, people: PeopleCsv, whose: str) -> None:
    assert from_ics(tmp_path, people, ALL_DAY + whose) == []


def test_an_event_can_be_about_several_people(tmp_path: Path, people: PeopleCsv) -> None:
    found = from_ics(tmp_path, people, ALL_DAY + "SUMMARY:Eva O'Brien en Anna de Vries naar Rome")
    assert [one.person for one in found] == ["eva", "anna"]


def test_an_all_day_event_is_a_day_where_she_lives(tmp_path: Path, people: PeopleCsv) -> None:
    found = from_ics(tmp_path, people, ALL_DAY + "SUMMARY:Kim", ALL_DAY + "ATTENDEE:mailto:eva@corp.test")
    assert sorted(spans(found)) == [
        ("eva", "2026-12-21T05:00", "2026-12-25T05:00"),
        ("kim", "2026-12-20T10:00", "2026-12-24T10:00"),
    ]


def test_a_recurring_absence_is_given_each_time_but_the_cancelled_ones(tmp_path: Path, people: PeopleCsv) -> None:
    found = from_ics(
        tmp_path,
        people,
        "DTSTART;VALUE=DATE:20261204\nRRULE:FREQ=WEEKLY;COUNT=4\nEXDATE;VALUE=DATE:20261211\nSUMMARY:Anna de Vries",
    )
    assert [one.from_at.day for one in found] == [3, 17, 24]


def test_a_time_zone_of_the_calendars_own_is_followed_over_summer_time(tmp_path: Path, people: PeopleCsv) -> None:
    zone = (
        "BEGIN:VTIMEZONE\r\nTZID:Ours\r\nBEGIN:STANDARD\r\nDTSTART:19701101T020000\r\nTZOFFSETFROM:-0400\r\n"
        "TZOFFSETTO:-0500\r\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU\r\nEND:STANDARD\r\nBEGIN:DAYLIGHT\r\n"
        "DTSTART:19700308T020000\r\nTZOFFSETFROM:-0500\r\nTZOFFSETTO:-0400\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU\r\n"
        "END:DAYLIGHT\r\nEND:VTIMEZONE\r\n"
    )
    event = "DTSTART;TZID=Ours:20261026T090000\nDURATION:PT8H\nRRULE:FREQ=WEEKLY;COUNT=3\nSUMMARY:Anna de Vries"
    found = from_ics(tmp_path, people, event, more=zone)
    assert [one.from_at.hour for one in found] == [14, 14]
    path = tmp_path / "leave.ics"
    earlier = LeaveIcal(str(path), people, "Europe/Amsterdam").absences(datetime(2026, 10, 1, tzinfo=UTC), SINCE)
    assert [one.from_at.hour for one in earlier] == [13]


def test_a_time_without_a_zone_is_hers(tmp_path: Path, people: PeopleCsv) -> None:
    found = from_ics(tmp_path, people, "DTSTART:20261221T090000\nDTEND:20261221T170000\nATTENDEE:mailto:eva@corp.test")
    assert spans(found) == [("eva", "2026-12-21T14:00", "2026-12-21T22:00")]


@pytest.mark.parametrize(
    "event",
    [
        ALL_DAY + "STATUS:CANCELLED\nSUMMARY:Anna de Vries",
        "SUMMARY:Anna de Vries",
        "DTSTART:20261221T090000\nSUMMARY:Anna de Vries",
        "DTSTART:20261221T090000\nDTEND:20261221T090001\nRRULE:FREQ=SECONDLY\nSUMMARY:Anna de Vries",
        "DTSTART:20261221T090000\nDTEND:nonsense\nSUMMARY:Anna de Vries",
    ],
)
def test_an_event_that_is_no_absence_harms_no_other(tmp_path: Path, people: PeopleCsv, event: str) -> None:
    found = from_ics(tmp_path, people, event, ALL_DAY + "SUMMARY:Kim")
    assert [one.person for one in found] == ["kim"]


def test_why_she_is_away_stands_nowhere(tmp_path: Path, people: PeopleCsv, caplog: pytest.LogCaptureFixture) -> None:
    words = "SUMMARY:Anna de Vries ziekenhuis\nDESCRIPTION:ziekenhuis\nCATEGORIES:ziekenhuis\nLOCATION:ziekenhuis"
    found = from_ics(tmp_path, people, ALL_DAY + words)
    assert len(found) == 1
    assert "ziekenhuis" not in repr(found)
    assert "ziekenhuis" not in caplog.text


@pytest.mark.parametrize(
    "raw", [b"", b"<html>ziekenhuis</html>", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nziekenhuis", b"\xff\xfe"]
)
def test_what_is_no_calendar_is_said_so_without_its_words(tmp_path: Path, people: PeopleCsv, raw: bytes) -> None:
    path = tmp_path / "leave.ics"
    path.write_bytes(raw)
    with pytest.raises(Garbled) as caught:
        list(LeaveIcal(str(path), people, "Europe/Amsterdam").absences(SINCE, UNTIL))
    assert told(caught.value) == "leave-garbled"
    assert "ziekenhuis" not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_public_holidays_are_days(tmp_path: Path) -> None:
    path = tmp_path / "holidays.ics"
    path.write_bytes(
        ics(
            "DTSTART;VALUE=DATE:20201225\nDTEND;VALUE=DATE:20201227\nRRULE:FREQ=YEARLY\nSUMMARY:Kerst",
            "DTSTART:20261205T170000Z\nDTEND:20261205T180000Z\nSUMMARY:Sinterklaas",
        )
    )
    found = days(path)
    assert {date(2026, 12, 25), date(2026, 12, 26), date(2040, 12, 25)} <= found
    assert date(2026, 12, 27) not in found
    assert date(2026, 12, 5) not in found


# addresses of calendars


@contextmanager
def server(answer: "type[BaseHTTPRequestHandler]") -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), answer) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def answering(status: int, body: bytes = b"", **headers: str) -> "type[BaseHTTPRequestHandler]":
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            return

    return Answer


@pytest.mark.parametrize("scheme", ["http", "webcal"])
def test_a_calendar_on_this_machine_is_fetched(people: PeopleCsv, scheme: str) -> None:
    with server(answering(200, ics(ALL_DAY + "SUMMARY:Anna de Vries"))) as place:
        source = LeaveIcal(f"{scheme}://{place}/leave.ics?token=hush", people, "Europe/Amsterdam")
        (found,) = source.absences(SINCE, UNTIL)
    assert found.person == "anna"
    assert found.source == "127.0.0.1"


def test_an_address_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "leave.url"
    with server(answering(200, b"here")) as place:
        path.write_text(f"http://{place}/secret.ics\n")
        path.chmod(0o600)
        assert calendar(str(path)) == b"here"
        path.chmod(0o644)
        with pytest.raises(Invalid, match="secret-open-to-others"):
            calendar(str(path))


@pytest.mark.parametrize(
    "address",
    [
        "http://cal.corp.test/x",
        "ftp://cal.corp.test/x",
        "file:///etc/passwd",
        "https://",
        "http://127.0.0.1.evil.test/",
    ],
)
def test_nothing_is_fetched_in_the_open_or_from_elsewhere_than_the_web(address: str) -> None:
    with pytest.raises(Invalid) as caught:
        calendar(address)
    assert told(caught.value) == "leave-address"


@pytest.mark.parametrize("to", ["http://cal.corp.test/x", "file:///etc/passwd", "ftp://127.0.0.1/"])
def test_a_redirect_leads_no_way_down(to: str) -> None:
    with server(answering(302, Location=to)) as place, pytest.raises(Invalid, match="leave-address"):
        calendar(f"http://{place}/")


def test_a_circle_of_redirects_ends() -> None:
    with server(answering(302, Location="/again")) as place, pytest.raises(Garbled):
        calendar(f"http://{place}/")


@pytest.mark.parametrize(("status", "kind"), [(401, Rejected), (404, Rejected), (500, Unreachable), (429, Unreachable)])
def test_an_answer_that_says_no_is_told_without_the_address(status: int, kind: type[LocumError]) -> None:
    with server(answering(status)) as place, pytest.raises(kind) as caught:
        calendar(f"http://{place}/?token=hush")
    told(caught.value)
    assert "hush" not in str(caught.value)


def test_an_answer_without_end_is_cut_off() -> None:
    with server(answering(200, b"x" * 100_000)) as place, pytest.raises(Invalid, match="leave-too-large"):
        calendar(f"http://{place}/", largest=50_000)


def test_a_packed_answer_is_not_unpacked() -> None:
    with server(answering(200, b"x", Content_Encoding="gzip")) as place, pytest.raises(Garbled):
        calendar(f"http://{place}/")


def test_a_server_that_drips_is_not_waited_for() -> None:
    class Drip(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            done.wait(5)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            return

    done = threading.Event()
    with server(Drip) as place:
        with pytest.raises(Unreachable, match="leave-unreachable"):
            calendar(f"http://{place}/", seconds=0.3)
        done.set()


def test_nobody_home_is_worth_another_try() -> None:
    with server(answering(200)) as place:
        pass
    with pytest.raises(Unreachable):
        calendar(f"http://{place}/")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not there")
def test_a_certificate_that_nobody_vouches_for_is_not_trusted(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            *OPENSSL,
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
            "-keyout",
            key,
            "-out",
            certificate,
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with ThreadingHTTPServer(("127.0.0.1", 0), answering(200, b"secret")) as http:
        http.socket = context.wrap_socket(http.socket, server_side=True)
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        with pytest.raises(Unreachable):
            calendar(f"https://localhost:{http.server_port}/")
        http.shutdown()
        thread.join()
