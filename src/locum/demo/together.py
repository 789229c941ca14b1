"""The second act of the demo: an auto-reply and a forward that stand and fall together, from the question to the account.

Told and observed as in story.py, by the same means: Locum's commands, its letters and its pages, and what lies in mailboxes.
"""

from datetime import timedelta
from email.parser import BytesParser
from email.policy import default as mail_policy

from locum.demo.observed import Story, in_mailbox, link_in, page, plain, press, replies, state
from locum.demo.stage import CARLA, DAAN, EVA, HOME_ZONE, Stage

CUSTOMER = "klant@customer.test"
WHY = "His customers' orders have to go on."


def begin(stage: Stage, story: Story) -> str:
    """From the question until a customer's mail has been copied. Gives back the case; empty where this machine shows none."""
    if not stage.host.may_forward:
        story.tell(
            "Forwards are not shown: this machine lets nobody give a program its own view of /etc/postfix (unshare)."
        )
        return ""
    case = _request(stage, story)
    _he_agrees(stage, story, case)
    _she_agrees(stage, story, case)
    _approved(stage, story, case)
    _copied(stage, story)
    _private(stage, story)
    return case


def _request(stage: Stage, story: Story) -> str:
    story.chapter(
        "Daan is away too. For him the service desk asks for two things: a reply, and copies of new mail for Eva"
    )
    until = (stage.now() + timedelta(days=14)).astimezone(HOME_ZONE).date().isoformat()
    reply = ("--audience", "everyone", "--template", "standard", "--until", until)
    case = str(_ask(stage, story, "auto-reply", DAAN, *reply).get("case"))
    measures = _ask(stage, story, "forward", DAAN, "--to", EVA, "--with", case).get("measures")
    kinds = [str(one.get("measure")) for one in measures] if isinstance(measures, list) else []
    story.see(f"both are one case, {case}: {', '.join(kinds)}", len(kinds) == 2)
    story.tell(
        "This is a trial: copies of mail wait for a second person's approval, and that is recorded, not signed yet."
    )
    return case


def _ask(stage: Stage, story: Story, *arguments: str) -> dict[str, object]:
    return _run(stage, story, "request", *arguments, "--reason", "continuity", "--because", WHY, "--as", "bas")


def _run(stage: Stage, story: Story, *arguments: str) -> dict[str, object]:
    story.tell("$ locum " + " ".join(f'"{word}"' if " " in word else word for word in arguments))
    return stage.locum(*arguments)


def _he_agrees(stage: Stage, story: Story, case: str) -> None:
    story.chapter("Daan is asked about both, and agrees")

    def about_eva() -> list[str]:
        letters = [plain(one.mail) for one in stage.outside.messages if "daan@home.test" in one.recipients]
        return [text for text in letters if EVA in text]

    asked = stage.until("the letter about both", about_eva)
    story.see("a letter was sent to his private address; it names who would get copies", asked)
    if not asked:
        return
    text = about_eva()[-1]
    story.show(text)
    shown = page(link_in(text))
    story.see("the page behind his link says that this is a trial", _trial(shown))
    press(link_in(text), shown, "agree")
    story.see("his agreement is on record", stage.locum("show", case).get("answer") == "agreed")
    story.see("nothing is set yet", not _scripts(stage))


def _trial(shown: str) -> bool:
    return "This is a trial." in shown


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
    story.see("her page says that this is a trial, and not why he is away", _trial(shown) and WHY not in shown)
    after = press(link_in(text), shown, "accept")
    story.see("her agreement is on record", 'value="accept"' in shown and 'value="accept"' not in after)
    story.see("nothing is set yet", not _scripts(stage))


def _approved(stage: Stage, story: Story, case: str) -> None:
    story.chapter("A manager looks at it")
    waits = stage.until("the review", lambda: state(stage, case) == "awaiting-review")
    story.see("the case waits for a second person", waits)
    wanted = stage.until("the letter to the manager", lambda: stage.arrived(CARLA, f"<{case}.review"))
    story.see("Carla, his manager, has a letter about it", wanted)
    _run(stage, story, "review", case, "--approve", "--because", "Eva knows his customers.", "--as", "carla")
    live = stage.until("both to go live", lambda: state(stage, case) == "applied")
    story.see("both are live", live)
    scripts = _scripts(stage)
    story.see(f"one script for the reply, one for the copies: {', '.join(scripts)}", len(scripts) == 2)


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
    story.see("what is marked \\[privé] lies in his mailbox, and only there", kept and not stage.arrived(EVA, private))
    story.see("what was sent after it was copied again", later)


def end(stage: Stage, story: Story, case: str) -> None:
    """The same moment as in the first act: nothing of either measure is left."""
    story.see("for Daan both ended by themselves", stage.until("the end", lambda: _is_over(stage, case)))
    story.see("nothing is published for him any more", not _scripts(stage))
    message = stage.mail("nieuw@customer.test", DAAN, "A question for Daan")
    stage.until("the mail to arrive", lambda: stage.arrived(DAAN, message))
    answered = replies(stage, seconds=2, to="nieuw@customer.test")
    story.see("new mail for him is neither answered nor copied", not answered and not stage.arrived(EVA, message))


def _is_over(stage: Stage, case: str) -> bool:
    return state(stage, case) in ("ended", "accounted")


def account(stage: Stage, story: Story, case: str) -> None:
    """He reads what was done."""
    story.chapter("Daan receives his account")
    arrived = stage.until("the account", lambda: stage.arrived(DAAN, f"<{case}.account"))
    story.see("it landed in his mailbox", arrived)
    place = stage.arrived(DAAN, f"<{case}.account")
    if place is None:
        return
    text = plain(BytesParser(policy=mail_policy).parsebytes(place.read_bytes()))
    story.show(text)
    told = {"who got copies": EVA in text, "who approved": "Carla Jansen" in text, "who asked": "Bas Smit" in text}
    for what, is_told in told.items():
        story.see(f"it tells {what}", is_told)
    told_eva = stage.until("the letter to Eva", lambda: in_mailbox(stage, EVA, f"<{case}.receiver-ended"))
    story.see("Eva was told that it is over", told_eva)
