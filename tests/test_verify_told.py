"""`locum verify` as its reader meets it: no settings, no store, plain words in both languages, exit codes, one document for programs."""

import json
import re
from pathlib import Path

import pytest

from locum.checkable import File
from locum.checkable.finding import CHECKS
from locum.cli import main
from locum.messages import LANGUAGES, catalogue

VECTORS = Path(__file__).parent.parent / "docs" / "spec" / "vectors"
SOURCE = Path(__file__).parent.parent / "src" / "locum" / "checkable"
ANNA, KEY = str(VECTORS / "anna.locum"), ("--key", str(VECTORS / "anna.locum-key"))


@pytest.fixture(autouse=True)
def no_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("LOCUM_CONFIG", str(tmp_path / "none.toml"))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, (ANNA, *KEY)),
        (0, (ANNA,)),
        (8, (str(VECTORS / "spoiled-signature.locum"), *KEY)),
        (8, (str(VECTORS / "spoiled-tail.locum"), *KEY, "--earlier", ANNA)),
        (8, (str(VECTORS / "mark.locum"), *KEY)),
        (2, (str(VECTORS / "account.json"), *KEY)),
        (2, (str(VECTORS / "nothing-there.locum"), *KEY)),
        (2, (ANNA, "--witness", "no key")),
    ],
)
def test_it_ends_with_the_code_of_what_was_found(capsys, code, words):
    assert main(["verify", *words]) == code


@pytest.mark.parametrize(("language", "said"), [("nl", "Zie de regel met ✗."), ("en", "See the line with ✗.")])
def test_what_does_not_hold_is_said_with_what_it_means_and_whom_to_ask(capsys, language, said):
    main(["verify", str(VECTORS / "spoiled-signature.locum"), *KEY, "--lang", language])
    out = " ".join(capsys.readouterr().out.split())
    means, ask = (" ".join(catalogue(language, "verify")[key].split()) for key in ("means.signed", "ask.bad"))
    assert (said in out, means in out, ask in out) == (True, True, True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_question_is_asked_in_order(capsys, language):
    main(["verify", ANNA, *KEY, "--lang", language])
    out = capsys.readouterr().out
    places = [out.index(catalogue(language, "verify")[f"question.{check}"]) for check in CHECKS]
    assert places == sorted(places)


def test_programs_get_one_document(capsys):
    main(["verify", ANNA, *KEY, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (told["holds"], told["key_file"], told["stream"]) == (True, True, "anna@corp.test")


def test_a_hostile_name_is_shown_as_one_legible_line(capsys, tmp_path):
    value = json.loads((VECTORS / "ivo.locum").read_bytes())
    value["stream"] = "ivo\u202e@corp.test"
    lie = tmp_path / "lie.locum"
    lie.write_text(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")), "utf-8")
    main(["verify", str(lie)])
    assert "\u202e" not in capsys.readouterr().out


def test_a_file_that_is_none_is_one_plain_sentence(capsys, tmp_path):
    (tmp_path / "x.locum").write_bytes(b"\x00" * 100)
    main(["verify", str(tmp_path / "x.locum"), "--lang", "en"])
    told = capsys.readouterr()
    assert (told.out, "no account file" in told.err, "Traceback" in told.err) == ("", True, False)


def test_the_leaves_can_come_apart(tmp_path):
    value = json.loads((VECTORS / "anna.locum").read_bytes())
    (tmp_path / "leaves").write_bytes(File.load((VECTORS / "anna.locum").read_bytes()).leaves or b"")
    lean = tmp_path / "lean.locum"
    lean.write_text(json.dumps({**value, "leaves": None}, ensure_ascii=False, sort_keys=True, separators=(",", ":")))
    assert [main(["verify", str(lean), *KEY, *more]) for more in ((), ("--leaves", str(tmp_path / "leaves")))] == [8, 0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_that_the_code_names_has_its_sentence(language):
    """Keys are literals in the source; those of a stream of the organisation's own have an ending besides."""
    text = "\n".join(path.read_text("utf-8") for path in SOURCE.glob("*.py"))
    by_check = [
        ("signed" if check == "_SIGNED" else "allowed", key)
        for check, key in re.findall(r"(_SIGNED|_ALLOWED), ?\n? *\"([a-z-]+)\"", text)
    ]
    by_check += [
        ("complete", f"{key}{end}")
        for key in ("gap", "twice", "order", "left-out", "elsewhere", "not-in-log", "shuffled", "complete", "nothing")
        for end in ("", "-house")
    ]
    by_check += [
        ("unchanged", f"{key}{end}")
        for key in ("changed", "erased-unsaid", "unchanged", "unchanged-erased")
        for end in ("", "-house")
    ]
    by_check += [("origin", key) for key in re.findall(r'check=_CHECK, key="([a-z-]+)"', text)]
    by_check += [("origin", f"other-{name}") for name in ("stream", "key", "vkey")]
    assert [one for one in by_check if ".".join(one) not in catalogue(language, "verify")] == []
