"""The published samples of accounts that are checked: which files there are, what is to be found in them, and what is spoiled.

Made from the record of accountworld.py; tools/account-vectors writes them to docs/spec/vectors.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.accountworld import AccountWorld
from tests.forging import HERS, POLICIES, REGISTER, Forger, signed_note, split

from locum.checkable import File
from locum.tlog import parse_checkpoint

ANNA, MARK, IVO = "anna@corp.test", "mark@corp.test", "ivo@corp.test"


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A file with a lie in it: where the lie is, and the check that has to fail."""

    name: str
    check: str
    why: str
    content: bytes
    earlier: str = ""


def samples(world: AccountWorld) -> dict[str, bytes]:
    """All files by name."""
    keys = {name: world.enrolled(name) for name in (ANNA, MARK, IVO)}
    world.lived()
    files = {name: world.file(name) for name in keys}
    made: dict[str, bytes] = {}
    for name, key in keys.items():
        made[f"{short(name)}.locum-key"] = key.dump()
        made[f"{short(name)}.locum"] = files[name].dump()
    spoiled = list(lies(files[ANNA]))
    made |= {one.name: one.content for one in spoiled}
    told = {"files": [_told(name, file) for name, file in files.items()], "spoiled": [_lie(one) for one in spoiled]}
    made["account.json"] = (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode()
    return made


def short(mailbox: str) -> str:
    return mailbox.partition("@")[0]


def _told(mailbox: str, file: File) -> dict[str, object]:
    checkpoint = parse_checkpoint(file.checkpoint.partition(b"\n\n")[0] + b"\n")
    opened = [json.loads(one.payload) for one in file.places if one.payload is not None]
    acts = [one["body"]["act"] for one in opened if one["type"] == "intended"]
    return {
        "file": f"{short(mailbox)}.locum",
        "key": f"{short(mailbox)}.locum-key",
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "entries": len(file.places),
        "erased": len(file.places) - len(opened),
        "acts": acts,
        "signatures": sum(one["type"] == "reviewed" for one in opened),
    }


def _lie(one: Spoiled) -> dict[str, str]:
    told = {"file": one.name, "key": "anna.locum-key", "check": one.check, "why": one.why}
    return {**told, "earlier": one.earlier} if one.earlier else told


def lies(file: File) -> Iterator[Spoiled]:
    """Anna's file, spoiled in ways of which a verifier has to see each."""
    yield _json(
        "spoiled-file.locum", file, lambda v: v["entries"].pop(25), "complete", "one of her entries is not in the file"
    )
    yield _json("spoiled-word.locum", file, _other_word, "unchanged", "a word of an entry is another")
    forger = Forger(file)
    forger.drop(HERS, forger.find(HERS, "reviewed", decision="approve"))
    yield _made(
        "spoiled-approval.locum", forger, "signed", "the approval was never given; everything else was made anew to fit"
    )
    forger = Forger(file)
    forger.change(HERS, forger.find(HERS, "reviewed", decision="approve"), _other_signature)
    yield _made("spoiled-signature.locum", forger, "signed", "the approval is signed by nobody")
    forger = Forger(file)
    forger.made()
    forger.leaves[file.places[30].index] = b"\x01" + bytes(32) + forger.leaves[file.places[30].index][33:]
    yield _signed("spoiled-tag.locum", forger, "complete", "an entry of hers stands under another tag")
    forger = Forger(file)
    said = forger.value(POLICIES, 0)["body"]
    forger.drop(POLICIES, 0)
    forger.insert(POLICIES, 0, "policy", said, "2026-11-01T09:00:00Z", at=len(forger.leaves))
    yield _made(
        "spoiled-policy.locum", forger, "allowed", "the policy was recorded after the act, with a time of before"
    )
    forger = Forger(file)
    forger.drop(REGISTER, len(forger.places[REGISTER]) - 1)
    yield _made("spoiled-register.locum", forger, "signed", "nobody was ever given a function but the founders")
    yield Spoiled("spoiled-tail.locum", "origin", "the newest entries were cut off", _cut(file), "anna.locum")


def _cut(file: File) -> bytes:
    """The log as it was a while before, signed anew."""
    leaves = split(file.leaves)[: file.places[-12].index]
    places = tuple(one for one in file.places if one.index < len(leaves))
    cut = replace(file, leaves=b"".join(leaves), checkpoint=signed_note(leaves), places=places)
    return cut.dump()


def _json(name: str, file: File, change: Any, check: str, why: str) -> Spoiled:
    value = json.loads(file.dump())
    change(value)
    content = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    return Spoiled(name, check, why, content)


def _made(name: str, forger: Forger, check: str, why: str, earlier: str = "") -> Spoiled:
    return Spoiled(name, check, why, forger.made().dump(), earlier)


def _signed(name: str, forger: Forger, check: str, why: str) -> Spoiled:
    content = replace(forger.file, leaves=b"".join(forger.leaves), checkpoint=signed_note(forger.leaves)).dump()
    return Spoiled(name, check, why, content)


def _other_word(value: dict[str, Any]) -> None:
    entry = next(one for one in value["entries"] if "private_mail" in one.get("payload", ""))
    entry["payload"] = entry["payload"].replace("private_mail", "mobile")


def _other_signature(value: dict[str, Any]) -> None:
    signed = value["body"]["signed"]
    said = json.loads(signed["assertion"])
    said["signature"] = said["signature"][::-1].replace("=", "A")
    signed["assertion"] = json.dumps(said, sort_keys=True, separators=(",", ":"))
