"""The story of the demo, told while it really happens. Every line with a mark was observed, not assumed.

Nothing is set up here (stage.py does that); nothing is assumed of Locum but its commands, its letters and its pages.
"""

import hashlib
import re
from datetime import timedelta
from email.parser import BytesParser
from email.policy import default as mail_policy

from locum.demo import forged, found, signed
from locum.demo.observed import CUSTOMER, Story, clock, in_mailbox, page, plain, replies, state
from locum.demo.stage import ANNA, EVA, HER_FILTER, HOME_ZONE, Stage


def play(stage: Stage, story: Story) -> None:
    """The whole story."""
    kept = _her_mailbox(stage, story)
    _no_reply_yet(stage, story)
    case = _request(stage, story)
    _asked(stage, story)
    _live(stage, story, case)
    _etiquette(stage, story)
    _untouched(stage, story, kept)
    keys = signed.play(stage, story)
    if keys is not None:
        forged.play(stage, story, keys.bas)
        found.play(stage, story, keys)
    _end(stage, story, case)
    _account(stage, story, case)


def _her_mailbox(stage: Stage, story: Story) -> dict[str, str]:
    """Anna's mailbox as she left it: her own filter active, two messages unseen."""
    story.chapter("Anna has been away for a week, and forgot her out-of-office")
    story.tell(f"A real Dovecot and Postfix run on this machine. It is {clock(stage)} for them.")
    script = stage.host.folder / "her-filters.sieve"  # doveadm reads it as the owner of the mail
    script.write_text(HER_FILTER)
    stage.host.doveadm("sieve", "put", "-a", "-u", ANNA, "filters", str(script))
    for number in (1, 2):
        stage.host.deliver(
            "carla@corp.test", ANNA, f"From: carla@corp.test\nTo: {ANNA}\nSubject: Note {number}\n\nHi\n".encode()
        )
    story.tell("Her own filter script is active; two messages lie unseen in her mailbox.")
    return _picture(stage)


def _picture(stage: Stage) -> dict[str, str]:
    """Her mailbox and scripts, by content; nobody logs in for this."""
    home = stage.host.home(ANNA)
    files = [*home.glob("sieve/*.sieve"), *home.glob("Maildir/new/*")]
    picture = {str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return picture | {"active script": str((home / ".dovecot.sieve").readlink())}


def _no_reply_yet(stage: Stage, story: Story) -> None:
    story.chapter("A customer writes to her")
    message = stage.mail(CUSTOMER, ANNA, "How does our order stand?")
    story.see(
        "the mail arrived in her mailbox", stage.until("the mail to arrive", lambda: stage.arrived(ANNA, message))
    )
    story.see("the customer got no reply", not replies(stage, seconds=2))


def _request(stage: Stage, story: Story) -> str:
    story.chapter("The service desk asks for an auto-reply")
    until = (stage.now() + timedelta(days=14)).astimezone(HOME_ZONE).date().isoformat()
    arguments = [
        "request", "auto-reply", ANNA, "--reason", "forgotten", "--because", "Customers are waiting and get no answer.",
        "--audience", "everyone", "--template", "standard", "--until", until, "--as", "bas",
    ]  # fmt: skip
    story.tell("$ locum " + " ".join(f'"{word}"' if " " in word else word for word in arguments))
    document = stage.locum(*arguments)
    story.see(
        f"a case was recorded: {document.get('case')}, {document.get('state')}", document.get("state") == "asking"
    )
    measures = document.get("measures")
    if isinstance(measures, list) and measures:
        story.tell("Outsiders would read:")
        story.show(str(stage.locum("show", str(document["case"])).get("measures", [{}])[0].get("external_text", "")))  # type: ignore[index]
    return str(document.get("case"))


def _asked(stage: Stage, story: Story) -> None:
    story.chapter("She is asked first")
    story.see("a text message was sent to her", stage.until("the text message", lambda: stage.gateway.messages))
    story.show("\n".join(f"to {number}\n{text}" for number, text in stage.gateway.messages))
    letters = replies(stage, to="anna@home.test")
    story.see("a letter was sent to her private address, which she gave for this", letters)
    if not letters:
        return
    text = plain(letters[0].mail)
    story.show(
        f"From: {letters[0].mail['From']}\nReply-To: {letters[0].mail['Reply-To']}\nSubject: {letters[0].mail['Subject']}\n\n{text}"
    )
    link = re.search(r"http\S+/l/\S+", text)
    shown = page(link[0]) if link else ""
    buttons = re.findall(r'name="answer"\s+value="([a-z-]+)"', shown)
    story.see(
        f"the link opens a page on which she can answer: {', '.join(dict.fromkeys(buttons))}",
        {"agree", "object", "own-text", "done"} <= set(buttons),
    )
    story.tell(f"The page, for you to look at: {link[0] if link else '-'}")


def _live(stage: Stage, story: Story, case: str) -> None:
    story.chapter("She does not answer; the waiting time passes")
    stage.move_to(stage.now() + timedelta(hours=1, minutes=5))
    story.tell(f"It is now {clock(stage)}.")
    live = stage.until("the auto-reply to go live", lambda: state(stage, case) == "applied")
    story.see("the auto-reply is live", live)
    log = stage.host.log.read_text("utf-8", "replace")
    story.see(
        "nobody logged in to anything: Dovecot's log has no login",
        not re.search(r"(imap|managesieve)-login: Login", log),
    )
    scripts = list(stage.host.published.glob("*/*.sieve"))
    story.see(f"one script was published for her: {[path.name for path in scripts]}", len(scripts) == 1)


def _etiquette(stage: Stage, story: Story) -> None:
    story.chapter("The customer writes again")
    stage.mail(CUSTOMER, ANNA, "How does our order stand? (again)")
    answers = replies(stage)
    story.see("the customer gets a reply", len(answers) == 1)
    if answers:
        mail = answers[0].mail
        head = "\n".join(f"{name}: {mail[name]}" for name in ("From", "To", "Subject", "Auto-Submitted"))
        story.show(f"{head}\n\n{plain(mail)}")
        story.see(
            "it holds the text for outsiders, and no date",
            "until" not in plain(mail) and "Voorbeeld BV" in plain(mail),
        )
    stage.mail(CUSTOMER, ANNA, "And once more")
    stage.mail("news@list.test", ANNA, "Newsletter", headers="List-Id: <news.list.test>\nPrecedence: list")
    bounce = stage.mail("mailer-daemon@outside.test", ANNA, "Undelivered Mail", envelope="")
    stage.until("the mails to arrive", lambda: stage.arrived(ANNA, bounce))
    story.see("a second mail from the same sender gets none", len(replies(stage, seconds=2, above=1)) == 0)
    story.see("a mailing list gets none", not replies(stage, seconds=0.5, to="news@list.test"))
    story.see("a bounce gets none", not replies(stage, seconds=0.5, to="mailer-daemon@outside.test"))
    stage.mail("eva@corp.test", ANNA, "Lunch?")
    inside = stage.until("the reply to a colleague", lambda: in_mailbox(stage, EVA, "vacation"))
    story.see("a colleague gets the internal text", inside)


def _untouched(stage: Stage, story: Story, kept: dict[str, str]) -> None:
    story.chapter("Her mailbox is untouched")
    now = _picture(stage)
    unseen = [name for name in kept if name.startswith("Maildir/new/")]
    story.see(
        f"{len(unseen)} unseen messages are still unseen and recent",
        all(now.get(name) == kept[name] for name in unseen),
    )
    scripts = [name for name in kept if name not in unseen]
    story.see(
        "her own filter script is still active, and unchanged", all(now.get(name) == kept[name] for name in scripts)
    )
    filed = stage.mail(CUSTOMER, ANNA, "[project x] drawings")
    stage.until("the mail to be filed", lambda: stage.arrived(ANNA, filed))
    place = stage.arrived(ANNA, filed)
    story.see("her filter still files her mail", place is not None and ".Project X" in str(place))


def _end(stage: Stage, story: Story, case: str) -> None:
    story.chapter("The end comes")
    stage.move_to(stage.now() + timedelta(days=14))
    story.tell(f"It is now {clock(stage)}.")
    story.see("it ended by itself", stage.until("the end", lambda: state(stage, case) in ("ended", "accounted")))
    story.see("the script is gone", not list(stage.host.published.glob("*/*.sieve")))
    message = stage.mail("nieuw@customer.test", ANNA, "A first question")
    stage.until("the mail to arrive", lambda: stage.arrived(ANNA, message))
    story.see("a new sender gets no reply any more", not replies(stage, seconds=2, to="nieuw@customer.test"))


def _account(stage: Stage, story: Story, case: str) -> None:
    story.chapter("She receives the account")
    arrived = stage.until("the account", lambda: stage.arrived(ANNA, f"<{case}.account"))
    story.see("it landed in her mailbox", arrived)
    place = stage.arrived(ANNA, f"<{case}.account")
    if place is None:
        return
    mail = BytesParser(policy=mail_policy).parsebytes(place.read_bytes())
    kinds = {part.get_content_type(): part for part in mail.walk() if not part.is_multipart()}
    story.show(plain(mail), most=30)
    pdf = kinds["application/pdf"].get_content() if "application/pdf" in kinds else b""
    story.see(
        "it can be read as text, HTML and PDF",
        "text/html" in kinds and pdf.startswith(b"%PDF") and len(plain(mail)) > 200,
    )
    story.see("the case is accounted for", stage.until("the record", lambda: state(stage, case) == "accounted"))
