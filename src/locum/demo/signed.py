"""The second act of the demo: an auto-reply and a forward that stand and fall together, with signatures, from the first two keys
to the account.

Told and observed as in story.py, by the same means: Locum's commands, its letters and its pages, and what lies in mailboxes. Whoever
signs does so on the pages, with a passkey in software.
"""

from dataclasses import dataclass
from datetime import timedelta
from email.parser import BytesParser
from email.policy import default as mail_policy

from locum.demo.browser import Browser
from locum.demo.observed import Story, in_mailbox, link_in, page, plain, press, replies, state
from locum.demo.passkey import Passkey
from locum.demo.stage import BAS, CARLA, DAAN, EVA, HOME_ZONE, Stage
from locum.messages import say
from locum.tlog import parse_checkpoint

CUSTOMER = "klant@customer.test"
WHY = "His customers' orders have to go on."


@dataclass(frozen=True, slots=True)
class Keys:
    """The passkeys of the two who founded the register."""

    bas: Passkey
    carla: Passkey


def play(stage: Stage, story: Story) -> Keys | None:
    """The whole act. Gives back the keys; None where this machine shows no forwards."""
    if not stage.host.may_forward:
        story.tell(
            "Forwards are not shown: this machine lets nobody give a program its own view of /etc/postfix (unshare)."
        )
        return None
    keys = _first_keys(stage, story)
    case = _request(stage, story)
    words = _bas_signs(stage, story, case, keys)
    _he_agrees(stage, story, case)
    _she_agrees(stage, story, case)
    _approved(stage, story, case, keys, words)
    _witnessed(stage, story, case)
    _copied(stage, story)
    _private(stage, story)
    _stopped(stage, story, case)
    _account(stage, story, case)
    return keys


def _first_keys(stage: Stage, story: Story) -> Keys:
    story.chapter("Bas (service desk) and Carla (manager) make the first two keys, at one screen")
    link, keys = stage.first_link(), Keys(Passkey(stage.url), Passkey(stage.url))
    story.tell(f"The one-time link lay in a file for root alone: {link}")
    both = Browser(stage.url)
    both.read(link)
    both.send(link, {"one": BAS, "other": CARLA, "present": "Nora, works council"})
    for key in (keys.bas, keys.carla, keys.bas, keys.carla):  # each makes one, then each signs
        both.prove(key)
    both.read(link)
    story.see("both are recorded, and the link is worth nothing any more", both.status == 409)
    who = [Browser(stage.url).sign_in(key, "/signed-in") for key in (keys.bas, keys.carla)]
    names = ("Bas Smit", "Carla Jansen")
    story.see("each signs in with a key of his or her own", all(n in p for n, p in zip(names, who, strict=True)))
    return keys


def _request(stage: Stage, story: Story) -> str:
    story.chapter("Daan is away too: Bas asks for a reply, and for copies of new mail for Eva")
    until = (stage.now() + timedelta(days=14)).astimezone(HOME_ZONE).date().isoformat()
    reply = ("--audience", "everyone", "--template", "standard", "--until", until)
    case = str(_ask(stage, story, "auto-reply", DAAN, *reply).get("case"))
    measures = _ask(stage, story, "forward", DAAN, "--to", EVA, "--with", case).get("measures")
    kinds = [str(one.get("measure")) for one in measures] if isinstance(measures, list) else []
    story.see(f"both are one case, {case}: {', '.join(kinds)}", len(kinds) == 2)
    return case


def _ask(stage: Stage, story: Story, *arguments: str) -> dict[str, object]:
    why = ("--reason", "continuity", "--because", WHY, "--as", "bas")
    return stage.run(story.tell, "request", *arguments, *why)


def _bas_signs(stage: Stage, story: Story, case: str, keys: Keys) -> str:
    """Gives back the words of the fingerprint that he saw."""
    story.chapter("A command is no signature: Bas signs on his page, with his passkey")
    browser = Browser(stage.url)
    browser.sign_in(keys.bas, f"/cases/{case}/review")
    text, words = browser.text("signed"), browser.text("words")
    story.see("the page shows exactly what he signs, and six words to know it by", EVA in text and words)
    story.show(text[text.index("COPIES") :] if "COPIES" in text else text, most=9)
    story.tell(f"The six words: {words}")
    browser.prove(keys.bas)
    story.see("his signature is on record", _signatures(stage, case) == ["request"])
    return words


def _signatures(stage: Stage, case: str) -> list[str]:
    """The decisions about it that somebody signed."""
    entries = [one for one in stage.rows("history", DAAN) if one.get("case") == case and one.get("type") == "reviewed"]
    bodies = [body for one in entries if isinstance(body := one.get("body"), dict) and body.get("signed")]
    return [str(body["decision"]) for body in bodies]


def _he_agrees(stage: Stage, story: Story, case: str) -> None:
    story.chapter("Daan is asked about both, and agrees")

    def about_eva() -> list[str]:
        letters = [plain(one.mail) for one in stage.outside.messages if "daan@home.test" in one.recipients]
        return [text for text in letters if EVA in text]

    asked = stage.until("the letter about both", about_eva)
    story.see("a letter was sent to his private address; it names who would get copies", asked)
    if not asked:
        return
    link = link_in(about_eva()[-1])
    press(link, page(link), "agree")
    story.see("behind its link he agreed: that is on record", stage.locum("show", case).get("answer") == "agreed")
    story.see("nothing is set yet", not _scripts(stage))


def _scripts(stage: Stage) -> list[str]:
    """What is published for him: replies, and forwards."""
    places = (stage.host.published, stage.host.forwards)
    return sorted(f"{path.parent.parent.name}/{path.name}" for at in places for path in at.glob(f"*/{DAAN}.sieve"))


def _she_agrees(stage: Stage, story: Story, case: str) -> None:
    story.chapter("Eva is asked whether she will receive his mail, and agrees")
    asked = stage.until("the letter to Eva", lambda: stage.arrived(EVA, f"<{case}.consent"))
    story.see("a letter with a link of her own lies in her mailbox", asked)
    place = stage.arrived(EVA, f"<{case}.consent")
    if place is None:
        return
    text = plain(BytesParser(policy=mail_policy).parsebytes(place.read_bytes()))
    story.show(text)
    shown = page(link_in(text))
    story.see("her page does not say why he is away", WHY not in shown)
    after = press(link_in(text), shown, "accept")
    story.see("her agreement is on record", 'value="accept"' in shown and 'value="accept"' not in after)
    story.see("nothing is set yet", not _scripts(stage))


def _approved(stage: Stage, story: Story, case: str, keys: Keys, words: str) -> None:
    story.chapter("Carla, his manager, looks at it and signs")
    wanted = stage.until("the letter to the manager", lambda: stage.arrived(CARLA, f"<{case}.review"))
    story.see("she has a letter about it, in which nothing can be approved", wanted)
    browser = Browser(stage.url)
    browser.sign_in(keys.carla, f"/cases/{case}/review")
    story.see("her page shows the same six words as his did", words and browser.text("words") == words)
    story.see("nothing is set yet", not _scripts(stage))
    browser.prove(keys.carla)
    story.see("her signature is on record beside his", _signatures(stage, case) == ["request", "approve"])
    live = stage.until("both to go live", lambda: len(_scripts(stage)) == 2)
    story.see(f"both are live: {', '.join(_scripts(stage))}", live)
    story.tell("The forward was written by a program of its own, which checked both signatures itself.")


def _witnessed(stage: Stage, story: Story, case: str) -> None:
    """The forward waited for it; what it signed lies beside the record, for everybody."""
    story.chapter("The works council's witness, a program of theirs, had seen it before anything was set")
    note = (stage.folder / "log" / "checkpoint").read_bytes()
    size = parse_checkpoint(note).size
    rows = [one for one in stage.rows("history", DAAN) if (one.get("case"), one.get("type")) == (case, "intended")]
    story.see("what was going to be done is among what the witness signed", rows and int(str(rows[0]["index"])) < size)
    story.see("its signature stands under the published state of the record", stage.council.signed(note))
    story.show(note.decode())


def _copied(stage: Stage, story: Story) -> None:
    story.chapter("A customer writes to Daan")
    message = stage.mail(CUSTOMER, DAAN, "Our order")
    kept = stage.until("the mail to arrive", lambda: stage.arrived(DAAN, message))
    story.see("the mail lies in his own mailbox, unseen", kept)
    copied = stage.until("the copy to arrive", lambda: stage.arrived(EVA, message))
    story.see("a copy lies in Eva's mailbox", copied)
    place = stage.arrived(EVA, message)
    mail = None if place is None else BytesParser(policy=mail_policy).parsebytes(place.read_bytes())
    story.see(
        "it is still the customer's message", mail is not None and mail["From"] == CUSTOMER and mail["To"] == DAAN
    )
    answers = replies(stage, to=CUSTOMER)
    story.see("the customer got the reply", len(answers) == 1 and "Voorbeeld BV" in plain(answers[0].mail))


def _private(stage: Stage, story: Story) -> None:
    story.chapter("Somebody writes him something private")
    private = stage.mail("broer@home.test", DAAN, "[privé] Sunday")
    kept = stage.until("the mail to arrive", lambda: stage.arrived(DAAN, private))
    after = stage.mail(
        CUSTOMER, DAAN, "Our order, one more thing"
    )  # its copy comes later than any copy of the one before
    later = stage.until("the copy of what was sent after it", lambda: stage.arrived(EVA, after))
    story.see("what is marked [privé] lies in his mailbox, and only there", kept and not stage.arrived(EVA, private))
    story.see("what was sent after it was copied again", later)


def _stopped(stage: Stage, story: Story, case: str) -> None:
    story.chapter("Daan has had enough of it, and stops it behind his link")
    letters = [plain(one.mail) for one in stage.outside.messages if "daan@home.test" in one.recipients]
    link = link_in(next(text for text in reversed(letters) if EVA in text))
    press(link, page(link), "stop")
    gone = stage.until("everything to be taken away", lambda: not _scripts(stage))
    story.see("nothing is published for him any more", gone)
    message = stage.mail("nieuw@customer.test", DAAN, "A question for Daan")
    stage.until("the mail to arrive", lambda: stage.arrived(DAAN, message))
    answered = replies(stage, seconds=1, to="nieuw@customer.test")
    story.see("new mail for him is neither answered nor copied", not answered and not stage.arrived(EVA, message))
    told_eva = stage.until("the letter to Eva", lambda: in_mailbox(stage, EVA, f"<{case}.receiver-ended"))
    story.see("Eva was told that it is over", told_eva)


def _account(stage: Stage, story: Story, case: str) -> None:
    """He reads what was done."""
    story.chapter("Daan receives his account")
    arrived = stage.until("the account", lambda: stage.arrived(DAAN, f"<{case}.account"))
    story.see("it landed in his mailbox", arrived)
    place = stage.arrived(DAAN, f"<{case}.account")
    if place is None:
        return
    text = plain(BytesParser(policy=mail_policy).parsebytes(place.read_bytes()))
    section = text[text.find(say("en", "account.section.reviews")) :].partition("\n\n")[0]
    story.show(section)
    signs = " ".join(section.split()).count(say("en", "account.reviews.signed")) == 2
    told = {
        "who asked, and signed": "Bas Smit" in text and signs,
        "who approved, and signed": "Carla Jansen" in text and signs,
        "who got copies": EVA in text,
    }
    for what, is_told in told.items():
        story.see(f"it tells {what}", is_told)
    story.see("the case is accounted for", stage.until("the record", lambda: state(stage, case) == "accounted"))
