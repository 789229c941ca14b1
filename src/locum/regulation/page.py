"""docs/policy.md as text: each promise with its clause, its rule, its settings, its sentence in both languages and its tests.

tools/policy_page.py writes it, and tests/test_regulation.py holds it to the code.
"""

from locum.policy import load
from locum.regulation.outline import CLAUSES
from locum.regulation.promises import PROMISES, Promise
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
        rows = [promise for promise in PROMISES if promise.clause == clause]
        if rows:
            lines += [f"| {' | '.join(_COLUMNS)} |", f"|{'---|' * len(_COLUMNS)}"]
            lines += [_row(promise, tellers) for promise in rows]
        else:
            lines.append("Nothing that this version enforces; the regulation says so.")
        lines.append("")
    return "\n".join(lines)


def _row(promise: Promise, tellers: list[Teller]) -> str:
    sentences = [teller.sentence(f"promise.{promise.key}").text.replace("|", "\\|") for teller in tellers]
    settings = ", ".join(f"`{path}`" for path in promise.settings)
    tests = "<br>".join(f"`{test.replace('::', '` `')}`" for test in promise.tests)
    return f"| `{promise.rule}` | {settings} | {sentences[0]} | {sentences[1]} | {tests} |"
