"""The program on the mail host: what it may do, what it answers, what it never tells, and following her changes."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance import a_reply, wanted
from locum.absence import Mailbox
from locum.demo.host import Dovecot
from locum.errors import Invalid, LocumError
from locum.mailhost import Item, Places, checked_user, look, publish, publish_request
from locum.mailhost.following import is_followed
from locum.measure import to_json
from locum.sieve import Hers
from mailhosts.publishing import HER_VACATION, as_root, as_user, mailhost, set_script, sieve_files, two_places

ANNA = Mailbox(address="anna@corp.test")
NO = dict.fromkeys(("vacation", "reject", "redirect", "discard", "stop"), False)
NOTHING: dict[str, object] = NO | {"redirects": 0, "redirects_to": []}
SIEVEC = ["sh", "-c", 'for f in "$0"/*.sieve; do cp "$f" "${f%.sieve}.svbin"; done']


def talk(arguments: list[str], *requests: object) -> list[dict[str, object]]:
    """Run the program with these requests, and give back its answers."""
    lines = "".join(one if isinstance(one, str) else json.dumps(one) + "\n" for one in requests)
    done = subprocess.run(mailhost(*arguments), input=lines, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def item(**changes: object) -> dict[str, object]:
    return {"user": ANNA.address, "place": "after", "replies": [to_json(a_reply(ANNA))], "expect": ""} | changes


# names


@pytest.mark.parametrize(
    "user",
    [
        "",
        ".",
        "..",
        ".a",
        "a/b",
        "../x",
        "/etc/passwd",
        "a\0b",
        "a\nb",
        "a\x1bb",
        "a..b",
        "\ud800",
        "x" * 201,
        "a\u2028b",
    ],
)
def test_a_name_that_is_no_file_of_a_directory_is_refused(user: str) -> None:
    with pytest.raises(Invalid):
        checked_user(user)


@pytest.mark.parametrize("user", ["anna", "o'brien@corp.test", "a+b@c", "zoë", "A.B@C", "-x", "~", "%s{}", "a b", "\\"])
def test_any_other_name_is_taken_as_it_is(user: str) -> None:
    assert checked_user(user) == user


# what it may do is on its command line


@pytest.mark.parametrize(
    ("arguments", "request_"),
    [
        ([], {"do": "publish", "items": []}),
        (["--script", "x"], {"do": "try"}),
        (["--directory", "x"], {"do": "look", "users": []}),
    ],
)
def test_what_the_command_line_does_not_allow_is_refused(arguments: list[str], request_: object) -> None:
    answer = talk(arguments, request_)[0]
    assert answer["error"]["key"] == "mailhost-not-allowed"  # type: ignore[index]


@pytest.mark.parametrize(
    "request_",
    [
        "what\n",
        "[]\n",
        "{}\n",
        '{"do": "publish"}\n',
        '{"do": "publish", "items": [{}]}\n',
        {"do": "publish", "items": [item(replies=["keep;"])]},
        {"do": "publish", "items": [item(replies='redirect "a@b";')]},
        {"do": "publish", "items": [item(replies=[{**to_json(a_reply(ANNA)), "measure": "forward"}])]},
        {"do": "publish", "directory": "/etc", "script": "redirect"},
        {"do": "read", "users": ["anna"]},
    ],
    ids=range(10),
)
def test_what_is_no_request_changes_nothing(tmp_path: Path, request_: object) -> None:
    folder = two_places(tmp_path / "places")
    answer = talk(["--directory", str(folder)], request_)[0]
    assert (answer["error"]["key"], list(folder.rglob("*.sieve"))) == ("mailhost-garbled", [])  # type: ignore[index]


def test_it_goes_on_after_nonsense(tmp_path: Path) -> None:
    answers = talk(["--directory", str(two_places(tmp_path / "places"))], "what\n", {"do": "publish", "items": []})
    assert answers[1] == {"results": []}


@pytest.mark.slow
def test_it_publishes_values_and_answers_each_in_order(dovecot: Dovecot, tmp_path: Path) -> None:
    folder = two_places(tmp_path / "places")
    items = [item(), item(user="../x"), item(user="bert", expect="other"), item(user="c", place="../../etc")]
    answer = talk(["--directory", str(folder), "--config", str(dovecot.config_file)], {"do": "publish", "items": items})
    keys = [one["error"]["key"] if "error" in one else "" for one in answer[0]["results"]]  # type: ignore[attr-defined]
    assert keys == ["", "publishing-name", "published-changed", "publishing-place"]
    assert [path.name for path in folder.rglob("*.sieve")] == ["anna@corp.test.sieve"]


def test_a_text_that_holds_sieve_is_a_text(tmp_path: Path) -> None:
    folder = two_places(tmp_path / "places")
    reply = a_reply(
        ANNA, external_text='.\r\n;\r\nredirect "evil@example.net";', subject='"; redirect "evil@example.net'
    )
    publish(folder, [Item(user="anna", place="after", replies=(reply,), expect="")], sievec=SIEVEC)
    with Places(folder) as places:
        script = places.read("anna").after or b""
    assert look_at(tmp_path, script).redirect is False


def look_at(folder: Path, script: bytes) -> Hers:
    (folder / "judged.sieve").write_bytes(script)
    hers = look(["x"], f"{folder}/judged.sieve")[0]
    assert isinstance(hers, Hers)
    return hers


def test_the_same_mailbox_twice_in_one_request_is_written_once(tmp_path: Path) -> None:
    items = [Item(user="anna", place="after", replies=(a_reply(ANNA, handle=name),), expect="") for name in ("a", "b")]
    done = publish(two_places(tmp_path / "places"), items, sievec=SIEVEC)
    assert [isinstance(result, LocumError) for result in done] == [False, True]


def test_an_unused_script_is_removed(tmp_path: Path) -> None:
    folder = two_places(tmp_path / "places")
    digest = publish(folder, [Item(user="a", place="after", replies=(a_reply(ANNA),), expect="")], sievec=SIEVEC)[0]
    publish(folder, [Item(user="a", place="after", replies=(), expect=str(digest))], sievec=SIEVEC)
    assert list(folder.rglob("*.sieve")) == []


def test_what_crosses_to_the_program_comes_back_whole(tmp_path: Path) -> None:
    reply = a_reply(ANNA, subject='é "quoted" \\ 🏖️', text_body="a\nb\u202e")
    told = publish_request([Item(user="anna", place="before", replies=(reply,), expect="x")])
    assert json.loads(json.dumps(told))["items"][0]["replies"] == [to_json(reply)]


# looking


def hers_of(folder: Path, script: bytes | None) -> object:
    if script is not None:
        (folder / "active.sieve").write_bytes(script)
    return talk(["--script", f"{folder}/active.sieve"], {"do": "look", "users": ["anna"]})[0]["results"][0]  # type: ignore[index]


@pytest.mark.parametrize(
    ("script", "yes"),
    [
        (None, ""),
        (b"keep;", ""),
        (HER_VACATION, "vacation"),
        (b'require "reject"; reject "no";', "reject"),
        (b'redirect "a@b.test"; stop;', "redirect stop"),
        (b"what is this secret", "vacation reject redirect discard stop"),
        (b"x" * (2 << 20), None),
    ],
    ids=range(7),
)
def test_looking_says_yes_or_no_and_nothing_else(tmp_path: Path, script: bytes | None, yes: str | None) -> None:
    answer = hers_of(tmp_path, script)
    if yes is None:
        assert answer["error"]["key"] == "looking-forbidden"  # type: ignore[index]
    else:
        assert {name: answer["hers"][name] for name in NO} == NO | dict.fromkeys(yes.split(), True)  # type: ignore[index]
        assert set(answer["hers"]) == {*NO, "redirects", "redirects_to"}  # type: ignore[call-overload]


REDIRECTS = b'redirect "me@home.example"; redirect :copy "Bert@CORP.test"; redirect "x@corp.test.example";'


@pytest.mark.parametrize(("domains", "told"), [([], ["…"]), (["corp.test"], ["…", "bert@corp.test"])])
def test_where_she_redirects_to_is_told_only_of_the_domains_asked_about(
    tmp_path: Path, domains: list[str], told: list[str]
) -> None:
    (tmp_path / "active.sieve").write_bytes(REDIRECTS)
    request = {"do": "look", "users": ["anna"], "domains": domains}
    (answer,) = talk(["--script", f"{tmp_path}/active.sieve"], request)
    hers = answer["results"][0]["hers"]  # type: ignore[index]
    assert (hers["redirects"], hers["redirects_to"]) == (3, told)


def test_what_her_script_includes_is_looked_at_too(tmp_path: Path) -> None:
    (tmp_path / "sieve").mkdir()
    (tmp_path / "sieve" / "mine.sieve").write_bytes(b'require "include"; include :personal "away";')
    (tmp_path / "sieve" / "away.sieve").write_bytes(HER_VACATION)
    (tmp_path / "active").symlink_to("sieve/mine.sieve")
    found = look(["anna"], f"{tmp_path}/active")
    assert isinstance(found[0], Hers)
    assert (found[0].vacation, found[0].reject) == (True, False)


@pytest.mark.parametrize("name", ["../secret", "gone", ""])
def test_an_include_that_cannot_be_read_is_doubt(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.sieve").write_text("keep;")
    (tmp_path / "sieve").mkdir()
    (tmp_path / "sieve" / "mine.sieve").write_text(f'require "include"; include :personal "{name}";')
    found = look(["anna"], f"{tmp_path}/sieve/mine.sieve")
    assert isinstance(found[0], Hers)
    assert (found[0].vacation, found[0].reject) == (True, True)


ODD: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "directory": lambda path: path.mkdir(),
    "loop": lambda path: path.symlink_to(path.name),
}


@pytest.mark.parametrize("odd", list(ODD))
def test_an_odd_thing_in_place_of_her_script_is_told_and_never_waited_for(tmp_path: Path, odd: str) -> None:
    ODD[odd](tmp_path / "active.sieve")
    assert hers_of(tmp_path, None)["error"]["key"] == "looking-forbidden"  # type: ignore[index]


def test_a_link_to_nowhere_is_no_script(tmp_path: Path) -> None:
    (tmp_path / "active.sieve").symlink_to("gone")
    assert hers_of(tmp_path, None) == {"hers": NOTHING}


@pytest.mark.parametrize("template", ["{nothing}", "{", "{user.x}", "{0}"])
def test_a_template_that_says_nothing_is_refused(template: str) -> None:
    assert isinstance(look(["anna"], template)[0], Invalid)


@pytest.mark.slow
@pytest.mark.parametrize("user", ["*", "?nna@corp.test", "-a", "nobody@corp.test", "../x"])
def test_dovecot_is_never_asked_for_others_by_a_mask_or_an_option(dovecot: Dovecot, user: str) -> None:
    found = look([user, "anna@corp.test"], "{home}/.dovecot.sieve", doveadm=["doveadm", "-c", str(dovecot.config_file)])
    assert [isinstance(one, Hers) for one in found] == [False, True]


@pytest.mark.slow
@as_root
def test_looking_without_the_right_to_is_told(dovecot: Dovecot, mailbox: str) -> None:
    set_script(dovecot, mailbox, HER_VACATION)
    dovecot.home(mailbox).chmod(0o700)
    command = as_user(59981, *mailhost("--script", f"{dovecot.folder}/mail/{{user}}/.dovecot.sieve"))
    given = json.dumps({"do": "look", "users": [mailbox]}) + "\n"
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["results"][0]["error"]["key"] == "looking-forbidden"


# following


@pytest.fixture
def follower(dovecot: Dovecot) -> Iterator[subprocess.Popen[str]]:
    arguments = ["--follow", "--directory", dovecot.published, "--config", dovecot.config_file]
    command = mailhost(*arguments, "--script", "{home}/.dovecot.sieve")
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        yield process
        process.terminate()


@pytest.mark.slow
@pytest.mark.usefixtures("follower")
def test_ours_is_moved_behind_hers_soon_after_she_sets_her_own(dovecot: Dovecot, mailbox: str) -> None:
    assert wait(lambda: is_followed(dovecot.published))
    box, connector = Mailbox(address=mailbox), sieve_files(dovecot)
    written = connector.write(box, wanted(box), connector.read(box))
    assert written.remarks == ()
    time.sleep(1.5)
    set_script(dovecot, mailbox, b'require "reject"; reject "no";')
    assert wait(lambda: connector.read(box).remarks == ("behind-her-rules",))
    assert connector.read(box).replies == written.replies


@pytest.mark.slow
@pytest.mark.usefixtures("follower")
def test_ours_stays_before_hers_while_hers_does_not_answer(dovecot: Dovecot, mailbox: str) -> None:
    assert wait(lambda: is_followed(dovecot.published))
    box, connector = Mailbox(address=mailbox), sieve_files(dovecot)
    written = connector.write(box, wanted(box), connector.read(box))
    set_script(dovecot, mailbox, b"keep;")
    time.sleep(2.5)
    assert connector.read(box) == written


@pytest.mark.slow
def test_check_says_whether_her_changes_are_followed(dovecot: Dovecot, request: pytest.FixtureRequest) -> None:
    def said() -> list[str]:
        return [f.key for f in sieve_files(dovecot).check() if "followed" in f.key]

    before = said()
    request.getfixturevalue("follower")
    assert before == ["sieve_files.not-followed"]
    assert wait(lambda: said() == ["sieve_files.followed"])


def test_following_needs_to_be_allowed(tmp_path: Path) -> None:
    done = subprocess.run(mailhost("--follow"), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")


def wait(holds: Callable[[], bool], seconds: float = 60) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.1)
    return False
