"""docs/policy.md as text: each promise with its clause, its rule, its settings, its sentence in both languages and its tests.

tools/policy_page.py writes it, and tests/test_regulation.py holds it to the code.
"""

from locum.policy import load
from locum.regulation.duties import DUTIES
from locum.regulation.outline import CLAUSES
from locum.regulation.promise import Promise
from locum.regulation.promises import PROMISES
from locum.regulation.refusals import REFUSALS
from locum.regulation.sentences import House, Teller

_HEAD = """\
# The policy, clause by clause

Made from `locum.regulation.PROMISES` by `tools/policy_page.py`; a test holds it to the code. The sentences are those of the
policy that comes with Locum, as `locum policy render` writes them, here without the marks for proposals.

What the regulation says besides (what an organisation undertakes, what this version cannot do) is no promise of the program,
and is marked so in the text: `(undertaking)`, `(afspraak)`.
"""
_COLUMNS = ("rule", "setting", "Nederlands", "English", "shown by")


def page() -> str:
    """The whole page."""
    policy = load()
    tellers = [Teller(policy, House(name="…"), language) for language in ("nl", "en")]
    lines = [_HEAD]
    for clause in CLAUSES:
        lines += [f"## {clause} {tellers[1].words(f'article.{clause}')}", ""]
        lines += [f"| {' | '.join(_COLUMNS)} |", f"|{'---|' * len(_COLUMNS)}"]
        lines += [_row(promise, tellers) for promise in PROMISES if promise.clause == clause]
        lines += [_other_row(key, tellers) for key in CLAUSES[clause].split() if not key.startswith("promise.")]
        lines.append("")
    return "\n".join(lines)


_OTHERS = {
    "duty": ("undertaking of the organisation", "test_no_promise_is_marked_as_an_undertaking"),
    "note": ("so it is in this version", "test_what_the_other_documents_promise_stands_in_the_regulation_too"),
}


def _other_row(key: str, tellers: list[Teller]) -> str:
    """A sentence that no rule of the program keeps, and who keeps it instead."""
    whose, test = _OTHERS[key.partition(".")[0]]
    sentences = [teller.sentence(key).text.replace("|", "\\|") for teller in tellers]
    settings = ", ".join(f"`{path}`" for path in DUTIES.get(key, ()))
    return f"| {whose} | {settings} | {sentences[0]} | {sentences[1]} | `test_regulation.py` `{test}` |"


def _row(promise: Promise, tellers: list[Teller]) -> str:
    sentences = [teller.sentence(f"promise.{promise.key}").text.replace("|", "\\|") for teller in tellers]
    settings = ", ".join(f"`{path}`" for path in promise.settings)
    tests = "<br>".join(f"`{test.replace('::', '` `')}`" for test in promise.tests)
    refuses = "".join(f"<br>refuses: `{key}`" for key, told in REFUSALS.items() if told == promise.key)
    return f"| `{promise.rule}`{refuses} | {settings} | {sentences[0]} | {sentences[1]} | {tests} |"
