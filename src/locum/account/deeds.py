"""What was found on the mailbox, what was done there, what was read back and what was put back, in rows. Pure."""

from collections.abc import Iterator

from locum.account.shape import Kind, Row
from locum.account.story import Act, Body, Story, table, text, texts
from locum.account.teller import Teller
from locum.entry import Entry

_OWN = (("yes", True), ("no", False))


def on_mailbox(teller: Teller, story: Story) -> Iterator[Row]:
    """Every step on the mail system, oldest first, and the rights that were used for them."""
    steps = story.of("intended", "done", "read-back", "ended")
    for entry in steps:
        yield from _step(teller, story, entry)
    if not steps:
        yield Row(text=teller.say("mailbox.untouched"))
    for privileges in dict.fromkeys(text(entry.body, "privileges") for entry in story.of("done")):
        if privileges:
            yield Row(label=teller.say("label.privileges"), text=teller.word("privileges", privileges))


def _step(teller: Teller, story: Story, entry: Entry) -> Iterator[Row]:
    match entry.type:
        case "intended":
            yield from _intended(teller, story, next(act for act in story.acts if act.intended is entry))
        case "done":
            yield Row(label=teller.when(entry.time), text=_done(teller, story, text(entry.body, "act")))
        case "read-back":
            yield from _read_back(teller, entry)
        case _:
            if put_back := text(entry.body, "put_back"):
                known = teller.says(f"put-back.{put_back}")
                yield Row(label=teller.when(entry.time), text=teller.say(f"put-back.{put_back}") if known else put_back)


def _intended(teller: Teller, story: Story, act: Act) -> Iterator[Row]:
    body = act.intended.body
    found = table(body, "found")
    name = teller.word("act", text(body, "act"))
    said = teller.say("mailbox.intended", act=name, connector=text(body, "connector"))
    yield Row(label=teller.when(act.intended.time), text=" ".join([said, *_found(teller, story, found)]))
    if act.outcome is None:
        if act.again_at is not None:
            yield Row(text=teller.say("mailbox.again", act=name, when=teller.when(act.again_at)))
        else:
            yield Row(text=teller.say("mailbox.unknown", act=name), kind=Kind.WARNING)


def _found(teller: Teller, story: Story, found: Body) -> Iterator[str]:
    if not found:
        return
    own = next((word for word, value in _OWN if found.get("own_reply") is value), "unknown")
    if story.measure is not None or story.forward is None:
        yield teller.say(f"found.own-{own}")
    if story.forward is not None:
        count = found.get("own_forwards")
        yield teller.say(f"found.rules-{'unknown' if not isinstance(count, int) else 'yes' if count else 'no'}")
    if ours := dict.fromkeys((*texts(found, "replies"), *texts(found, "forwards"))):
        yield teller.say("found.ours", replies=", ".join(ours))
    yield from _remarks(teller, found)


def _remarks(teller: Teller, body: Body) -> Iterator[str]:
    for remark in texts(body, "remarks"):
        yield teller.known("remark", remark, {}) or teller.say("found.remark", remark=remark)


def _done(teller: Teller, story: Story, act: str) -> str:
    if act == "end" and any(text(entry.body, "put_back") == "nothing-was-there" for entry in story.of("ended")):
        return teller.say("done.end-nothing")
    return teller.say(f"done.{act}") if teller.says(f"done.{act}") else teller.say("done.other", act=act)


def _read_back(teller: Teller, entry: Entry) -> Iterator[Row]:
    body = entry.body
    act, stands = text(body, "act"), text(body, "stands")
    side = "after" if act in ("end", "after-end") else "during"
    key = f"read-back.{side}.{stands}"
    said = [teller.say(key) if teller.says(key) else teller.say("read-back.other", stands=stands)]
    if side == "during" and body.get("own_reply") is True:
        said.append(teller.say("read-back.own-reply"))
    said += _remarks(teller, body)
    expected = (side == "during" and stands == "as-intended") or (side == "after" and stands == "absent")
    kind = Kind.LINE if expected or act == "watch" else Kind.WARNING
    yield Row(label=teller.when(entry.time), text=" ".join(said), kind=kind)
