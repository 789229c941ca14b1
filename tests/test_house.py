"""The rules of the house that no linter knows: rooms, names, sizes, words in both languages, where time comes from.

Everything is read from the source as a tree, nothing is run. What the documentation says is checked in test_docs.py,
who may import whom by the contracts in pyproject.toml.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

from locum import entry
from locum.messages import LANGUAGES, catalogue

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src" / "locum"
MESSAGES = SRC / "messages"
LONGEST_FILE, LONGEST_TESTS, LONGEST_FUNCTION = 400, 600, 60
NO_NAMES = frozenset("util utils helper helpers common core base manager service handler impl misc".split())
ERRORS = frozenset("Invalid Refused Conflict Unsupported Trouble Unreachable Rejected Garbled".split())
Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(path for path in found if path.stat().st_size and "__pycache__" not in path.parts)


ALL = modules("src", "tests", "bench", "tools")
OURS = modules("src")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def each_module(paths: list[Path]):
    """A rule for each of these files, as one test: five thousand tests of a millisecond take a minute to hand out."""

    def of(rule: Callable[[Path], None]) -> Callable[[], None]:
        def test() -> None:
            broken = {name_of(path): said for path in paths if (said := _broken(rule, path))}
            assert broken == {}

        test.__name__ = rule.__name__
        return test

    return of


def _broken(rule: Callable[[Path], None], path: Path) -> str:
    try:
        rule(path)
    except AssertionError as error:
        return str(error) or "broken"
    return ""


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


@cache
def tracked() -> list[Path]:
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, check=False)
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name] or [*ROOT.glob("*.*"), *ALL]
    return [path for path in paths if path.is_file()]


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


# rooms, names and sizes


@each_module(ALL)
def test_a_module_says_what_lives_in_it(path):
    assert ast.get_docstring(tree(path)), "open with three to eight lines: what lives here, what must not"


@each_module(ALL)
def test_a_file_is_no_longer_than_a_room_should_be(path):
    assert path.read_text("utf-8").count("\n") <= (LONGEST_TESTS if "tests" in path.parts else LONGEST_FILE)


@each_module(ALL)
def test_a_function_is_no_longer_than_a_page(path):
    assert [f"{f.name}: {n}" for f in functions(path) if (n := length(f)) > LONGEST_FUNCTION] == []


def functions(path: Path) -> list[Function]:
    return [node for node in ast.walk(tree(path)) if isinstance(node, Function)]


def length(function: Function) -> int:
    """Its lines without the docstring and what stands above it."""
    first = (
        function.body[1] if ast.get_docstring(function, clean=False) and len(function.body) > 1 else function.body[0]
    )
    return (function.end_lineno or 0) - first.lineno + 1


@each_module(ALL)
def test_a_room_is_named_after_what_is_in_it(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    assert not NO_NAMES & {word for part in parts for word in part.split("_")}


@each_module(OURS)
def test_a_class_is_named_after_what_it_is(path):
    classes = [node.name for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef)]
    words = {name: re.findall(r"[A-Z][a-z]*", name) for name in classes}
    assert [name for name, parts in words.items() if NO_NAMES & {part.lower() for part in parts}] == []


@each_module(ALL)
def test_nothing_is_left_to_do_in_the_code(path):
    if path != Path(__file__):
        assert re.findall(r"\b(?:TODO|FIXME|XXX|HACK)\b", text_of(path)) == []


@each_module(OURS)
def test_product_code_holds_no_asserts(path):
    assert [node.lineno for node in ast.walk(tree(path)) if isinstance(node, ast.Assert)] == []


@each_module(OURS)
def test_only_the_loop_of_the_worker_swallows_everything(path):
    caught = [node for node in ast.walk(tree(path)) if isinstance(node, ast.ExceptHandler)]
    swallowed = [
        h.lineno for h in caught if is_wide(h.type) and not (isinstance(h.body[-1], ast.Raise) and not h.body[-1].exc)
    ]
    assert path == SRC / "worker.py" or swallowed == []


def is_wide(kind: ast.expr | None) -> bool:
    return kind is None or (isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException"))


# time, randomness and the network come in as arguments

OUTSIDE = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "os.urandom",
    "secrets.token_bytes",
}
OUTSIDE |= {"secrets.token_hex", "secrets.token_urlsafe", "random.random", "uuid.uuid4"}
FROM_OUTSIDE = (
    "app.py",
    "cli",
    "cli.py",
    "demo",
    "store.py",
    "record.py",
    "sealing.py",
    "tlog.py",
    "database.py",
    "jobs.py",
)
EDGES = ("connectors", "letters", "people", "leave", "documents", "mailhost.py", "mailhost")


@each_module([path for path in OURS if path.relative_to(SRC).parts[0] not in FROM_OUTSIDE + EDGES])
def test_time_and_randomness_come_in_as_arguments(path):
    calls = [ast.unparse(node.func) for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
    assert [call for call in calls if ".".join(call.split(".")[-2:]) in OUTSIDE] == []


WORDS = ("absence", "measure", "letter", "seam", "errors", "messages/__init__")


@pytest.mark.parametrize("name", WORDS)
def test_words_stand_on_the_standard_library_alone(name):
    assert outsiders(SRC / f"{name}.py", set()) == set()


def test_the_program_on_the_mail_host_stands_on_the_standard_library_alone():
    path = next((path for path in (SRC / "mailhost.py", SRC / "mailhost" / "__init__.py") if path.exists()), None)
    assert path is not None
    assert outsiders(path, set()) == set()


def outsiders(path: Path, seen: set[Path]) -> set[str]:
    """The packages of others that importing `path` brings in, through our own modules too."""
    seen.add(path)
    found: set[str] = set()
    for name in imported(path):
        if name.split(".")[0] != "locum":
            found |= {name} - {name} if name.split(".")[0] in sys.stdlib_module_names else {name}
            continue
        for ours in (SRC.parent / f"{name.replace('.', '/')}.py", SRC.parent / name.replace(".", "/") / "__init__.py"):
            if ours.exists() and ours not in seen:
                found |= outsiders(ours, seen)
    return found


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module.split(".")[0] == "locum":
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


# what is committed


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_a_lock_holds_hashes_and_no_address(name):
    text = (ROOT / name).read_text("utf-8")
    pinned = re.findall(r"^[a-z0-9][^ ]*==[^ ]+.*\\\n    --hash=sha256:", text, re.MULTILINE)
    assert "://" not in text
    assert len(pinned) == len(re.findall(r"^[a-z0-9]", text, re.MULTILINE)) > 30


INDEX_HOSTS = re.compile(
    "|".join(
        ("pypi" + r"\.org", "python" + r"hosted\.", "npm" + r"js\.", "deb" + r"\.debian\.", "snapshot" + r"\.debian\.")
    )
)
PLACES = re.compile("(?<![\\w.])/(?:" + "work" + "|" + "root" + ")/")


def test_no_committed_file_names_a_package_index():
    assert [name_of(path) for path in tracked() if INDEX_HOSTS.search(text_of(path))] == []


def test_no_committed_file_names_a_place_of_the_machine_it_was_made_on():
    assert [name_of(path) for path in tracked() if PLACES.search(text_of(path))] == []


def test_a_committed_file_is_small():
    assert [name_of(path) for path in tracked() if path.stat().st_size > 400_000] == []


# both languages


def areas() -> list[str]:
    return sorted({path.name.removesuffix(".toml") for path in (MESSAGES / "en").iterdir()})


def test_both_languages_have_the_same_files():
    listed = [
        {str(path.relative_to(MESSAGES / name)) for path in (MESSAGES / name).rglob("*.toml")} for name in LANGUAGES
    ]
    assert listed[0] == listed[1]


@pytest.mark.parametrize("area", areas())
def test_both_languages_have_the_same_messages(area):
    assert catalogue("nl", area).keys() == catalogue("en", area).keys()


def placeholders(text: str) -> set[str]:
    return {name.split(".")[0] for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("area", areas())
def test_both_languages_say_the_same_with_the_same_values(area):
    dutch, english = catalogue("nl", area), catalogue("en", area)
    assert [key for key in english if placeholders(dutch[key]) != placeholders(english[key])] == []


@pytest.mark.parametrize("area", areas())
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_message_is_empty(language, area):
    assert [key for key, text in catalogue(language, area).items() if not text.strip()] == []


def test_no_error_is_told_twice():
    places: dict[str, list[str]] = {}
    for path in (MESSAGES / "en" / "errors").glob("*.toml"):
        for key in tomllib.loads(path.read_text("utf-8")):
            places.setdefault(key, []).append(path.name)
    assert {key: files for key, files in places.items() if len(files) > 1 and not key.startswith("default-")} == {}


# errors and other messages that the code names


def errors_raised(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call of an error class with its message key; a part that is computed comes out as `*`."""
    for node in ast.walk(tree(path)):
        if not (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS and node.args
        ):
            continue
        if (key := literal(node.args[0])) is not None:
            yield key, node


def literal(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values)
    return None


def matching(key: str, keys: set[str]) -> list[str]:
    if "*" not in key:
        return [key] if key in keys else []
    pattern = re.compile(".+".join(re.escape(part) for part in key.split("*")))
    return [known for known in keys if pattern.fullmatch(known)]


def error_keys() -> set[str]:
    return {key.split(".")[0] for key in catalogue("en", "errors")}


def uses_our_errors(path: Path) -> bool:
    return "locum.errors" in set(imported(path))


RAISING = [path for path in OURS if uses_our_errors(path)]


@each_module(RAISING)
def test_every_error_has_its_sentence(path):
    keys = {key.removesuffix(".sentence") for key in catalogue("en", "errors") if key.endswith(".sentence")}
    assert [f"{call.lineno}: {key}" for key, call in errors_raised(path) if not matching(key, keys)] == []


@each_module(RAISING)
def test_an_error_brings_the_values_its_sentence_needs(path):
    missing = []
    for key, call in errors_raised(path):
        given = {keyword.arg for keyword in call.keywords}
        needed = {
            name
            for k, text in catalogue("en", "errors").items()
            if k.startswith(f"{key}.")
            for name in placeholders(text)
        }
        if None not in given and needed - given:
            missing.append(f"{call.lineno}: {key} lacks {sorted(needed - given)}")
    assert missing == []


def test_every_sentence_for_an_error_is_used():
    named = {
        key for path in OURS for node in ast.walk(tree(path)) if isinstance(node, ast.expr) and (key := literal(node))
    }
    known = error_keys()
    used = {one for key in named if len(key.replace("*", "")) > 3 for one in matching(key, known)}
    assert known - used - {key for key in known if key.startswith("default-")} == set()


@each_module(OURS)
def test_every_message_that_is_said_exists(path):
    wrong = []
    for node in ast.walk(tree(path)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("say", "says")
            and len(node.args) > 1
        ):
            key = literal(node.args[1])
            area, _, rest = (key or "").partition(".")
            if rest and "*" not in area and not matching(rest, set(catalogue("en", area))):
                wrong.append(f"{node.lineno}: {key}")
    assert wrong == []


@each_module(OURS)
def test_an_entry_is_of_a_type_that_the_record_knows(path):
    calls = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
    drafts = [c for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr == "draft" and len(c.args) > 1]
    assert {literal(call.args[1]) for call in drafts} - {None} <= entry.TYPES
