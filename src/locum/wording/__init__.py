"""What an auto-reply says: templates, the form every text must have before it is filed, and the linter that objects to
illness, whereabouts and the like (clause 8).

Pure. Word lists are data (locum/wordlists/<lang>.toml); which objection refuses and which one warns is the policy's.
"""

from locum.wording.kinds import LANGUAGES, PROPOSED, Kind, Known, Reader, Remark, Severity
from locum.wording.language import in_languages, likely_language, parted
from locum.wording.linter import LONGEST, lint, refuse
from locum.wording.texts import from_template, normal, normal_line

__all__ = [
    "LANGUAGES",
    "LONGEST",
    "PROPOSED",
    "Kind",
    "Known",
    "Reader",
    "Remark",
    "Severity",
    "from_template",
    "in_languages",
    "likely_language",
    "lint",
    "normal",
    "normal_line",
    "parted",
    "refuse",
]
