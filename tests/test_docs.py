"""What the documentation says is so: states, settings, columns, commands, exit codes, links, and the examples.

Nothing is checked here that the documentation does not say. The record's bytes are in test_spec.py.
"""

import re
import shutil
import subprocess
import tomllib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import pytest
from typer.main import get_command

from locum import cli, errors, lifecycle, policy
from locum.people import csv as people_csv
from locum.settings import ImapSearch, kinds, load, tables
from matrix import matrix
from stories.script import HAPPENS, SOMEBODY

ROOT = Path(__file__).parent.parent
OPERATE = (ROOT / "docs" / "operate.md").read_text("utf-8")
CONNECTORS = (ROOT / "docs" / "connectors.md").read_text("utf-8")
CASES = (ROOT / "docs" / "cases.md").read_text("utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{re.escape(language)}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def section(text: str, title: str) -> str:
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^#+ |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[2]


def rows(text: str) -> list[list[str]]:
    """The cells of the tables in a text, without the heads."""
    table = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table]
    rules = {number for number, row in enumerate(cells) if all(set(cell) <= set("-") and cell for cell in row)}
    return [row for number, row in enumerate(cells) if not {number, number + 1} & rules]


# the life of a case


def test_the_page_has_the_states_of_the_table_in_their_order():
    assert [row[0] for row in rows(section(CASES, "States"))] == [str(state) for state in lifecycle.State]


def test_the_page_has_the_steps_of_the_table_and_no_others():
    steps = [[str(a), str(event), str(b)] for a, row in lifecycle.TABLE.items() for event, b in row.items()]
    assert rows(section(CASES, "Steps")) == steps


def test_the_page_names_the_final_states():
    final = {row[0] for row in rows(section(CASES, "States")) if row[1].endswith("final")}
    assert final == {str(state) for state in lifecycle.FINAL}


def test_the_page_names_the_states_in_which_something_is_on_the_server():
    sentence = next(line for line in CASES.splitlines() if line.startswith("Something of ours may be"))
    assert set(re.findall(r"`([a-z-]+)`", sentence)) == {str(state) for state in lifecycle.ON_SERVER}


# settings, people, policy


def tables_of_settings() -> dict[str, type]:
    """Every table that may stand in the settings, by its heading on the page."""
    found: dict[str, type] = {}
    for name, hint in get_type_hints(tables.File).items():
        kind = next((part for part in (hint, *get_args(hint)) if is_dataclass(part)), None)
        if isinstance(kind, type) and get_origin(hint) is not dict:
            found[f"[{name}]"] = kind
            found |= {f"[{name}.{inner}]": within for inner, within in inner_tables(kind).items()}
    kinds = {get_args(get_type_hints(kind)["kind"])[0]: kind for kind in get_args(tables.ConnectorTable)}
    found |= {"[witness.NAME]": tables.WitnessTable, "[search.NAME]": ImapSearch}
    return found | {f'kind = "{name}"': kind for name, kind in kinds.items()}


def inner_tables(table: type) -> dict[str, type]:
    return {name: hint for name, hint in get_type_hints(table).items() if is_dataclass(hint)}


def keys_of(table: type) -> set[str]:
    hints = get_type_hints(table, include_extras=True)
    keys = set()
    for field in fields(table):
        hint = hints[field.name]
        if field.name in inner_tables(table):
            continue
        notes = get_args(hint)[1:] if get_origin(hint) is not None else ()
        keys.add(next((note.alias for note in notes if getattr(note, "alias", None)), field.name))
    return keys


def keys_on_the_page() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    heading = ""
    for first, *_ in rows(section(OPERATE, "Settings")):
        if first.startswith("**"):
            heading = first.strip("*`")
            found[heading] = set()
        else:
            found[heading] |= set(re.findall(r"`([a-z_]+)`", first))
    return found


@pytest.mark.parametrize("heading", tables_of_settings())
def test_the_page_has_every_setting_and_no_other(heading):
    page = keys_on_the_page()
    told = page[heading] | (page["[connector.NAME]"] if heading.startswith("kind") else set())
    assert told == keys_of(tables_of_settings()[heading])


def test_the_page_has_every_table_of_the_settings():
    assert set(keys_on_the_page()) == {*tables_of_settings(), "[acting]", "[connector.NAME]"}


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """A folder with the settings and the people of the guide."""
    (tmp_path / "locum.toml").write_text(blocks(OPERATE, "toml")[0])
    (tmp_path / "people.csv").write_text(blocks(OPERATE, "csv")[0])
    return tmp_path


def test_the_settings_of_the_guide_are_accepted(etc):
    assert load(etc / "locum.toml").route("anna@corp.test") == "dovecot"


def test_the_managesieve_settings_of_the_page_are_accepted(etc):
    text = (etc / "locum.toml").read_text().partition("[connector.dovecot]")[0]
    connector = next(block for block in blocks(OPERATE, "toml") if 'kind = "managesieve"' in block)
    (etc / "locum.toml").write_text(text + connector)
    assert load(etc / "locum.toml").route("anna@corp.test") == "sieve"


def test_the_helper_of_the_page_is_accepted(etc):
    helper = next(block for block in blocks(OPERATE, "toml") if block.startswith("# in [connector.dovecot]"))
    (etc / "locum.toml").write_text((etc / "locum.toml").read_text() + helper)
    assert "locum-mailhost" in str(load(etc / "locum.toml").connectors["dovecot"].helper)


def test_sudo_allows_the_helper_exactly_as_the_settings_call_it():
    helper = next(block for block in blocks(OPERATE, "toml") if block.startswith("# in [connector.dovecot]"))
    command = tomllib.loads(helper)["helper"]
    rule = next(re.findall(r"NOPASSWD: ([^']+)'", block)[0] for block in blocks(OPERATE, "sh") if "NOPASSWD" in block)
    assert command[command.index("vmail") + 1 :] == rule.split(" ")


def test_the_people_of_the_guide_are_accepted(etc):
    people = people_csv.PeopleCsv(etc / "people.csv", default_language="nl", default_time_zone="Europe/Amsterdam")
    assert [person.id for person in people.everyone()] == ["anna", "carla", "sam"]


def test_the_page_has_every_column_of_people():
    told = {name for row in rows(section(OPERATE, "People")) for name in re.findall(r"`([a-z_]+)`", row[0])}
    assert told == {*people_csv.REQUIRED, *people_csv.OPTIONAL}


def test_the_policy_that_comes_with_locum_says_all_it_has_in_words():
    text = policy.shipped()
    lines = text.splitlines()
    bare = [line for number, line in enumerate(lines) if re.match(r"[a-z_]+ =", line) and not explained(lines, number)]
    assert bare == []


def explained(lines: list[str], number: int) -> bool:
    """A comment stands right above it, or above the keys and the table that it follows without a gap."""
    while number > 0 and re.match(r"[a-z_-]+ =|\[", lines[number - 1]):
        number -= 1
    return number > 0 and lines[number - 1].startswith("#")


@pytest.mark.skipif(shutil.which("dovecot") is None, reason="Dovecot is not installed")
@pytest.mark.parametrize("block", blocks(OPERATE, "dovecot-2.3"))
def test_dovecot_accepts_the_lines_of_the_page(tmp_path, block):
    version = subprocess.run(["dovecot", "--version"], capture_output=True, text=True, check=True).stdout
    if not version.startswith("2.3."):
        pytest.skip(f"these lines are for Dovecot 2.3, and this one is {version}")
    (tmp_path / "dovecot.conf").write_text(block)
    said = subprocess.run(
        ["doveconf", "-n", "-c", tmp_path / "dovecot.conf"], capture_output=True, text=True, check=False
    )
    assert (
        said.returncode,
        any(one in said.stdout for one in ("bindir=~/.locum-bin", "masters-%s", "auth_user", "locum-acl")),
    ) == (
        0,
        True,
    )


# commands, exit codes, targets, files


def commands_on(text: str) -> set[str]:
    """Words that follow `locum` in code. A name that only holds the word (locum.toml, /var/lib/locum) is none."""
    code = " ".join(re.findall(r"`[^`\n]+`", text)) + "\n".join(
        re.findall(r"^(?:    |```[a-z]+\n).*", text, re.MULTILINE)
    )
    code += "\n".join(blocks(text, "sh") + blocks(text, "ini"))
    return set(re.findall(r"(?:^|[`\s/])(?<!-u )locum (?!locum\b)([a-z]+(?:-[a-z]+)*)\b(?![.@=-])", code, re.MULTILINE))


def commands_of_locum() -> set[str]:
    return set(get_command(cli.app).commands)


@pytest.mark.parametrize("page", [path for path in PAGES if path.name != "CHANGELOG.md"], ids=lambda path: path.name)
def test_every_command_on_a_page_exists(page):
    assert commands_on(page.read_text("utf-8")) - commands_of_locum() == set()


def test_every_command_is_on_the_page():
    assert commands_of_locum() - commands_on(section(OPERATE, "Commands")) == set()


def test_whatever_can_be_asked_for_is_on_the_page():
    asked = {name for name, one in get_command(cli.app).commands["request"].commands.items() if not one.hidden}
    assert {name for name in asked if f"`locum request {name} " not in section(OPERATE, "Commands")} == set()


def test_the_exit_codes_on_the_page_are_those_of_the_errors():
    told = {int(row[0]) for row in rows(section(OPERATE, "Exit codes"))}
    kinds = [errors.Invalid, errors.Refused, errors.Conflict, errors.Unsupported, errors.Trouble]
    assert told == {0, 7, 8} | {kind.exit_code for kind in kinds}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_make_target_on_a_page_exists(page):
    named = set(re.findall(r"(?:^|[`\s])make ([a-z]+)(?=[`\s,;]|$)", "\n".join(code_of(page)), re.MULTILINE))
    assert {name for name in named if not re.search(rf"^{name}:", MAKEFILE, re.MULTILINE)} == set()


def code_of(page: Path) -> list[str]:
    text = page.read_text("utf-8")
    return [*re.findall(r"`[^`\n]+`", text), *re.findall(r"^    .*", text, re.MULTILINE), *blocks(text, "sh")]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_link_inside_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]*)(#[^)\s]*)?\)", page.read_text("utf-8"))
    inside = [(place, anchor) for place, anchor in links if "://" not in place]
    assert [link for link in inside if not leads(page, *link)] == []


def leads(page: Path, place: str, anchor: str) -> bool:
    target = page.parent / place if place else page
    if not target.exists():
        return False
    titles = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.MULTILINE) if anchor else []
    return not anchor or anchor[1:] in {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}


CODE = sorted(path for folder in ("src", "tests", "bench") for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_page_that_the_code_names_exists(path):
    told = re.findall(r'"""[\s\S]*?"""|#.*', path.read_text("utf-8"))
    named = re.findall(r"[A-Za-z0-9/_-]+\.md\b", " ".join(told))
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_page_about_stories_has_every_step_of_them():
    told = {re.sub(r"^[^:]*@\S+ ", "", step[0].strip("`").partition(":")[0]) for step in rows(page_of_stories())}
    assert told == {"$ locum ...", *HAPPENS, *SOMEBODY}


def page_of_stories() -> str:
    return section((ROOT / "docs" / "stories.md").read_text("utf-8"), "The steps")


DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))


def test_decisions_are_numbered_without_a_gap():
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.name)
def test_a_decision_has_context_choice_and_cost_under_its_number(path):
    text = path.read_text("utf-8")
    assert text.startswith(f"# {path.name[:4]} ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Choice", "Cost"]


def test_the_first_screen_of_the_readme_has_the_demo_and_the_tests():
    first_screen = (ROOT / "README.md").read_text("utf-8").splitlines()[:24]
    assert all(any(line.strip().startswith(command) for line in first_screen) for command in ("make demo", "make test"))


# the matrix of connectors


def test_the_matrix_has_a_row_for_every_kind_of_connector_and_no_other():
    assert {re.findall(r"`([a-z_]+)`", system)[0] for system in matrix()} == set(kinds())


def test_every_kind_of_connector_is_told_about_and_has_a_page():
    table = rows(section(CONNECTORS, "Connectors"))
    pages = {path.stem for path in (ROOT / "docs" / "connectors").glob("*.md")}
    assert ({row[0].strip("`") for row in table}, pages) == (set(kinds()), set(kinds()))


def test_the_page_of_the_bench_tells_every_bench_apart():
    page = (ROOT / "docs" / "bench.md").read_text("utf-8")
    told = set(re.findall(r"\*\*([a-z0-9-]+)\*\*", page))
    shown = {row[0] for row in rows(page)}
    assert shown
    assert all(any(name.startswith(word) for word in told) for name in shown)


def test_the_search_settings_of_the_page_are_accepted(etc):
    block = next(one for one in blocks(OPERATE, "toml") if one.startswith("[search.main]"))
    (etc / "locum.toml").write_text((etc / "locum.toml").read_text() + block)
    assert load(etc / "locum.toml").searches["main"].connectors == ("dovecot",)
