"""A search made as narrow as it must be: the question, its breadth, buckets, and what is left out before anything is counted. Pure."""

from locum.narrowing.query import Exclusions, Look, Protections, Query, WordsIn

__all__ = ["Exclusions", "Look", "Protections", "Query", "WordsIn"]
