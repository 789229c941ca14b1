"""LinkViews as the desk gives them, for pages that are looked at without a desk."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from locum.absence import Mailbox, Person
from locum.desk import LinkView, OwnText
from locum.entry import Entry, Json
from locum.lifecycle import Case, State
from locum.measure import Audience, AutoReply

FILED = datetime(2026, 11, 23, 9, 12, tzinfo=UTC)

DRAFTS = {
    "nl": OwnText(
        subject="Automatisch antwoord: Anna de Vries leest nu geen mail",
        internal_text="Hallo,\n\nAnna de Vries leest op dit moment geen mail, tot vrijdag 25 december 2026. Kan het niet wachten? Vraag "
        "het dan aan een collega van het team.\n\nDit antwoord is ingesteld door Voorbeeld BV voor Anna de Vries.\n",
        external_text="Goedendag,\n\nDank voor uw bericht. Anna de Vries leest op dit moment geen mail. Uw bericht is ontvangen en blijft "
        "bewaard; neem voor wat niet kan wachten contact op met Voorbeeld BV.\n\nDit antwoord is ingesteld door Voorbeeld BV voor Anna de "
        "Vries.\n",
    ),
    "en": OwnText(
        subject="Automatic reply: Anna de Vries is not reading mail",
        internal_text="Hello,\n\nAnna de Vries is not reading mail until Friday 25 December 2026. If it cannot wait, please ask a colleague "
        "in the team.\n\nThis reply was set by Voorbeeld BV for Anna de Vries.\n",
        external_text="Hello,\n\nThank you for your message. Anna de Vries is not reading mail at the moment. Your message has arrived and "
        "is kept; for anything that cannot wait, please contact Voorbeeld BV.\n\nThis reply was set by Voorbeeld BV for Anna de Vries.\n",
    ),
}
TIMES = {
    "nl": (
        "maandag 23 november 2026, 14:00 uur",
        "vrijdag 25 december 2026, 00:00 uur",
        "maandag 23 november 2026, 14:15 uur",
    ),
    "en": ("Monday 23 November 2026, 14:00", "Friday 25 December 2026, 00:00", "Monday 23 November 2026, 14:15"),
}


def case(language: str = "nl", state: State = State.ASKING, *, external: bool = True, **changes: object) -> Case:
    """A case on Anna's mailbox."""
    draft = DRAFTS[language]
    measure = AutoReply(
        handle="locum-1",
        from_date=FILED,
        to_date=FILED + timedelta(days=31),
        subject=draft.subject,
        text_body=draft.internal_text,
        external_text=draft.external_text if external else None,
        audience=Audience.EVERYONE if external else Audience.INTERNAL,
        addresses=("anna@corp.test",),
        internal_domains=("corp.test",),
    )
    made = Case(
        id="C1",
        state=state,
        mailbox="anna@corp.test",
        person="anna",
        requester="sam",
        reason="forgotten",
        because="Klant Bakker belt steeds: er komt geen antwoord."
        if language == "nl"
        else "A customer keeps calling: nobody replies.",
        measures=(measure,),
        filed_at=FILED,
        not_after=FILED + timedelta(days=31),
        request="00" * 32,
        nonce="n",
        policy="00" * 32,
        connector="dovecot",
        language=language,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def view(
    language: str = "nl", state: State | None = State.ASKING, may: str = "agree object own-text done", **changes: object
) -> LinkView:
    """What Anna's link shows. `state` None is a reminder before leave."""
    of = {name: changes.pop(name) for name in ("external", "answer", "because") if name in changes}
    from_words, until_words, deadline_words = TIMES[language]
    draft = DRAFTS[language]
    made = LinkView(
        purpose="ask" if state else "set",
        language=language,
        organisation="Voorbeeld BV",
        owner=Person(
            id="anna",
            name="Anna de Vries",
            mailbox=Mailbox(address="anna@corp.test"),
            language=language,
            time_zone="Europe/Amsterdam",
        ),
        case=case(language, state, **of) if state else None,  # type: ignore[arg-type]
        requester="Sam Jansen",
        requester_address="sam@corp.test",
        reason="forgotten",
        from_words=from_words,
        until_words=until_words,
        deadline_words=deadline_words,
        may=frozenset(may.split()),
        draft=draft
        if state and of.get("external", True)
        else replace(draft, external_text="", until="" if state else "2026-12-25"),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def entry(kind: str, minutes: int = 0, **body: Json) -> Entry:
    """An entry of the record, as far as a page looks at it."""
    return Entry(
        index=0,
        stream="anna@corp.test",
        seq=0,
        type=kind,
        time=FILED + timedelta(minutes=minutes),
        case="C1",
        body=body,
        payload=b"",
        opening=b"",
        leaf=b"",
    )
