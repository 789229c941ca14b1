"""The act of the one agreement that was needed: looked for by two people, and by nobody else, without anybody in her mailbox.

Told and observed as in story.py, by the same means: Locum's commands, its letters and its pages, what lies in mailboxes, and what
Dovecot's own log counted.
"""

import re
from datetime import timedelta
from email.parser import BytesParser
from email.policy import default as mail_policy

from locum.demo import opened
from locum.demo.browser import Browser
from locum.demo.observed import Story, plain, replies, state
from locum.demo.passkey import Passkey
from locum.demo.signed import Keys
from locum.demo.stage import ANNA, EVA, HOME_ZONE, Stage
from locum.messages import say

SENDER = "inkoop@customer.test"
WHY = "The delivery has to be checked against what was agreed."
AGREED = "Framework agreement 2026-118"
PRIVATE = "Privé: about 2026-118, and my divorce"


def play(stage: Stage, story: Story, keys: Keys) -> None:
    """The whole act."""
    message = _mail(stage, story)
    case = _request(stage, story)
    _unanswered(stage, story, case)
    _signed(stage, story, case, keys)
    _counted(stage, story, case)
    _listed(stage, story, case, keys.carla)
    opened.play(stage, story, case, keys, message)
    _untouched(stage, story, message)
    _account(stage, story, case)


def _mail(stage: Stage, story: Story) -> str:
    """The one that is needed, one that is private, and one that is something else."""
    story.chapter("One agreement is needed, and it lies in Anna's mailbox")
    needed = stage.mail(SENDER, ANNA, AGREED, text="We agreed on 400 pieces, at 12 each.\n")
    private = stage.mail(SENDER, ANNA, PRIVATE, text="This is between you and me.\n")
    other = stage.mail(SENDER, ANNA, "Lunch?", text="Next week?\n")
    there = stage.until("the mail", lambda: all(stage.arrived(ANNA, one) for one in (needed, private, other)))
    story.see("three messages of a customer lie there unseen; one of them is private", there)
    return needed


def _request(stage: Stage, story: Story) -> str:
    story.chapter("Bas asks for it: from whom, which words, and what was tried before")
    day = (stage.now() - timedelta(days=1)).astimezone(HOME_ZONE).date().isoformat()
    tried = [
        word
        for what in ("auto-reply", "sender-resends", "colleagues-copies", "shared-mailbox")
        for word in ("--tried", f"{what}={day}")
    ]
    document = stage.run(
        story.tell, "request", "search", ANNA, "--deliver-to", EVA, "--reason", "customer", "--because", WHY,
        "--sender", "customer.test", "--words", "2026-118", *tried, "--as", "bas",
    )  # fmt: skip
    story.see(
        f"a case was recorded: {document.get('case')}, {document.get('state')}", document.get("state") == "asking"
    )
    return str(document.get("case"))


def _unanswered(stage: Stage, story: Story, case: str) -> None:
    story.chapter("She is asked first; she does not answer within two working days")
    asked = stage.until("the letter", lambda: _letters(stage))
    story.see("a letter was sent to her private address, with the question in it", asked)
    stage.move_to(stage.now() + timedelta(days=5))
    waits = stage.until("the waiting time to pass", lambda: state(stage, case) == "awaiting-review")
    story.see("now two people have to sign, and nothing was looked at", waits and not _looks(stage))


def _letters(stage: Stage) -> list[str]:
    """What she was asked about it at her private address."""
    letters = [plain(one.mail) for one in replies(stage, seconds=0, to="anna@home.test")]
    return [text for text in letters if "2026-118" in text]


def _signed(stage: Stage, story: Story, case: str, keys: Keys) -> None:
    story.chapter("Bas and Carla, of another function, each sign just this question")
    for who, key in (("bas", keys.bas), ("carla", keys.carla)):
        browser = Browser(stage.url)
        browser.sign_in(key, f"/cases/{case}/review")
        browser.prove(key)
        stage.until("the letter with what was signed", lambda who=who: _has_receipt(stage, case, who))  # type: ignore[misc]
    opened = stage.until("the search to open", lambda: state(stage, case) == "applied")
    story.see(
        "from now on it may be looked for, step by step; still nothing was looked at", opened and not _looks(stage)
    )


def _has_receipt(stage: Stage, case: str, who: str) -> bool:
    sent = ("letter-signed", who, "delivered-to-relay")
    return any((one.get("note"), one.get("whom"), one.get("outcome")) == sent for one in _bodies(stage, case, "asked"))


def _counted(stage: Stage, story: Story, case: str) -> None:
    story.chapter("It is counted first")
    stage.run(story.tell, "case", "count", case, "--as", "bas")
    counted = stage.until("the count", lambda: _bodies(stage, case, "counted"))
    told = _bodies(stage, case, "counted")[0] if counted else {}
    story.see("all that anybody is told: 1-5", told.get("bucket") == "1-5")
    looks = _looks(stage)
    story.see("Dovecot's log has one login, by a grant that lived for that look, and its own count", len(looks) == 1)
    for line in looks:
        story.show(line)
    story.see("the grant is gone", not list(stage.host.grants.iterdir()))


def _listed(stage: Stage, story: Story, case: str, key: Passkey) -> None:
    story.chapter("Then it is listed, on the pages of the two who signed")
    browser = Browser(stage.url)
    browser.sign_in(key, f"/cases/{case}")
    browser.press("list")
    story.see("it is made, for these two", stage.until("the list", lambda: _bodies(stage, case, "listed")))


def _untouched(stage: Stage, story: Story, message: str) -> None:
    story.chapter("Her mailbox is untouched by all of this")
    story.see("the message still lies there unseen and recent", stage.arrived(ANNA, message))


def _account(stage: Stage, story: Story, case: str) -> None:
    """Bas ends it, and she reads everything, what nobody else was told too."""
    story.chapter("It is over, and Anna receives the account of it")
    stage.run(story.tell, "end", case, "--as", "bas")
    story.see("it landed in her mailbox", stage.until("the account", lambda: stage.arrived(ANNA, f"<{case}.account")))
    place = stage.arrived(ANNA, f"<{case}.account")
    if place is None:
        return
    text = plain(BytesParser(policy=mail_policy).parsebytes(place.read_bytes()))
    start = text.find(say("en", "account.section.looks"))
    story.show(text[start : text.find(say("en", "account.section.trouble"))], most=40)
    told = " ".join(text.split())
    story.see("it tells that one was left out, and why", say("en", "narrowing.kind.subject") in told)
    story.see("it tells which headers were seen", AGREED in told)


def _bodies(stage: Stage, case: str, kind: str) -> list[dict[str, object]]:
    rows = [one for one in stage.rows("history", ANNA) if (one.get("case"), one.get("type")) == (case, kind)]
    return [body for one in rows if isinstance(body := one.get("body"), dict)]


def _looks(stage: Stage) -> list[str]:
    """The logins of a search that Dovecot logged, each with what it counted at its end."""
    log = stage.host.log.read_text("utf-8", "replace").splitlines()
    logins = [re.search(r"auth_user=<(locum-[0-9a-f]{12})>.*session=<([^>]*)>", line) for line in log]
    counts = {one[2]: one[1] for one in logins if one is not None}
    ends = [
        (session, re.search(r"hdr_count=\d+ .*", line)) for line in log for session in counts if f"<{session}>" in line
    ]
    return [f"{counts[session]}: {end[0]}" for session, end in ends if end is not None]
