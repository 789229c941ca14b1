"""What the policy's tables ask to be signed, and that every reason of the gate has a sentence in both languages."""

import ast
import string
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from locum.absence import Channel
from locum.gate import Need, Part, need_of
from locum.measure import Audience
from locum.messages import catalogue, say, says
from locum.policy import Facts, Policy, Question, load

START, END = datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 7, 14, tzinfo=UTC)
DECIDING = frozenset({"manager", "hr", "dpo"})
ONE = Part(count=1, functions=DECIDING)


def asked(*measures: str, reason: str = "continuity", disputed: bool = False) -> Question:
    return Question(
        reason=reason,
        from_date=START,
        to_date=END,
        audience=Audience.INTERNAL,
        external_is_template=True,
        batch_size=1,
        requester="sam",
        owner="anna",
        measures=frozenset(measures),
        disputed=disputed,
    )


def policy(text: str = "") -> Policy:
    return load(f'preset = "nl"\n{text}', kept=True)  # the floors of now are tried elsewhere


def need(text: str = "", *measures: str, answer: str = "unanswered", **question: object) -> Need:
    facts = Facts(channels=frozenset({Channel.MAILBOX}), answer=answer)
    return need_of(policy(text), asked(*(measures or ("forward",)), **question), facts)  # type: ignore[arg-type]


def test_a_forward_is_signed_by_two():
    assert need() == Need(parts=(ONE,), requester_signs=True)


def test_a_search_is_signed_by_two():
    assert need("", "search") == Need(parts=(ONE,), requester_signs=True)


def test_a_plain_auto_reply_is_signed_by_nobody():
    assert need("", "auto-reply") == Need(parts=(), requester_signs=False)


def test_an_auto_reply_is_reviewed_where_the_policy_says_so():
    found = need("[auto-reply.review]\ncount = 2\n", "auto-reply")
    assert found == Need(parts=(Part(count=2, functions=frozenset({"manager", "hr"})),), requester_signs=False)


def test_measures_that_are_joined_need_what_each_of_them_needs():
    found = need("[auto-reply.review]\ncount = 2\n", "auto-reply", "forward")
    assert found == Need(parts=(Part(count=2, functions=frozenset({"manager", "hr"})), ONE), requester_signs=True)


def test_more_than_one_review_is_needed_where_the_policy_says_so():
    assert need("[forward.review]\ncount = 3\n").parts == (Part(count=3, functions=DECIDING),)


def test_a_forward_is_signed_by_one_other_whatever_the_count_says():
    assert need("[forward.review]\ncount = 0\n").parts == (ONE,)


def test_a_forward_on_recorded_reviews_is_signed_by_nobody():
    assert not need("[forward.review]\nsigned = false\n").requester_signs
    assert need("[forward.review]\nsigned = false\ncount = 0\n").parts == ()


@pytest.mark.parametrize(("reason", "disputed"), [("continuity", True), ("death", False)])
def test_the_officer_signs_too_in_a_dispute_and_after_a_death(reason, disputed):
    officer = Part(count=1, functions=frozenset({"dpo"}))
    assert officer in need(reason=reason, disputed=disputed).parts
    assert officer not in need().parts
    assert officer not in need("[four-eyes]\nofficer_for = []\n", reason=reason, disputed=disputed).parts


def test_after_a_death_those_who_keep_the_contact_sign():
    assert Part(count=1, functions=frozenset({"hr"})) in need(reason="death").parts
    assert Part(count=1, functions=frozenset({"hr"})) not in need().parts


def test_an_objection_is_overruled_by_two_of_different_functions():
    overruled = Part(count=2, functions=DECIDING, decisions=frozenset({"overrule"}), apart=True)
    assert need(answer="objected").parts == (ONE, overruled)


# the reasons

SRC = Path(__file__).parent.parent / "src" / "locum"
FILES = [path for folder in ("approval", "register", "gate") for path in (SRC / folder).glob("*.py")]
WAYS = SRC / "register" / "ways.py"
"""Whether somebody may sign, before she does: told as an error, and never of what was signed."""


def reasons(files: Iterable[Path]) -> set[str]:
    """Every key that the code gives as a reason."""
    found = set()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                at = {"NotProven": 0, "Reason": 0, "read": 2}.get(node.func.id)
                if at is not None and len(node.args) > at:
                    named = ast.walk(node.args[at])
                    found |= {n.value for n in named if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return found - {"record-damaged"}


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_reason_has_its_sentence_and_no_other_has(language):
    acting = [SRC / "desk" / "last_look.py", SRC / "desk" / "searching" / "looking.py"]
    files = [*acting, *(path for path in FILES if path != WAYS)]
    told_by_people = {"private-after-all"}  # an incident in the same words, and no reason of the gate's (clause 14)
    assert set(catalogue(language, "gate")) == reasons(files) | told_by_people


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_reason_why_somebody_may_not_sign_is_an_error_with_a_sentence(language):
    assert [key for key in sorted(reasons([WAYS])) if not says(language, f"errors.deed-{key}.sentence")] == []


@pytest.mark.parametrize("key", sorted(catalogue("en", "gate")))
@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_sentence_is_filled_with_who_and_what(language, key):
    text = catalogue(language, "gate")[key]
    assert {name for _, name, _, _ in string.Formatter().parse(text) if name} <= {"who", "what"}
    assert say(language, f"gate.{key}", who="Maria", what="hr").endswith(".")
