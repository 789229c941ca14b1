"""After the story: whoever watched plays all the people herself, in her own browser, with passkeys of her own.

A fresh organisation on a mail host of its own, by the real clock. What to do is printed in steps, with the words that stand on the
buttons; what arrives anywhere is printed as it arrives. Enter has a customer write. Nothing here does anything for her.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

from rich.console import Console

from locum.demo.arrivals import Arrival, Arrivals
from locum.demo.host import free_port
from locum.demo.mailroom import Mailroom
from locum.demo.observed import Story
from locum.demo.stage import ANNA, BAS, CARLA, EVA, HOME_ZONE, PETRA, POLICY, SETTINGS, Scene, Stage
from locum.messages import LANGUAGES, say

CUSTOMER = "klant@customer.test"
PORT = 8722
_PEOPLE = """\
person,name,mailbox,aliases,language,time_zone,function,manager,private_mail,mobile,private_permitted_on
anna,Anna de Vries,anna@corp.test,,{language},Europe/Amsterdam,sales,carla,anna@home.test,,2026-01-05
bas,Bas Smit,bas@corp.test,,{language},Europe/Amsterdam,it,carla,,,
carla,Carla Jansen,carla@corp.test,,{language},Europe/Amsterdam,manager,,,,
eva,Eva Mulder,eva@corp.test,,{language},Europe/Amsterdam,sales,carla,,,
petra,Petra Vos,petra@corp.test,,{language},Europe/Amsterdam,dpo,,,,
"""


def language_of_terminal() -> str:
    """The reader's language: LC_ALL, LC_MESSAGES, LANG."""
    told = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    return told[:2] if told[:2] in LANGUAGES else "en"


def play(console: Console, *, port: int = PORT) -> None:
    """Set the stage, say what can be done, and go on until Ctrl-C."""
    language, story = language_of_terminal(), Story(console)
    story.chapter(say(language, "demo.title"))
    story.tell(say(language, "demo.setting"))
    with Stage(lambda _text: None, _scene(language, port)) as stage:
        numbers = count(1)

        def write() -> None:
            subject = say(language, "demo.customer.subject", number=next(numbers))
            stage.mail(CUSTOMER, ANNA, subject, text=say(language, "demo.customer.text"))

        arrivals = Arrivals(stage, (ANNA, BAS, CARLA, EVA, PETRA))
        with Mailroom(language, free_port(port and port + 1), write) as room:
            _tell(stage, story, language, room.url)
            _go_on(story, language, arrivals, room, write)


def _scene(language: str, port: int) -> Scene:
    settings = SETTINGS.replace('language = "en"', f'language = "{language}"')
    settings = settings.replace(
        "[people]", 'working_hours = "mon-sun 00:00-23:59"   # so that one can play at night\n[people]'
    )
    return Scene(
        people=_PEOPLE.format(language=language),
        policy=POLICY,
        settings=settings,
        begins=lambda: datetime.now(UTC),
        port=free_port(port),
    )


def _tell(stage: Stage, story: Story, language: str, mail: str) -> None:
    def tell(key: str, first: str = "  ", **values: object) -> None:
        story.line(say(language, f"demo.{key}", **(shared | values)), first)

    def words(key: str) -> str:
        return say(language, f"pages.{key}")

    until = (stage.now() + timedelta(days=14)).astimezone(HOME_ZONE).strftime("%d-%m-%Y")
    shared = {"url": stage.url, "mail": mail, "anna": ANNA, "bas": BAS, "carla": CARLA, "eva": EVA}
    story.console.print()
    for who in ("bas", "anna", "eva", "carla"):
        tell(f"who.{who}")
    story.console.print()
    may_forward = stage.host.may_forward
    link, begin = stage.first_link(), words("first_keys.begin")
    what = words(f"cases.ask.what_{'forward' if may_forward else 'auto-reply'}")
    steps: list[tuple[str, dict[str, object]]] = [
        ("keys", {"link": link, "begin": begin}),
        (
            "ask",
            {
                "what": what,
                "send": words("cases.ask.send"),
                "sign_in": words("sign_in.passkey"),
                "reason": say(language, "words.reason.customer"),
                "until": until,
            },
        ),
    ]
    if may_forward:
        steps += [("sign", {"button": words("cases.review.sign_request")})]
    steps += [("anna", {"button": words("answer.agree")})]
    if may_forward:
        steps += [
            ("eva", {"button": words("consent.answer.accept")}),
            ("carla", {"out": words("signed_in.out"), "button": words("cases.review.sign_approve")}),
        ]
    steps += [("customer" if may_forward else "customer-reply", {}), ("stop", {"button": words("answer.stop")})]
    for number, (key, values) in enumerate(steps, 1):
        tell(f"step.{key}", f"  {number}. ", **values)
    story.console.print()
    for key in ("letters", "no-device", "ssh", "end"):
        tell(key, port=stage.web_port, mail_port=mail.rstrip("/").rpartition(":")[2])
    story.console.print()


def _go_on(story: Story, language: str, arrivals: Arrivals, room: Mailroom, write: Callable[[], None]) -> None:
    """Tell what arrives until Ctrl-C or SIGTERM; each Enter has a customer write."""
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    threading.Thread(target=_at_enter, args=(write,), daemon=True).start()
    try:
        while not stopped.wait(0.5):
            for one in arrivals.new():
                room.arrived.append(one)
                _arrived(story, language, one)
    except KeyboardInterrupt:
        pass
    story.tell(say(language, "demo.stopped"))


def _at_enter(write: Callable[[], None]) -> None:
    for _line in sys.stdin:
        write()


def _arrived(story: Story, language: str, one: Arrival) -> None:
    """A line for what arrived, and one for each link in it."""
    at = datetime.now(HOME_ZONE).strftime("%H:%M")
    key = "demo.arrived" if "locum" in one.sender else "demo.arrived-from"
    told = say(language, key, at=at, to=one.to, subject=one.subject, sender=one.sender)
    story.line(told, "  ✉ ")
    for link in one.links:
        story.line(link, "      ")
