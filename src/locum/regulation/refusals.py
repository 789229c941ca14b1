"""Which sentence of the regulation says it, for every key with which a clause says no (policy.question.No). Data only.

tests/test_regulation.py holds it to the code, both ways.
"""

from collections.abc import Mapping
from types import MappingProxyType

REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        "reason-not-listed": "1.reasons",
        "forward-open-fields": "3.open",
        "not-told-before": "4.told-first",
        "requester-not-named": "4.by-whom",
        "no-such-measure": "5.no-other",
        "longer-than-allowed": "5.longest",
        "search-open-fields": "3.search-open",
        "search-not-tried": "5.search-tried",
        "search-unsigned": "7.search",
        "search-too-few-parts": "10.question",
        "search-too-early": "10.question",
        "search-words-in-subject": "10.words-in",
        "search-not-agreed": "10.agreement",
        "search-outside": "10.delivery",
        "search-to-owner": "10.delivery",
        "overlapping": "5.one",
        "power-not-allowed": "5.powers",
        "no-channel": "6.no-channel",
        "reads-along": "6.reads-along",
        "unanswered-stops": "6.unanswered",
        "objected": "6.overrule",
        "denied": "7.denial",
        "reviews-unsigned": "7.signed",
        "forward-too-long": "9.longest",
        "forward-outside": "9.inside",
        "forward-circle": "9.circle",
        "forward-receiver-away": "9.away",
        "forward-to-requester": "9.to-requester",
        "forward-receiver-declined": "9.consent",
        "departure-forward": "17.forward",
        "departure-too-long": "17.longest",
    }
)
"""The key of the refusal, and that of the promise, of the same clause."""
