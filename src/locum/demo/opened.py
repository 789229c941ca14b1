"""The end of the search: two people choose the one message, sign to open it, and see it at the same time while both are there; then it
goes to Eva, once.

Told and observed as in found.py. Two browsers, one for each; a page that is read is a sign of life of whoever reads it.
"""

from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import default as mail_policy
from pathlib import Path

from locum.demo.browser import Browser
from locum.demo.observed import Story, plain
from locum.demo.signed import Keys
from locum.demo.stage import ANNA, EVA, Stage

SAYS = "We agreed on 400 pieces, at 12 each."


@dataclass(frozen=True, slots=True)
class Room:
    """The two who signed, each with a browser of their own, in the room of one case."""

    bas: Browser
    carla: Browser
    path: str

    def both(self) -> tuple[str, str]:
        """Both give a sign of life, and read what the room shows them."""
        return self.bas.read(self.path), self.carla.read(self.path)

    def shows(self) -> tuple[str, str]:
        """The message, as each of the two sees it; empty where none is shown."""
        self.both()
        return self.bas.text("text"), self.carla.text("text")


def play(stage: Stage, story: Story, case: str, keys: Keys, message: str) -> None:
    """From the list to the delivery; `message` is the id of the one that is needed."""
    room = Room(Browser(stage.url), Browser(stage.url), f"/cases/{case}/viewing")
    room.bas.sign_in(keys.bas, f"/cases/{case}/found")
    room.carla.sign_in(keys.carla, f"/cases/{case}/found")
    _chosen(stage, story, case, room)
    _signed(stage, story, room, keys)
    _seen(stage, story, case, room)
    _delivered(stage, story, room, message)


def _chosen(stage: Stage, story: Story, case: str, room: Room) -> None:
    story.chapter("Both choose the same one, and meet in a room that has two seats")
    room.bas.press("choose")
    room.carla.press("choose")
    chosen = [one for one in _types(stage, case) if one == "chosen"]
    story.see("each chose by herself or himself; both choices are on record", len(chosen) == 2)
    room.bas.read(f"{room.path}?sign=1")
    story.see("Bas alone in the room cannot sign to open it", "data-passkey" not in room.bas.page)


def _signed(stage: Stage, story: Story, room: Room, keys: Keys) -> None:
    story.chapter("Both are there: each signs to open just this message, with a passkey")
    for browser, key in ((room.bas, keys.bas), (room.carla, keys.carla)):
        room.both()
        browser.read(f"{room.path}?sign=1")
        text = browser.text("signed")
        browser.prove(key)
    story.show(text, most=12)
    shown = stage.until("the message", lambda: all(SAYS in text for text in room.shows()))
    story.see("it is opened, and both read the same, at the same time", shown)
    story.show(room.bas.text("text"))


def _seen(stage: Stage, story: Story, case: str, room: Room) -> None:
    story.chapter("When one of them leaves, nobody sees it any longer")
    room.both()
    fields = next((one.fields for one in room.carla.forms() if "form_token" in one.fields), {})
    room.carla.send(f"{room.path}/here", {"form_token": fields.get("form_token", ""), "leaving": "1"})
    gone = stage.until("the room to be empty", lambda: SAYS not in room.bas.read(room.path))
    story.see("Carla's page is gone, and Bas's page is blank a moment later", gone)
    closed = stage.until("the record", lambda: "closed" in _types(stage, case))
    story.see("that it was closed, and after how long, is on record", closed)
    room.both()
    story.see("it cannot be opened a second time", all(SAYS not in text for text in room.shows()))


def _delivered(stage: Stage, story: Story, room: Room, message: str) -> None:
    story.chapter("Both have it delivered, to the colleague whom the request named")
    room.both()
    room.bas.press("deliver")
    room.carla.read(room.path)
    room.carla.press("deliver")
    came = stage.until("the message at Eva's", lambda: stage.arrived(EVA, message))
    story.see("it landed in Eva's mailbox, as it is", came)
    place = stage.arrived(EVA, message)
    if place is None:
        return
    mail = BytesParser(policy=mail_policy).parsebytes(place.read_bytes())
    story.show(f"From: {mail['From']}\nTo: {mail['To']}\nSubject: {mail['Subject']}\nResent-To: {mail['Resent-To']}")
    story.see("a reply goes to the customer who wrote it", SAYS in plain(mail) and "customer.test" in str(mail["From"]))
    kept = [path for path in _files(stage.folder) if SAYS.encode() in path.read_bytes()]
    story.see("no copy of it stayed with Locum: not in its database, its logs or its folders", not kept)
    original = stage.arrived(ANNA, message)
    story.see("Anna's own still lies there unseen", original is not None)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _types(stage: Stage, case: str) -> list[object]:
    """The kinds of the entries of the case, in order."""
    return [one.get("type") for one in stage.rows("history", ANNA) if one.get("case") == case]
