"""The decision table, clause by clause: what is asked, what has happened, what the policy says, and the answer.

Each row starts from a question to which the answer is yes (`REPLY`: an auto-reply; `BOTH`: an auto-reply and a forward of one
case, under a policy whose legal fields are filled in) and changes only what it names.
"""

import ast
import inspect
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache

import pytest
from tests.policies import ALTERNATIVES, ASKED, FILLED, JOINED, NOW, QUESTION, SEARCHED, SETTLED, policy

from locum.absence import Channel
from locum.measure import Audience
from locum.policy import CLAUSES, Allowed, Facts, Needs, No, Policy, Question, Verdict, clauses, decide, searching
from locum.query import Query, WordsIn

Changes = dict[str, object]


@dataclass(frozen=True)
class Row:
    """`answer` is yes, needs WHAT, or no CLAUSE KEY."""

    clause: int
    says: str
    answer: str
    base: tuple[Question, Facts]
    question: Changes = field(default_factory=dict)
    facts: Changes = field(default_factory=dict)
    policy: Changes = field(default_factory=dict)


REPLY = (QUESTION, ASKED)
BOTH = (JOINED, SETTLED)
FIND = (SEARCHED, SETTLED)


def days(number: float) -> Changes:
    return {"to_date": NOW + timedelta(days=number)}


def reviews(*said: str) -> Changes:
    return {"reviews": tuple(tuple(one.split()) for one in said)}


def query(**changes: object) -> Query:
    return replace(SEARCHED.query, **changes)  # type: ignore[arg-type]


def tried_without(name: str, ahead: int | None = None) -> tuple[tuple[str, object], ...]:
    """All that was tried, without this, or with it some days ahead."""
    late = () if ahead is None else ((name, NOW.date() + timedelta(days=ahead)),)
    return (*(one for one in SEARCHED.alternatives if one[0] != name), *late)


OBJECTED = {"answer": "objected"}
TEMPLATE_FREE = {"audience": Audience.EVERYONE, "external_is_template": False}
DOUBTED = {"words_doubted": True}
OPEN = {"regulation.known_on": None}
ROWS = (
    Row(1, "a reason of the list", "yes", REPLY),
    Row(1, "a reason of no list", "no 1 reason-not-listed", REPLY, {"reason": "curiosity"}),
    Row(1, "judging a person is none", "no 1 reason-not-listed", REPLY, {"reason": "investigation"}),
    Row(1, "a reason for a reply, and none for a forward", "no 1 reason-not-listed", BOTH, {"reason": "forgotten"}),
    Row(3, "all fields are filled in", "yes", BOTH),
    *(
        Row(3, f"{name} is open", "no 3 forward-open-fields", BOTH, policy={f"regulation.{name}": None})
        for name in ("works_council", "works_council_on", "register", "dpia_on")
    ),
    *(
        Row(
            3, f"{name} is still to come", "no 3 forward-open-fields", BOTH, policy={f"regulation.{name}": "2026-11-24"}
        )
        for name in ("works_council_on", "dpia_on")
    ),
    Row(3, "it is there on its day", "yes", BOTH, policy={"regulation.dpia_on": "2026-11-23"}),
    Row(
        3,
        "there is no works council, and that is an answer",
        "yes",
        BOTH,
        policy={"regulation.works_council": "none", "regulation.works_council_on": None},
    ),
    Row(3, "an auto-reply does not wait for open fields", "yes", REPLY, policy=dict.fromkeys(FILLED)),
    Row(4, "she was never told: a reply's question tells her", "yes", REPLY, policy=OPEN),
    Row(
        4,
        "a reply may want her agreement",
        "no 4 not-told-before",
        REPLY,
        policy=OPEN | {"known.auto-reply": "agreement"},
    ),
    Row(4, "never told, and silent: no forward", "no 4 not-told-before", BOTH, policy=OPEN),
    Row(4, "told from a day ahead on", "no 4 not-told-before", BOTH, policy={"regulation.known_on": "2026-11-24"}),
    Row(4, "told from today on", "yes", BOTH, policy={"regulation.known_on": "2026-11-23"}),
    Row(4, "never told, and not asked yet", "needs ask", BOTH, facts={"asked": frozenset(), "answer": ""}, policy=OPEN),
    Row(4, "never told, and asked", "needs answer", BOTH, facts={"answer": ""}, policy=OPEN),
    Row(4, "never told, and she agrees", "yes", BOTH, facts={"answer": "agreed"}, policy=OPEN),
    Row(
        4,
        "an agreement that only the requester heard is none",
        "no 4 not-told-before",
        BOTH,
        facts={"answer": "agreed", "heard_by": "bob"},
        policy=OPEN,
    ),
    Row(4, "a forward whose question is enough", "yes", BOTH, policy=OPEN | {"known.forward": "ask"}),
    Row(
        4,
        "asked for by a named function",
        "yes",
        BOTH,
        {"requester_function": "it"},
        policy={"requesters.forward": ["it"]},
    ),
    Row(
        4,
        "asked for by another function",
        "no 4 requester-not-named",
        BOTH,
        {"requester_function": "sales"},
        policy={"requesters.forward": ["it"]},
    ),
    Row(4, "the functions for a forward do not bind a reply", "yes", REPLY, policy={"requesters.forward": ["it"]}),
    Row(5, "exactly as long as allowed", "yes", REPLY, days(92)),
    Row(5, "and the hour of a clock change", "yes", REPLY, days(92 + 1 / 24)),
    Row(5, "one day longer", "no 5 longer-than-allowed", REPLY, days(93)),
    Row(5, "a credential that could read mail", "no 5 power-not-allowed", REPLY, {"powers": frozenset({"read-mail"})}),
    Row(5, "one that could redirect mail is allowed by name", "yes", REPLY, {"powers": frozenset({"redirect-mail"})}),
    Row(
        5,
        "a power that the reply allows and the forward does not",
        "no 5 power-not-allowed",
        BOTH,
        {"powers": frozenset({"redirect-mail"})},
        policy={"forward.powers": []},
    ),
    Row(5, "searching is not there", "no 5 no-such-measure", BOTH, {"measures": frozenset({"auto-reply", "search"})}),
    Row(5, "a measure that there is not", "no 5 no-such-measure", REPLY, {"measures": frozenset({"full-access"})}),
    Row(5, "no measure at all", "no 5 no-such-measure", REPLY, {"measures": frozenset()}),
    Row(6, "not asked on every channel", "needs ask", REPLY, facts={"asked": frozenset({Channel.MAILBOX})}),
    Row(
        6, "asked, and the wait goes on", "needs answer", REPLY, facts={"deadline_at": NOW + timedelta(1), "answer": ""}
    ),
    Row(6, "she agrees before", "yes", REPLY, facts={"deadline_at": None, "asked": frozenset(), "answer": "agreed"}),
    Row(6, "she gives her own text", "yes", REPLY, facts={"answer": "own-text"}),
    Row(6, "no way to ask her", "no 6 no-channel", REPLY, facts={"channels": frozenset()}),
    Row(6, "she reads along, and is silent", "no 6 reads-along", REPLY, facts={"reads_along": True}),
    Row(6, "silence stops it", "no 6 unanswered-stops", REPLY, policy={"auto-reply.ask.if_unanswered": "stop"}),
    Row(6, "silence wants a reviewer", "needs review", REPLY, policy={"auto-reply.ask.if_unanswered": "review"}),
    Row(
        6,
        "the forward's silence stops both",
        "no 6 unanswered-stops",
        BOTH,
        policy={"forward.ask.if_unanswered": "stop"},
    ),
    Row(
        6,
        "a shorter wait wants an approver",
        "needs review",
        REPLY,
        {"hurried": True},
        {"deadline_at": None, "answer": ""},
    ),
    Row(
        6,
        "and has one",
        "yes",
        REPLY,
        {"hurried": True},
        {"deadline_at": None, "answer": ""} | reviews("carla approve hr"),
    ),
    Row(
        6,
        "but never before she was asked",
        "needs ask",
        REPLY,
        {"hurried": True},
        {"deadline_at": None, "answer": "", "asked": frozenset()} | reviews("carla approve hr"),
    ),
    Row(
        6,
        "a shorter wait is never granted",
        "needs answer",
        REPLY,
        {"hurried": True},
        {"deadline_at": None, "answer": ""} | reviews("carla approve hr"),
        {"ask.shorter": "never"},
    ),
    Row(
        6,
        "nor to whoever reads along",
        "needs answer",
        REPLY,
        {"hurried": True},
        {"deadline_at": None, "answer": "", "reads_along": True} | reviews("carla approve hr"),
    ),
    Row(6, "an objection stops it", "needs overrule", REPLY, facts=OBJECTED),
    Row(
        6,
        "for good, where the policy says so",
        "no 6 objected",
        REPLY,
        facts=OBJECTED,
        policy={"objection.overrule": "never"},
    ),
    Row(6, "one person does not overrule it", "needs overrule", REPLY, facts=OBJECTED | reviews("carla overrule hr")),
    Row(
        6,
        "nor two of one function",
        "needs overrule",
        REPLY,
        facts=OBJECTED | reviews("carla overrule hr", "dirk overrule hr"),
    ),
    Row(
        6,
        "nor one person twice",
        "needs overrule",
        REPLY,
        facts=OBJECTED | reviews("carla overrule hr", "carla overrule manager"),
    ),
    Row(
        6,
        "an approval is no overruling",
        "needs overrule",
        REPLY,
        facts=OBJECTED | reviews("c approve hr", "d approve dpo"),
    ),
    Row(6, "two of different functions do", "yes", REPLY, facts=OBJECTED | reviews("c overrule hr", "d overrule dpo")),
    Row(
        6,
        "not the requester",
        "needs overrule",
        REPLY,
        facts=OBJECTED | reviews("bob overrule hr", "d overrule dpo"),
    ),
    Row(6, "not she herself", "needs overrule", REPLY, facts=OBJECTED | reviews("anna overrule hr", "d overrule dpo")),
    Row(
        6,
        "not somebody of the requester's function",
        "needs overrule",
        REPLY,
        {"requester_function": "hr"},
        OBJECTED | reviews("c overrule hr", "d overrule dpo"),
    ),
    Row(
        6,
        "not a function that the policy does not name",
        "needs overrule",
        REPLY,
        facts=OBJECTED | reviews("c overrule sales", "d overrule dpo"),
    ),
    Row(
        6,
        "an objection to a forward is overruled by the same two",
        "yes",
        BOTH,
        facts=OBJECTED | reviews("c overrule hr", "d overrule dpo"),
    ),
    Row(7, "a reviewer's no is a no", "no 7 denied", REPLY, facts=reviews("carla deny hr")),
    Row(7, "one no among several yeses", "no 7 denied", BOTH, facts=reviews("c approve hr", "d deny manager")),
    Row(7, "a forward wants a reviewer", "needs review", BOTH, facts=reviews()),
    Row(7, "even where she agrees", "needs review", BOTH, facts=reviews() | {"answer": "agreed"}),
    Row(7, "not the requester", "needs review", BOTH, facts=reviews("bob approve hr")),
    Row(7, "not she herself", "needs review", BOTH, facts=reviews("anna approve hr")),
    Row(7, "not a function that may not", "needs review", BOTH, facts=reviews("c approve sales")),
    Row(7, "not one of the requester's", "needs review", BOTH, {"requester_function": "hr"}, reviews("c approve hr")),
    Row(7, "not one without a function", "needs review", BOTH, facts={"reviews": (("carla", "approve", ""),)}),
    Row(
        7,
        "one person twice is one person",
        "needs review",
        BOTH,
        facts=reviews("c approve hr", "c approve hr"),
        policy={"forward.review.count": 2},
    ),
    Row(
        7,
        "two are two",
        "yes",
        BOTH,
        facts=reviews("c approve hr", "d approve dpo"),
        policy={"forward.review.count": 2},
    ),
    Row(
        7,
        "the stricter of two measures counts",
        "needs review",
        BOTH,
        facts=reviews("c approve dpo"),
        policy={"auto-reply.review.count": 1},
    ),
    Row(7, "a dispute adds the officer", "needs review", REPLY, {"disputed": True}, reviews("c approve hr")),
    Row(7, "who is there", "yes", REPLY, {"disputed": True}, reviews("d approve dpo")),
    Row(
        7,
        "the officer has another name",
        "yes",
        REPLY,
        {"disputed": True},
        reviews("d approve fg"),
        {"four-eyes.officer": "fg"},
    ),
    Row(7, "reviews of a forward cannot be signed", "no 7 reviews-unsigned", BOTH, {"reviews_are": "unsigned"}),
    Row(7, "they are", "yes", BOTH, {"reviews_are": "signed"}),
    Row(7, "a reply wants no signatures", "yes", REPLY, {"reviews_are": "unsigned"}),
    Row(8, "free text for outsiders", "needs review", REPLY, TEMPLATE_FREE),
    Row(8, "she agrees to it", "yes", REPLY, TEMPLATE_FREE, {"answer": "agreed"}),
    Row(
        8,
        "only the requester heard that",
        "needs review",
        REPLY,
        TEMPLATE_FREE,
        {"answer": "agreed", "heard_by": "bob"},
    ),
    Row(8, "one reviewer will do", "yes", REPLY, TEMPLATE_FREE, reviews("carla approve hr")),
    Row(8, "the policy allows it", "yes", REPLY, TEMPLATE_FREE, policy={"auto-reply.free_text": "allowed"}),
    Row(8, "free text for colleagues", "yes", REPLY, {"external_is_template": False}),
    Row(8, "a doubted sentence, for colleagues alone", "needs review", REPLY, DOUBTED),
    Row(8, "she agrees to a doubted sentence", "yes", REPLY, DOUBTED, {"answer": "agreed"}),
    Row(
        8,
        "only the requester heard that of a doubted sentence",
        "needs review",
        REPLY,
        DOUBTED,
        {"answer": "agreed", "heard_by": "bob"},
    ),
    Row(8, "one reviewer lets a doubted sentence through", "yes", REPLY, DOUBTED, reviews("carla approve hr")),
    Row(8, "the requester does not", "needs review", REPLY, DOUBTED, reviews("bob approve hr")),
    Row(
        8,
        "free text that is allowed may hold a doubted sentence",
        "needs review",
        REPLY,
        TEMPLATE_FREE | DOUBTED,
        policy={"auto-reply.free_text": "allowed"},
    ),
    Row(8, "a forward has no words", "yes", BOTH, DOUBTED | {"measures": frozenset({"forward"})}),
    Row(8, "a large batch", "needs review", REPLY, {"batch_size": 21}),
    Row(8, "not so large", "yes", REPLY, {"batch_size": 20}),
    Row(9, "four weeks", "yes", BOTH, days(28)),
    Row(9, "four weeks, and the hour of a clock change", "yes", BOTH, days(28 + 1 / 24)),
    Row(9, "a day longer", "no 9 forward-too-long", BOTH, days(29)),
    Row(9, "to an address outside", "no 9 forward-outside", BOTH, {"forward_inside": False}),
    Row(9, "in a circle", "no 9 forward-circle", BOTH, {"forward_circle": ("dirk@corp.test", "anna@corp.test")}),
    Row(9, "to herself", "no 9 forward-circle", BOTH, {"forward_to_person": "anna"}),
    Row(9, "to somebody who is away too", "no 9 forward-receiver-away", BOTH, {"receiver_away": True}),
    Row(9, "the receiver has said nothing", "needs consent", BOTH, facts={"consent": ""}),
    Row(9, "the receiver declines", "no 9 forward-receiver-declined", BOTH, facts={"consent": "declined"}),
    Row(9, "a functional mailbox agrees too", "needs consent", BOTH, {"forward_to_person": ""}, {"consent": ""}),
    Row(
        9,
        "it need not, where the policy says so",
        "yes",
        BOTH,
        {"forward_to_person": ""},
        {"consent": ""},
        {"forward.consent": "persons"},
    ),
    Row(9, "to the requester: with an approver", "yes", BOTH, {"forward_to_person": "bob"}, {"consent": ""}),
    Row(9, "to the requester: not without", "needs review", BOTH, {"forward_to_person": "bob"}, reviews()),
    Row(
        9,
        "to the requester: never",
        "no 9 forward-to-requester",
        BOTH,
        {"forward_to_person": "bob"},
        policy={"forward.to_requester": "refuse"},
    ),
    Row(17, "departure: one month", "yes", REPLY, {"reason": "departure"} | days(31)),
    Row(17, "departure: longer wants an approver", "needs review", REPLY, {"reason": "departure"} | days(32)),
    Row(17, "departure: and has one", "yes", REPLY, {"reason": "departure"} | days(92), reviews("carla approve hr")),
    Row(
        17,
        "departure: never longer than the last month",
        "no 17 departure-too-long",
        REPLY,
        {"reason": "departure"} | days(93),
        reviews("carla approve hr"),
        {"auto-reply.max_days": 120},
    ),
    Row(17, "long absence: likewise", "needs review", REPLY, {"reason": "long-absence"} | days(40)),
    Row(17, "another reason: not so", "yes", REPLY, days(40)),
    Row(
        17,
        "departure: no forward where the policy says so",
        "no 17 departure-forward",
        BOTH,
        {"reason": "departure"},
        policy={"departure.forward": "refused"},
    ),
    Row(17, "departure: a forward as any other", "yes", BOTH, {"reason": "departure"}),
    Row(
        17,
        "long absence: she comes back, and a forward is as any other",
        "yes",
        BOTH,
        {"reason": "long-absence"},
        policy={"departure.forward": "refused"},
    ),
    Row(
        17,
        "death: nobody is asked, and nobody has looked",
        "needs review",
        REPLY,
        {"reason": "death"},
        {"asked": frozenset()},
    ),
    Row(17, "death: HR alone does not do", "needs review", REPLY, {"reason": "death"}, reviews("c approve hr")),
    Row(17, "death: nor the officer alone", "needs review", REPLY, {"reason": "death"}, reviews("d approve dpo")),
    Row(
        17,
        "death: both do, and nobody was asked",
        "yes",
        REPLY,
        {"reason": "death"},
        {"channels": frozenset(), "asked": frozenset(), "answer": ""} | reviews("c approve hr", "d approve dpo"),
    ),
    Row(
        17,
        "death: where HR asks for it, the officer looks",
        "yes",
        REPLY,
        {"reason": "death", "requester_function": "hr"},
        reviews("d approve dpo"),
    ),
    Row(
        17,
        "death: where HR asks for it, and a colleague of theirs looks",
        "needs review",
        REPLY,
        {"reason": "death", "requester_function": "hr"},
        reviews("c approve hr"),
    ),
    Row(
        17,
        "death: where the officer asks for it, HR looks",
        "yes",
        REPLY,
        {"reason": "death", "requester_function": "dpo"},
        reviews("c approve hr"),
    ),
    Row(
        17,
        "death: where the officer asks for it, somebody else looks",
        "needs review",
        REPLY,
        {"reason": "death", "requester_function": "dpo"},
        reviews(),
    ),
    Row(3, "all fields are filled in, and a message may be looked for", "yes", FIND),
    Row(3, "a field is open", "no 3 search-open-fields", FIND, policy={"regulation.dpia_on": None}),
    Row(4, "she was never told, and did not agree to a search", "no 4 not-told-before", FIND, policy=OPEN),
    Row(4, "a function that is not named", "no 4 requester-not-named", FIND, policy={"requesters.search": ["hr"]}),
    Row(5, "a search stands alone", "no 5 no-such-measure", FIND, {"measures": frozenset({"search", "forward"})}),
    *(
        Row(5, f"{name} was not tried", "no 5 search-not-tried", FIND, {"alternatives": tried_without(name)})
        for name in ALTERNATIVES
    ),
    Row(5, "tried tomorrow", "no 5 search-not-tried", FIND, {"alternatives": tried_without("auto-reply", ahead=5)}),
    Row(
        5, "what the policy does not want tried", "yes", FIND, {"alternatives": ()}, policy={"search.alternatives": []}
    ),
    Row(6, "two working days", "needs answer", FIND, facts={"answer": "", "deadline_at": NOW + timedelta(hours=1)}),
    Row(7, "nobody looked", "needs review", FIND, facts=reviews()),
    Row(7, "somebody of the same function looked", "needs review", FIND, {"requester_function": "manager"}),
    Row(7, "nothing can be signed", "no 7 search-unsigned", FIND, {"reviews_are": "unsigned"}),
    Row(7, "a trial is no signature", "no 7 search-unsigned", FIND, {"reviews_are": "trial"}),
    Row(10, "a sender and a word", "yes", FIND),
    Row(10, "a sender alone", "no 10 search-too-few-parts", FIND, {"query": query(words=())}),
    Row(10, "a sender, and a time with both ends", "yes", FIND, {"query": query(words=(), before=NOW)}),
    Row(10, "no beginning", "no 10 search-too-early", FIND, {"query": query(since=None)}),
    Row(10, "32 days before", "no 10 search-too-early", FIND, {"query": query(since=NOW - timedelta(days=32))}),
    Row(
        10,
        "away for long",
        "yes",
        FIND,
        {"query": query(since=NOW - timedelta(days=60)), "away_since": NOW - timedelta(days=40)},
    ),
    Row(10, "words anywhere", "no 10 search-words-in-subject", FIND, policy={"search.words_in": "subject"}),
    Row(
        10,
        "words in the subject",
        "yes",
        FIND,
        {"query": query(words_in=WordsIn.SUBJECT)},
        policy={"search.words_in": "subject"},
    ),
    Row(10, "to somebody outside", "no 10 search-outside", FIND, {"forward_inside": False}),
    Row(10, "back to her", "no 10 search-to-owner", FIND, {"forward_to_person": "anna"}),
    Row(10, "to whoever asks, and somebody signed", "yes", FIND, {"forward_to_person": "bob"}),
    Row(10, "she has to agree", "no 10 search-not-agreed", FIND, policy={"search.agreement": "always"}),
    Row(10, "she agreed", "yes", FIND, facts={"answer": "agreed"}, policy={"search.agreement": "always"}),
    Row(
        10,
        "only the requester heard it",
        "no 10 search-not-agreed",
        FIND,
        facts={"answer": "agreed", "heard_by": "bob"},
        policy={"search.agreement": "always"},
    ),
    Row(
        10,
        "no rule about private use allows it",
        "no 10 search-not-agreed",
        FIND,
        policy={"search.agreement": "private-use"},
    ),
    Row(
        10,
        "private use is forbidden",
        "yes",
        FIND,
        policy={"search.agreement": "private-use", "regulation.private_use": "forbidden"},
    ),
    Row(
        10,
        "she was not asked yet",
        "needs ask",
        FIND,
        facts={"answer": "", "asked": frozenset()},
        policy={"search.agreement": "always"},
    ),
    Row(17, "death: whoever objects is heard", "needs overrule", REPLY, {"reason": "death"}, OBJECTED),
)


def in_words(verdict: Verdict) -> str:
    match verdict:
        case No(clause, key):
            return f"no {clause} {key}"
        case Needs(what):
            return f"needs {what}"
    return "yes"


def asked(row: Row) -> tuple[Question, Facts]:
    question, facts = row.base
    return replace(question, **row.question), replace(facts, **row.facts)  # type: ignore[arg-type]


@cache
def rules(number: int) -> Policy:
    """The policy of a row."""
    return policy({path: value for path, value in ({**FILLED, **ROWS[number].policy}).items() if value is not None})


def judged(row: Row) -> Verdict:
    return decide(rules(ROWS.index(row)), *asked(row), NOW)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.clause} {row.says}")
def test_the_policy_answers(row: Row) -> None:
    assert in_words(judged(row)) == row.answer


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.clause} {row.says}")
def test_the_clause_of_the_row_played_its_part(row: Row) -> None:
    verdict = judged(row)
    assert isinstance(verdict, Allowed) or row.clause in verdict.clauses


def test_the_table_has_a_row_for_each_clause_that_decides() -> None:
    assert {row.clause for row in ROWS} == {clause for clause, _ in CLAUSES}


def test_every_no_is_reached_by_a_row() -> None:
    trees = [ast.parse(inspect.getsource(module)) for module in (clauses, searching)]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    nos = {ast.literal_eval(c.args[1]) for c in calls if isinstance(c.func, ast.Name) and c.func.id == "No"}
    assert nos == {row.answer.split()[2] for row in ROWS if row.answer.startswith("no ")}
