"""The policy: what may be done, judged by pure functions over one TOML file.

    measures.py   what the file says of each measure          around.py    what it says around them
    file.py       File, Policy, values                        keys.py      each key: its clause, what keeps it
    presets/      per country: other values, floors, sources  checking.py  load, check: mistakes, all at once
    cautions.py   what is no mistake and should be known
    question.py   Question, Facts, Verdict                    clauses.py   the clauses; searching.py  those of a search alone
    counting.py   who counts
    deciding.py   decide: every clause is asked, the strictest answer wins

Clause numbers are those of the regulation. Reading a file, a clock or a mailbox has no place here.
"""

from locum.policy.around import RegulationFields
from locum.policy.cautions import Caution, cautions
from locum.policy.checking import Checked, check, check_reviewers, load
from locum.policy.clauses import CLAUSES
from locum.policy.counting import reviewing
from locum.policy.deciding import ask_of, decide, judge
from locum.policy.file import OpenField, Policy, digest_of, shipped, values
from locum.policy.keys import KEYS, TOLD
from locum.policy.measures import MEASURES, AutoReplyRules, ForwardRules, MeasureRules, SearchRules
from locum.policy.mistakes import Mistake
from locum.policy.presets import PRESETS, Preset, preset
from locum.policy.question import AGREED, Allowed, Facts, Needs, No, Question, Verdict

__all__ = [
    "AGREED",
    "CLAUSES",
    "KEYS",
    "MEASURES",
    "PRESETS",
    "TOLD",
    "Allowed",
    "AutoReplyRules",
    "Caution",
    "Checked",
    "Facts",
    "ForwardRules",
    "MeasureRules",
    "Mistake",
    "Needs",
    "No",
    "OpenField",
    "Policy",
    "Preset",
    "Question",
    "RegulationFields",
    "SearchRules",
    "Verdict",
    "ask_of",
    "cautions",
    "check",
    "check_reviewers",
    "decide",
    "digest_of",
    "judge",
    "load",
    "preset",
    "reviewing",
    "shipped",
    "values",
]
