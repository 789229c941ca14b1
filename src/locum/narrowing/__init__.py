"""A search made as narrow as it must be: the question, its breadth, buckets, and what is left out before anything is counted. Pure."""

from locum.narrowing.asking import Advice, advice, answers, bucket, is_within, parts
from locum.narrowing.excluding import CLAUSES, KINDS, any_is, excluded, folder_is_excluded, is_doubtful
from locum.narrowing.headers import Doubt, Headers, read_headers
from locum.narrowing.whole import excluded_within
from locum.query import Exclusions, Look, Protections, Query, WordsIn

__all__ = [
    "CLAUSES",
    "KINDS",
    "Advice",
    "Doubt",
    "Exclusions",
    "Headers",
    "Look",
    "Protections",
    "Query",
    "WordsIn",
    "advice",
    "answers",
    "any_is",
    "bucket",
    "excluded",
    "excluded_within",
    "folder_is_excluded",
    "is_doubtful",
    "is_within",
    "parts",
    "read_headers",
]
