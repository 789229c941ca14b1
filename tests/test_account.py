"""The account, from entries alone: what she reads of every kind of case, also of entries nobody has seen before."""

import dataclasses
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum import entry as entries_of
from locum.account import Account, Contacts, Kind, build
from locum.account.story import story
from locum.entry import Draft, Entry, Json
from locum.measure import Audience, AutoReply, to_json
from locum.messages import catalogue

START = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
REPLY = AutoReply(
    handle="abcd-2345",
    from_date=datetime(2026, 12, 1, 12, 0, tzinfo=UTC),
    to_date=datetime(2026, 12, 24, 23, 0, tzinfo=UTC),
    subject="Afwezig",
    text_body="Ik ben er even niet.\nVragen? Mail verkoop@corp.test.",
    external_text="Thank you for your mail.",
    audience=Audience.EVERYONE,
    exceptions=("news.test",),
    addresses=("anna@corp.test",),
    internal_domains=("corp.test",),
)
BOB: Json = {"id": "bob", "name": "Bob de Vries"}
FOUND: Json = {"salt": "00", "digest": "ab" * 32, "own_reply": False, "replies": [], "remarks": []}


def record(*rows: tuple[str, dict[str, Json]], case: str = "abcd-2345") -> list[Entry]:
    """Entries as the store gives them: in one stream, half an hour apart, with real commitments."""
    found: list[Entry] = []
    prev = b""
    for seq, (kind, body) in enumerate(rows):
        time = START + timedelta(minutes=30 * seq)
        draft = Draft(stream="anna@corp.test", type=kind, time=time, body={"case": case, **body})
        payload = entries_of.payload(draft, seq, prev)
        opening, tag = hashlib.sha256(f"o{seq}".encode()).digest(), entries_of.tag(b"k" * 32, seq)
        prev = entries_of.commitment(opening, tag, payload)
        found.append(
            Entry(
                index=100 + seq,
                stream=draft.stream,
                seq=seq,
                type=kind,
                time=time,
                case=case,
                body=draft.body,
                payload=payload,
                opening=opening,
                leaf=entries_of.leaf(tag, prev),
            )
        )
    return found


def measure(reply: AutoReply = REPLY) -> Json:
    return to_json(reply)  # type: ignore[return-value]


def requested(**more: Json) -> tuple[str, dict[str, Json]]:
    body: dict[str, Json] = {
        "requester": BOB,
        "reason": "forgotten",
        "because": "Klanten krijgen geen antwoord.",
        "person": "anna",
        "measures": [measure()],
    }
    return ("requested", body | more)


def asked(channel: str = "mobile", outcome: str = "delivered-to-relay", **more: Json) -> tuple[str, dict[str, Json]]:
    body: dict[str, Json] = {
        "channel": channel,
        "outcome": outcome,
        "to": "06…89",
        "by": "",
        "receipt": "",
        "note": "",
        "tries": 1,
    }
    return ("asked", body | more)


INTENDED = ("intended", {"act": "apply", "connector": "dovecot", "request": "cd" * 32, "found": FOUND})
DONE = ("done", {"act": "apply", "privileges": "could-not-read-mail"})
READ = ("read-back", {"act": "apply", "stands": "as-intended", "active": True, "own_reply": False, "remarks": []})
ENDING = ("intended", {"act": "end", "connector": "dovecot", "request": "cd" * 32, "found": FOUND})
DONE_END = ("done", {"act": "end", "privileges": "could-not-read-mail"})
GONE = ("read-back", {"act": "end", "stands": "absent", "active": True, "own_reply": False, "remarks": []})


def ended(**more: Json) -> tuple[str, dict[str, Json]]:
    body: dict[str, Json] = {"why": "time", "put_back": "as-found", "replies_sent": 3}
    return ("ended", body | more)


WHOLE = (
    requested(),
    asked(receipt="accepted by the gateway"),
    asked("private_mail", "delivered-to-relay", receipt="250 2.0.0 Ok: queued as 4XyZ", to="a…@home.test"),
    asked("phone", "unreached", by={"id": "bob", "name": "Bob de Vries"}, note="Twee keer gebeld, geen gehoor."),
    ("answered", {"answer": "unanswered", "via": "", "by": ""}),
    INTENDED,
    DONE,
    READ,
    ENDING,
    DONE_END,
    GONE,
    ended(),
)


def account(*rows: tuple[str, dict[str, Json]], language: str = "nl", **more: object) -> Account:
    settings_: dict[str, object] = {"names": {"anna": "Anna Bakker"}, "time_zone": "Europe/Amsterdam"}
    return build(record(*rows), "abcd-2345", language=language, organisation="Voorbeeld BV", **(settings_ | more))  # type: ignore[arg-type]


def words(found: Account, key: str = "") -> str:
    """All words of the account, or of one section."""
    sections = [section for section in found.sections if key in ("", section.key)]
    rows = [f"{row.label}: {row.text}" for section in sections for row in section.rows]
    return "\n".join([*(found.lead if not key else ()), *rows])


def test_a_whole_case_tells_who_asked_why_and_when() -> None:
    told = words(account(*WHOLE), "request")
    assert "Bob de Vries" in told
    assert "de afwezigheidsmelding was vergeten" in told
    assert "Klanten krijgen geen antwoord." in told
    assert "dinsdag 1 december 2026, 09:00 uur" in told


def test_every_attempt_to_ask_is_told_with_its_channel_and_result() -> None:
    rows = next(section for section in account(*WHOLE).sections if section.key == "asking").rows
    told = [row.text for row in rows]
    assert told[0] == "Via sms (06…89): aan de mailserver of sms-dienst overgedragen."
    assert any("4XyZ" in text for text in told)
    assert "Door Bob de Vries, via telefoon (06…89): niet bereikt." in told
    assert "Twee keer gebeld, geen gehoor." in told


def test_the_literal_texts_are_quoted_to_the_letter() -> None:
    texts = next(section for section in account(*WHOLE).sections if section.key == "texts").rows
    quoted = [row.text for row in texts if row.kind is Kind.QUOTE]
    assert quoted == [REPLY.subject, REPLY.text_body, REPLY.external_text]


def test_her_own_text_is_told_as_the_one_that_counts_and_the_earlier_one_is_kept() -> None:
    hers = dataclasses.replace(REPLY, text_body="In mijn eigen woorden.")
    own = ("answered", {"answer": "own-text", "via": "link", "by": "", "measure": measure(hers)})
    found = account(requested(), own, INTENDED, DONE)
    told = words(found, "texts")
    assert told.index("In mijn eigen woorden.") < told.index("Ik ben er even niet.")
    assert found.measure == hers


def test_a_case_that_ran_its_time_says_from_when_until_when_in_her_zone() -> None:
    found = account(*WHOLE, language="en", time_zone="America/New_York")
    assert found.outcome == "ended"
    assert found.live_from == START.replace(hour=12)
    assert "On since: Tuesday 1 December 2026, 07:00" in words(found, "window")


@pytest.mark.parametrize(
    ("count", "sentence"),
    [
        (0, "geen enkel antwoord"),
        (1, "één antwoord"),
        (3, "3 antwoorden"),
        (None, "vertelt het logboek van de mailserver niet"),
    ],
)
def test_how_many_replies_went_out_is_told_or_said_to_be_unknown(count: int | None, sentence: str) -> None:
    assert sentence in words(account(*WHOLE[:-1], ended(replies_sent=count)), "replies")


def test_what_was_found_done_read_back_and_put_back_is_told_in_order() -> None:
    told = words(account(*WHOLE, language="en"), "mailbox")
    steps = [
        "You had no automatic reply",
        "switched on",
        "exactly as asked",
        "taken away",
        "it is gone",
        "as it was again",
    ]
    assert [told.index(step) for step in steps] == sorted(told.index(step) for step in steps)
    assert "It cannot be used to read mail" in told


def test_a_right_that_could_read_mail_is_said_to_be_one() -> None:
    done = ("done", {"act": "apply", "privileges": "could-read-mail"})
    assert "could also be used to read mail" in words(account(requested(), INTENDED, done, language="en"), "mailbox")


def test_an_intended_without_its_pair_is_shown_as_unknown() -> None:
    found = account(requested(), INTENDED)
    rows = next(section for section in found.sections if section.key == "mailbox").rows
    assert [row.kind for row in rows if "onbekend" in row.text] == [Kind.WARNING]
    assert found.outcome == "unknown"


def test_an_attempt_that_was_begun_anew_says_so_and_does_not_alarm() -> None:
    rows = next(s for s in account(requested(), INTENDED, INTENDED, DONE).sections if s.key == "mailbox").rows
    assert not [row for row in rows if row.kind is Kind.WARNING]
    assert any("opnieuw gedaan" in row.text for row in rows)


def test_a_live_case_that_she_stops_is_live_until_it_has_ended() -> None:
    stop = ("withdrawn", {"by": "owner", "because": ""})
    going = account(requested(), INTENDED, DONE, READ, stop)
    assert going.outcome == "live"
    assert "Gestopt door jou." in words(going, "reviews")
    assert account(requested(), INTENDED, DONE, READ, stop, ENDING, DONE_END, ended(why="owner")).outcome == "ended"


def test_a_remark_of_the_mail_system_is_told_in_words_and_an_unknown_one_as_it_is() -> None:
    found: Json = {"own_reply": None, "replies": [], "remarks": ["her-own-not-seen", "quite-new"]}
    told = words(
        account(requested(), ("intended", {"act": "apply", "connector": "dovecot", "found": found}), DONE), "mailbox"
    )
    assert "kan Locum op dit mailsysteem niet zien" in told
    assert "Opmerking: quite-new." in told
    assert "her-own-not-seen" not in told


def test_her_own_change_is_said_to_have_been_left() -> None:
    watch = ("read-back", {"act": "watch", "stands": "changed", "active": False, "own_reply": True, "remarks": []})
    end = ended(why="changed-by-owner", put_back="left-as-changed")
    told = words(account(requested(), INTENDED, DONE, watch, ENDING, DONE_END, end))
    assert "Je eigen automatische antwoord stond aan" in told
    assert "gelaten zoals jij het wilde" in told


@pytest.mark.parametrize(
    ("rows", "outcome", "sentence"),
    [
        (
            [
                (
                    "refused",
                    {
                        "clause": 1,
                        "key": "reason-not-allowed",
                        "by": "policy",
                        "requester": BOB,
                        "mailbox": "anna@corp.test",
                    },
                )
            ],
            "refused",
            "artikel 1 van het reglement",
        ),
        ([("withdrawn", {"by": BOB, "because": ""})], "withdrawn", "Ingetrokken door Bob de Vries."),
        ([("expired", {"why": "never-reached"})], "expired", "op geen enkele manier"),
        ([("answered", {"answer": "objected", "via": "link", "by": "", "because": "Nee."})], "objected", "Nee."),
        ([("answered", {"answer": "done-herself", "via": "link", "by": ""})], "done-herself", "Zelf al gedaan"),
        (
            [
                (
                    "reviewed",
                    {"decision": "deny", "by": {"id": "h", "name": "Hans", "function": "hr"}, "because": "Te lang."},
                )
            ],
            "pending",
            "Hans (personeelszaken): afgewezen.",
        ),
        ([], "pending", "Er is nog niets ingesteld."),
    ],
)
def test_a_case_in_which_nothing_was_set_says_so(
    rows: list[tuple[str, dict[str, Json]]], outcome: str, sentence: str
) -> None:
    found = account(requested(), *rows)
    assert found.outcome == outcome
    assert sentence in words(found)
    assert "nooit aangestaan" in words(found, "window")
    assert next(section for section in found.sections if section.key == "texts").title.endswith("(niet ingesteld)")


def test_a_failed_case_says_what_was_undone_and_does_not_claim_that_it_was_never_on() -> None:
    found = account(requested(), INTENDED, ("failed", {"act": "apply", "key": "quota", "left_as": "undone"}))
    assert found.outcome == "failed"
    assert "teruggedraaid" in words(found, "trouble")
    assert "nooit" not in words(found, "window")


def test_a_case_ended_before_its_start_was_never_on() -> None:
    later = dataclasses.replace(REPLY, from_date=datetime(2026, 12, 20, tzinfo=UTC))
    found = account(requested(measures=[measure(later)]), INTENDED, DONE, ENDING, DONE_END, ended(why="owner"))
    assert "nooit aangestaan" in words(found, "window")
    assert "voordat het begon" in words(found)


def test_a_case_without_any_entry_is_an_account_that_says_so() -> None:
    assert account().lead[0] == "Over deze zaak is niets vastgelegd."


def test_entries_of_other_cases_are_left_out() -> None:
    other = record(requested(because="Iets anders."), case="zzzz-9999")
    found = build(
        [*record(requested()), *other],
        "abcd-2345",
        language="nl",
        names={},
        time_zone="UTC",
        organisation="Voorbeeld BV",
    )
    assert "Iets anders." not in words(found)
    assert len(found.record) == 1


def test_a_body_nobody_has_seen_before_is_shown_in_a_plain_form() -> None:
    found = account(
        requested(), ("incident", {"what": "login by backup-agent", "times": 2}), ("figures", {"n": [1, {"a": None}]})
    )
    assert "login by backup-agent" in words(found, "trouble")
    assert found.record[2].rest == (("n", '[1, {"a": null}]'),)


def test_an_unreadable_measure_is_not_dropped() -> None:
    found = account(requested(measures=[{"measure": "teleport", "to": "Mars"}]))
    assert "teleport" in dict(found.record[0].rest)["measures"]


def test_each_entry_can_be_checked_with_what_the_account_holds() -> None:
    for row in account(*WHOLE).record:
        assert hmac.digest(b"locum/commit/v1", row.opening + row.tag + row.payload, "sha256") == row.commitment


def test_whom_to_turn_to_is_named() -> None:
    contacts = Contacts(requester="bob@corp.test", officer="Fien, fg@corp.test")
    told = words(account(*WHOLE, contacts=contacts), "object")
    assert "Bob de Vries (bob@corp.test)" in told
    assert "fg@corp.test" in told
    assert "Autoriteit Persoonsgegevens" in told


def test_a_zone_that_is_not_known_any_more_reads_utc_and_says_so() -> None:
    assert "08:00 UTC" in words(account(requested(), language="en", time_zone="Mars/Olympus"), "request")


def test_both_languages_have_the_same_keys() -> None:
    for area in ("account", "words", "letters"):
        assert catalogue("nl", area).keys() == catalogue("en", area).keys()


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "name", "own_reply", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = "requester reason because measure measures channel outcome to by note receipt tries answer via decision clause key why act found privileges stands own_reply remarks put_back replies_sent left_as strange"


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(entries_of.TYPES)),
            st.dictionaries(st.sampled_from(KEYS.split()), VALUES, max_size=8),
        ),
        max_size=6,
    )
)
def test_whatever_the_record_holds_the_account_is_made_and_drops_no_entry(
    rows: list[tuple[str, dict[str, Json]]],
) -> None:
    found = account(*rows)
    assert [row.type for row in found.record] == [kind for kind, _ in rows]
    for (_, body), row in zip(rows, found.record, strict=True):
        if "strange" in body:
            assert "strange" in dict(row.rest)


def test_the_story_pairs_an_outcome_with_the_latest_attempt() -> None:
    acts = story(record(requested(), INTENDED, INTENDED, DONE, ENDING), "abcd-2345").acts
    assert [(act.outcome is None, act.again_at is None) for act in acts] == [(True, False), (False, True), (True, True)]
