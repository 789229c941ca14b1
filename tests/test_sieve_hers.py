"""What her own script does, in yes and no: examples as filters are really written, and Pigeonhole's compiler as judge."""

import re
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from locum import sieve
from locum.demo.host import Dovecot
from locum.sieve import Hers
from mailhosts.dovecot import dumped, run
from test_sieve import a_reply

NOTHING = Hers()
DOUBT = sieve.examine(b"nonsense", lambda _name: None)


def sends(*addresses: str) -> Hers:
    return Hers(redirect=True, redirects=len(addresses), redirects_to=addresses)


def test_doubt_is_yes_to_all_more_redirects_than_any_and_addresses_unknown() -> None:
    said = {name: getattr(DOUBT, name) for name in Hers.__slots__}
    assert said == {**dict.fromkeys(said, True), "redirects": 99, "redirects_to": None}


def hers(script: str | bytes, **others: str) -> Hers:
    """What is said of a script of hers, with her other scripts by name."""
    text = script.encode() if isinstance(script, str) else script
    return sieve.examine(text, lambda name: others[name].encode() if name in others else None)


UNKNOWN = Hers(redirect=True, redirects=1, redirects_to=None)
UNKNOWN_TWO = Hers(redirect=True, redirects=2, redirects_to=None)

ROUNDCUBE = """\
require ["body","copy","date","fileinto","imap4flags","relational","variables","mailbox","editheader","duplicate"];
# rule:[Facturen]
if anyof (header :contains "subject" "factuur", address :domain :is "from" ["boekhouding.test"])
{
\tfileinto :create "Facturen/${1}";
\tsetflag ["\\\\Seen", "$label1"];
}
/* rule:[vakantie]
   vacation :days 1 "I would be away"; */
# vacation "nor this";
elsif allof (size :over 2M, not currentdate :value "ge" "date" "2026-01-01") { addflag "\\\\Flagged"; keep; }
if duplicate :seconds 60 { discard; }
addheader "X-Sorted" text:
vacation "this is text";
redirect "so@is.this";
..
.
;
if mailboxexists "vacation" { set "reject" "redirect; stop;"; }
"""


def test_a_filter_that_only_files_does_nothing_of_it() -> None:
    assert hers(ROUNDCUBE) == Hers(discard=True)


@pytest.mark.parametrize("script", ["", "\n", "# nothing\n", "# no line end", "/* x */", "keep;", "\tkeep\r\n;\r\n"])
def test_a_script_of_nearly_nothing_does_nothing(script: str) -> None:
    assert hers(script) == NOTHING


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ('require "vacation"; vacation "x";', Hers(vacation=True)),
        ("VACATION :mime text:\nx\n.\n;", Hers(vacation=True)),
        ('if false { Vacation "x"; }', Hers(vacation=True)),
        ('reject "x";', Hers(reject=True)),
        ('require["ereject"];ereject text: # why\r\nx\r\n.\r\n;', Hers(reject=True)),
        ('refuse "x";', Hers(reject=True)),
        ('redirect :copy "x@y.test";', sends("x@y.test")),
        ('redirect "x@y.test"; if true { REDIRECT :copy :notify "delay" "z@y.test"; }', UNKNOWN_TWO),
        ('redirect "x@y.test"; redirect :copy "X@z.test";', sends("x@y.test", "X@z.test")),
        ('redirect "x@y.test"; redirect "x@y.test";', replace(sends("x@y.test"), redirects=2)),
        ("redirect text:\nx@y.test\n.\n;", UNKNOWN),
        ('redirect "${to}";', UNKNOWN),
        ('redirect :list "tag:x";', UNKNOWN),
        ('redirect "x@y.test', DOUBT),
        ("discard;", Hers(discard=True)),
        ("if true{stop;}", Hers(stop=True)),
        ('require "vacation"; keep;', NOTHING),
        ('keep; # vacation\n/* " */ stop; /* " */', Hers(stop=True)),
        ('fileinto "a\\"; reject \\"b";', NOTHING),
        ('fileinto "a\\\\"; reject "b";', Hers(reject=True)),
        ('set "a" text:\n.\n; redirect "x@y.test";', sends("x@y.test")),
        ('set "a" text:\n..\n. \n.x\n.\n;', NOTHING),
        ('set "a" "text:\n"; stop; # \n', Hers(stop=True)),
        ('set "a" "/*"; stop; set "b" "*/";', Hers(stop=True)),
        ("/* # */ stop; # */", Hers(stop=True)),
        ("/* /* */ stop; /* */", Hers(stop=True)),
    ],
)
def test_what_a_script_does_is_seen(script: str, said: Hers) -> None:
    assert hers(script) == said


@pytest.mark.parametrize(
    "script",
    [
        'execute :pipe "x";',
        'pipe "vacation";',
        'report "abuse" "x" "y@z.test";',
        'error "x";',
        "unknown;",
        "if true { keep;",
        "keep; }",
        "keep; ])",
        "if (true] {}",
        'fileinto "open',
        "/* open",
        'set "a" text:\nopen\n',
        'set "a" text: x\n.\n;',
        "keep;\0",
        "keep;\rstop;",
        '# a\rvacation "x";\n',
        "keep; @",
        "12a;",
        "\ufeffkeep;",
        'vacatıon "x";',
        b"keep; \xff",
        b"keep\xa0;",
    ],
)
def test_what_is_not_understood_is_yes_to_all(script: str | bytes) -> None:
    assert hers(script) == DOUBT


def test_a_byte_that_is_no_text_in_a_string_is_no_doubt() -> None:
    assert hers(b'fileinto "caf\xe9"; # caf\xe9\n') == NOTHING


# other scripts


@pytest.mark.parametrize("tags", ["", ":personal", ":once", ":personal :once :optional", ":PERSONAL"])
def test_what_an_included_script_does_counts(tags: str) -> None:
    assert hers(f'include {tags} "b";', b='vacation "x";') == Hers(vacation=True, includes=True)


def test_what_is_included_by_what_is_included_counts() -> None:
    assert hers('include "b";', b='include "c";', c='include "d";', d="stop;") == Hers(stop=True, includes=True)


def test_scripts_that_include_each_other_come_to_an_end() -> None:
    assert hers('include "b";', b='include "c";', c='include "b"; include "c";') == Hers(includes=True)


def test_a_name_with_quotes_is_looked_up_as_it_is() -> None:
    assert hers('include "a\\"b\\\\c é";', **{'a"b\\c é': "stop;"}) == Hers(stop=True, includes=True)


@pytest.mark.parametrize(
    "script",
    [
        'include :global "b";',
        'include "missing";',
        'include :other "b";',
        'include ["b"];',
        "include;",
        "include",
        "include :personal text:\nb\n.\n;",
        'require "encoded-character"; include "${hex:62}";',
        'include :once :once :once :once :once :once :once :once "b";',
    ],
)
def test_an_include_that_cannot_be_followed_is_yes_to_all(script: str) -> None:
    assert hers(script, b="keep;") == DOUBT


def test_an_included_script_that_is_not_understood_is_yes_to_all() -> None:
    assert hers('include "b";', b="unknown;") == DOUBT


def test_a_missing_script_that_may_be_missing_is_no_doubt() -> None:
    assert hers('include :optional "gone";') == Hers(includes=True)


def test_more_scripts_than_anybody_has_are_yes_to_all() -> None:
    many = {f"s{number}": f'include "s{number + 1}";' for number in range(60)} | {"s60": "keep;"}
    assert hers('include "s0";', **many) == DOUBT


def test_a_script_of_ours_is_understood_too() -> None:
    assert hers(sieve.script([a_reply(html_body="<p>x")])) == Hers(vacation=True)


def test_a_large_script_takes_no_time() -> None:
    large = 'if header :contains "subject" "x" { fileinto "y"; } # comment\n' * 15_000
    assert hers(large) == NOTHING


# the compiler as judge

REQUIRE = 'require ["vacation", "reject", "fileinto", "variables"];\n'
OPERATIONS = {"VACATION": "vacation", "REJECT": "reject", "REDIRECT": "redirect", "STOP": "stop"}
COMMANDS = ('vacation "x";', 'reject "x";', 'redirect "x@y.test";', "stop;", "keep;", "discard;")
ODD = ("/*", "*/", "#", '"', "\\", "text:", ".", "..", "\n.\n", "\n", ";", "}", "{", "é", "\t", *COMMANDS)

odd = st.lists(st.sampled_from(ODD), max_size=5).map("".join)
quoted = odd.map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')
stuffed = odd.map(lambda text: "text:\n" + re.sub(r"(?m)^\.", "..", text) + "\n.\n")
blocks = st.sampled_from(COMMANDS).map("if true {{ {} }}".format)
comments = st.one_of(
    odd.map(lambda text: "#" + text.replace("\n", " ") + "\n"),
    odd.map(lambda text: "/*" + text.replace("*/", "* /").removesuffix("*") + "*/"),
)
statements = st.one_of(
    st.sampled_from(COMMANDS),
    blocks,
    comments,
    st.one_of(quoted, stuffed).map('set "a" {};'.format),
    st.sampled_from(ODD),
)


def operations(dovecot: Dovecot, script: str) -> set[str]:
    """What Pigeonhole compiles it to, nothing where it does not compile."""
    with tempfile.TemporaryDirectory() as folder:
        source, binary = Path(folder) / "x.sieve", Path(folder) / "x.svbin"
        source.write_bytes(script.encode())
        run(dovecot, ["sievec", "-c", str(dovecot.config_file), str(source), str(binary)])
        dump = dumped(dovecot, binary) if binary.exists() else ""
    return set(re.findall(r"^[0-9a-f]{8}: +\d+: ([A-Z]+)\b", dump, re.MULTILINE))


@pytest.mark.slow
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(statements, min_size=1, max_size=6).map("".join))
def test_nothing_that_pigeonhole_finds_in_a_script_is_missed(dovecot: Dovecot, body: str) -> None:
    found, said = operations(dovecot, REQUIRE + body), hers(REQUIRE + body)
    assert [name for name, field in OPERATIONS.items() if name in found and not getattr(said, field)] == []


@pytest.mark.slow
def test_pigeonhole_is_a_judge_that_finds_each_command(dovecot: Dovecot) -> None:
    # fails where the judge above would be asleep: nothing compiled, or nothing read from the dump
    found = {name for command in COMMANDS[:4] for name in operations(dovecot, REQUIRE + command)}
    assert found >= {"VACATION", "REJECT", "REDIRECT", "STOP"}
