"""people.csv: what is read from it, and how each mistake is told."""

import time
from datetime import date
from pathlib import Path

import pytest

from locum.absence import Channel
from locum.errors import Invalid, Unreachable
from locum.messages import LANGUAGES, say
from locum.people.csv import PeopleCsv

HEADER = "person,name,mailbox,aliases,language,time_zone,function,manager,private_mail,mobile,private_permitted_on"
ANNA = "anna,Anna de Vries,Anna@Corp.test,a.devries@corp.test info@corp.test,nl,Europe/Amsterdam,,daan,a@home.test,+31 6 1234-5678,2026-01-02"
DAAN = "daan,Daan,daan@corp.test,,,,IT,,,,"


def people(folder: Path, *lines: str, encoding: str = "utf-8", end: str = "\n") -> PeopleCsv:
    path = folder / "people.csv"
    path.write_bytes((end.join(lines) + end).encode(encoding))
    return PeopleCsv(path, default_language="nl", default_time_zone="Europe/Amsterdam")


def test_a_row_becomes_a_person(tmp_path: Path) -> None:
    anna = people(tmp_path, HEADER, ANNA, DAAN).person("anna")
    assert anna is not None
    assert anna.mailbox is not None
    assert anna.mailbox.addresses == ("anna@corp.test", "a.devries@corp.test", "info@corp.test")
    assert (anna.language, anna.time_zone, anna.manager) == ("nl", "Europe/Amsterdam", "daan")
    assert anna.private_permitted_on == date(2026, 1, 2)
    assert anna.channels == {
        Channel.MOBILE: "+31612345678",
        Channel.PRIVATE_MAIL: "a@home.test",
        Channel.MAILBOX: "anna@corp.test",
    }


def test_empty_columns_take_the_organisations_defaults(tmp_path: Path) -> None:
    daan = people(tmp_path, HEADER, ANNA, DAAN).person("daan")
    assert daan is not None
    assert (daan.language, daan.time_zone, daan.function) == ("nl", "Europe/Amsterdam", "it")
    assert list(daan.channels) == [Channel.MAILBOX]


def test_all_but_three_columns_may_be_absent(tmp_path: Path) -> None:
    found = people(tmp_path, "person,name,mailbox", "anna,Anna,anna@corp.test", "ext,External,")
    assert [person.id for person in found.everyone()] == ["anna", "ext"]
    external = found.person("ext")
    assert external is not None
    assert external.mailbox is None


@pytest.mark.parametrize("address", ["anna@corp.test", "ANNA@corp.test", "info@Corp.Test"])
def test_an_owner_is_found_by_any_of_her_addresses_however_they_are_written(tmp_path: Path, address: str) -> None:
    owner = people(tmp_path, HEADER, ANNA, DAAN).owner(address)
    assert owner is not None
    assert owner.id == "anna"


@pytest.mark.parametrize("address", ["eva@corp.test", "no address", "../anna@corp.test"])
def test_nobody_owns_an_address_that_is_not_there(tmp_path: Path, address: str) -> None:
    assert people(tmp_path, HEADER, ANNA, DAAN).owner(address) is None


def test_what_excel_writes_is_read(tmp_path: Path) -> None:
    rows = (HEADER, ANNA, DAAN, "," * 10)
    found = people(tmp_path, *(row.replace(",", ";") for row in rows), encoding="utf-8-sig", end="\r\n")
    assert [person.id for person in found.everyone()] == ["anna", "daan"]


def test_aliases_may_be_separated_by_semicolons(tmp_path: Path) -> None:
    found = people(tmp_path, "person,name,mailbox,aliases", "anna,Anna,anna@corp.test,a@corp.test;b@corp.test")
    assert found.owner("b@corp.test") is found.person("anna")


def test_other_columns_are_kept_for_the_mail_system_but_private_ones_are_not(tmp_path: Path) -> None:
    found = people(tmp_path, HEADER + ",uid", ANNA + ",u17", DAAN).person("anna")
    assert found is not None
    assert found.mailbox is not None
    assert dict(found.mailbox.columns) == {"person": "anna", "uid": "u17"}


def test_a_standing_wish_is_read(tmp_path: Path) -> None:
    found = people(
        tmp_path, "person,name,mailbox,reads_along", "a,A,a@corp.test,yes", "b,B,b@corp.test,", "c,C,c@corp.test,Nee"
    )
    assert [person.reads_along for person in found.everyone()] == [True, False, False]


def test_decomposed_letters_are_the_same_letters(tmp_path: Path) -> None:
    found = people(tmp_path, "person,name,mailbox", "jose,Jose\u0301,jose\u0301@corp.test")
    assert found.owner("JOSÉ@corp.test") is not None
    jose = found.person("jose")
    assert jose is not None
    assert jose.name == "José"


@pytest.mark.parametrize("name", ["o'brien@corp.test", "anna+x@corp.test", "a.b-c_d@corp.test", "zoë@corp.test"])
def test_unusual_but_good_mailbox_names_work(tmp_path: Path, name: str) -> None:
    assert people(tmp_path, "person,name,mailbox", f"x,X,{name}").owner(name) is not None


def cell(column: str, value: str) -> tuple[str, str, str]:
    """A file with one bad cell on line 3."""
    names = [*HEADER.split(","), "reads_along"]
    cells = {**dict.fromkeys(names, ""), "person": "eva", "name": "Eva", "mailbox": "eva@corp.test", column: value}
    return (",".join(names), "daan,Daan,daan@corp.test", ",".join(f'"{cells[name]}"' for name in names))


@pytest.mark.parametrize(
    ("column", "value", "key"),
    [
        ("person", "daan", "people-person-twice"),
        ("person", "", "people-empty"),
        ("name", "", "people-empty"),
        ("mailbox", "DAAN@corp.test", "people-address-twice"),
        ("aliases", "e@corp.test daan@corp.test", "people-address-twice"),
        ("aliases", "eva@corp.test", "people-alias-twice"),
        ("aliases", "e@corp.test e@corp.test", "people-alias-twice"),
        ("mailbox", "eva", "people-bad-address"),
        ("mailbox", "../eva@corp.test", "people-bad-address"),
        ("mailbox", "a/b@corp.test", "people-bad-address"),
        ("mailbox", "a..b@corp.test", "people-bad-address"),
        ("mailbox", ".eva@corp.test", "people-bad-address"),
        ("mailbox", "eva@corp..test", "people-bad-address"),
        ("mailbox", "eva@-corp.test", "people-bad-address"),
        ("mailbox", "Eva <eva@corp.test>", "people-bad-address"),
        ("mailbox", f"{'e' * 65}@corp.test", "people-bad-address"),
        ("mailbox", "eva\u200d@corp.test", "people-bad-address"),
        ("aliases", "e@corp.test,nonsense", "people-bad-address"),
        ("private_mail", "home", "people-bad-address"),
        ("private_permitted_on", "1-2-2026", "people-bad-date"),
        ("private_permitted_on", "2026-02-30", "people-bad-date"),
        ("time_zone", "Europe/Amsterdm", "people-bad-time-zone"),
        ("time_zone", "../../etc/passwd", "people-bad-time-zone"),
        ("time_zone", "/etc/localtime", "people-bad-time-zone"),
        ("language", "Dutch", "people-bad-language"),
        ("mobile", "06 ask Eva", "people-bad-mobile"),
        ("mobile", "+31612345678/?x=1", "people-bad-mobile"),
        ("manager", "piet", "people-unknown-manager"),
        ("reads_along", "maybe", "people-bad-yes-or-no"),
        ("name", "Eva\u202eave", "people-bad-character"),
        ("name", "Eva\x1b[31m", "people-bad-character"),
        ("name", "Eva\nBcc: x@else.test", "people-bad-character"),
        ("function", "a\0b", "people-bad-character"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_column(tmp_path: Path, column: str, value: str, key: str) -> None:
    with pytest.raises(Invalid) as caught:
        people(tmp_path, *cell(column, value))
    error = caught.value
    assert (error.key, error.values["column"]) == (key, column)
    assert error.values["file"].startswith(f"{tmp_path}/people.csv:")
    assert error.values["file"].endswith(":3")
    for language in LANGUAGES:
        assert say(language, f"errors.{error.key}.sentence", **error.values)


@pytest.mark.parametrize(
    ("lines", "key", "line"),
    [
        (("name,mailbox", "Anna,anna@corp.test"), "people-no-column", 1),
        (("person,name,mailbox,name", "a,A,a@corp.test,B"), "people-column-twice", 1),
        (("person,name,mailbox", "a,A,a@corp.test,x"), "people-too-many-cells", 2),
        (("person,name,mailbox", "a,A,a@corp.test", '"b,B,b@corp.test'), "people-not-csv", 3),
        (("",), "people-no-column", 1),
    ],
)
def test_a_file_that_is_no_table_is_told_with_its_line(
    tmp_path: Path, lines: tuple[str, ...], key: str, line: int
) -> None:
    with pytest.raises(Invalid) as caught:
        people(tmp_path, *lines)
    assert caught.value.key == key
    assert caught.value.values["file"].endswith(f":{line}")
    for language in LANGUAGES:
        assert say(language, f"errors.{key}.sentence", **caught.value.values)


def test_another_encoding_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="people-not-utf8") as caught:
        people(tmp_path, "person,name,mailbox", "a,Zoë,a@corp.test", encoding="latin-1")
    assert caught.value.values["file"].endswith(":2")


def test_a_missing_file_is_worth_another_try(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="people-unreadable"):
        PeopleCsv(tmp_path / "none.csv", default_language="nl", default_time_zone="Europe/Amsterdam")


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    found = people(tmp_path, "person,name,mailbox", "a,A,a@corp.test")
    people(tmp_path, "person,name,mailbox", "a,A,a@corp.test", "b,B,b@corp.test")
    assert found.owner("b@corp.test") is not None


def test_a_file_that_is_bad_from_the_start_is_an_error_and_no_line_in_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever starts says it in words; a line of JSON before them would only be in the way."""
    with pytest.raises(Invalid):
        people(tmp_path, "person,name,mailbox", "a,A,nonsense")
    assert "people-not-used" not in capsys.readouterr().err


def test_a_file_that_became_bad_is_not_used_until_it_is_mended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = people(tmp_path, "person,name,mailbox", "a,A,a@corp.test")
    path = tmp_path / "people.csv"
    path.write_text("person,name,mailbox\nb,B,b@corp.test\na,A,nonsense\n")
    for _ in range(2):
        assert found.owner("a@corp.test") is not None
        assert found.person("b") is None
    assert found.problem is not None
    assert found.problem.key == "people-bad-address"
    assert [finding.holds for finding in found.check()] == [False]
    logged = capsys.readouterr().err
    assert logged.count("people-not-used") == 1
    assert "people.csv:3" in logged
    assert "nonsense" not in logged
    path.write_text("person,name,mailbox\na,A,a2@corp.test\n")
    assert found.owner("a2@corp.test") is not None
    assert found.problem is None
    assert [finding.holds for finding in found.check()] == [True]


def test_a_file_that_went_away_is_used_as_it_was_last_read(tmp_path: Path) -> None:
    found = people(tmp_path, "person,name,mailbox", "a,A,a@corp.test")
    path = tmp_path / "people.csv"
    path.unlink()
    assert found.owner("a@corp.test") is not None
    assert found.problem is not None
    assert found.problem.key == "people-unreadable"
    path.write_text("person,name,mailbox\nb,B,b@corp.test\n")
    assert found.person("b") is not None
    assert found.problem is None


@pytest.mark.slow
def test_a_hundred_thousand_people_are_read_within_two_seconds(tmp_path: Path) -> None:
    rows = (f"p{i},Anna van {i},anna.{i}@corp.test,a{i}@corp.test,nl,Europe/Amsterdam,it,p0,,," for i in range(100_000))
    path = tmp_path / "people.csv"
    path.write_text("\n".join((HEADER, *rows)))
    started = time.process_time()
    found = PeopleCsv(path, default_language="nl", default_time_zone="Europe/Amsterdam")
    assert time.process_time() - started < 2
    assert found.owner("a99999@corp.test") is not None
