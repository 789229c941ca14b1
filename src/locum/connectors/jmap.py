"""Auto-replies over JMAP (RFC 8621 section 8): VacationResponse, on Cyrus on behalf of the mailbox, elsewhere by a credential of its own.

A mailbox has one VacationResponse. Cyrus runs it as a filter script, and switches hers off for it without a word: so her scripts are
looked at with it, and where one of hers runs, nothing is set. What lives here: what is there, what is put, what is the same. What
must not: requests (jmap_wire.py), letters (jmap_texts.py), `check` (jmap_proof.py).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from locum.absence import Mailbox
from locum.connectors import jmap_proof, jmap_texts
from locum.connectors.jmap_wire import VACATION, Call, Server, Wire
from locum.connectors.one_place import Kept, OnePlace, canonical
from locum.errors import Conflict, Garbled, Invalid, Unsupported
from locum.measure import Audience, AutoReply, Can, Measure, Standing, Wanted, instant
from locum.seam import Report

SCRIPTS = ("urn:ietf:params:jmap:sieve", "https://cyrusimap.org/ns/jmap/sieve")
"""RFC 9661, and Cyrus' own name for the same."""

_FIELDS = ("isEnabled", "fromDate", "toDate", "subject", "textBody", "htmlBody")
_OFF: Kept = {"isEnabled": False, **dict.fromkeys(_FIELDS[1:])}
_NOT_HERS = ("urn:ietf:params:jmap:vacationresponse", "vacation")
"""What Cyrus and Stalwart call the script that they make of a VacationResponse."""


class Jmap(OnePlace):
    """A mail system with JMAP. Settings, all by keyword:

    `url`: the server, or its session resource; `user` and `secret`: HTTP Basic, without `user` a bearer token; `on_behalf`:
    "authorize_as" (the mailbox in a header, as Cyrus has it) or "account" (the credential reaches it under its own permissions);
    `user_template`: how the server names a mailbox, or its account; `no_scripts`: the administrator states that nobody there has a
    filter script; `reads_mail`: what `check` has shown of the credential. Raises Invalid where these cannot be meant.
    """

    kind = "jmap"

    def __init__(
        self,
        *,
        name: str,
        url: str,
        secret: Callable[[], str],
        user: str = "",
        on_behalf: Literal["authorize_as", "account"] = "authorize_as",
        ca_file: Path | None = None,
        user_template: str = "{address}",
        no_scripts: bool = False,
        reads_mail: bool = True,
        connect_seconds: float = 5,
        answer_seconds: float = 20,
    ) -> None:
        if ":" in user or (on_behalf == "authorize_as" and not user):
            raise Invalid("jmap-no-user", connector=name)
        self.name, self._user_template, self._no_scripts = name, user_template, no_scripts
        self.server = Server(
            connector=name,
            url=url,
            user=user,
            secret=secret,
            authorize_as=on_behalf == "authorize_as",
            ca_file=ca_file,
            connect_seconds=connect_seconds,
            answer_seconds=answer_seconds,
        )
        self.can: Can = Can(
            audiences=frozenset({Audience.EVERYONE}),
            two_texts=False,
            exceptions=False,
            aliases=False,
            max_subject_chars=255,
            reads_mail=reads_mail,
            redirects_mail=True,
            one_reply=True,
        )

    def __repr__(self) -> str:
        return f"Jmap({self.name!r}, {self.server.host!r})"

    def user(self, mailbox: Mailbox) -> str:
        """How the server names this mailbox. Raises Invalid for names that could reach another place or speak HTTP."""
        known = {"{address}": mailbox.address, "{local}": mailbox.local}
        named = known.get(self._user_template) or mailbox.columns.get(self._user_template, "")
        odd = any(not 0x20 < ord(sign) < 0x7F or sign in "/\\" for sign in named)
        if not named or odd or named.startswith(".") or len(named) > 255:
            raise Invalid("jmap-user", mailbox=mailbox.address.replace("\0", "?"))
        return named

    def check(self, sample: Mailbox | None = None) -> Report:
        """Reach, TLS, vacation responses, filter scripts, and whether the same credential reads mail. `sample`: a mailbox to try with."""
        report = jmap_proof.report(self.server, self.user(sample) if sample else "", self.scripts_seen)
        keys = {finding.key for finding in report}
        if keys & {"jmap.reads-mail", "jmap.mail-refused"}:
            self.can = replace(self.can, reads_mail="jmap.reads-mail" in keys)
        return report

    # what OnePlace asks

    def get(self, mailbox: Mailbox) -> Kept:
        """See OnePlace. `script` is the name of the filter script of hers that runs, if one does."""
        with Wire(self.server, self.user(mailbox)) as wire:
            return self._looked(wire)[0]

    def put(self, mailbox: Mailbox, kept: Kept, before: Kept) -> None:
        """See OnePlace. Between the look and the change, the server compares its own state (`ifInState`), which her scripts are in too."""
        with Wire(self.server, self.user(mailbox)) as wire:
            found, state = self._looked(wire)
            if canonical(found) != canonical(before):
                raise Conflict("one-place-changed", mailbox=mailbox.address, connector=self.name)
            patch = {key: kept.get(key) for key in _FIELDS}
            call: Call = ("VacationResponse/set", {"ifInState": state, "update": {"singleton": patch}})
            said = wire.told(wire.ask([VACATION], call)[0], call[0])
            updated, refused = said.get("updated"), said.get("notUpdated")
            if isinstance(refused, Mapping) and isinstance(why := refused.get("singleton"), Mapping):
                raise wire.error_of(why.get("type"))
            if not (isinstance(updated, Mapping) and "singleton" in updated):
                raise self.server.garbled(call[0])

    def made(self, reply: AutoReply) -> Kept:
        """See OnePlace. The texts are those that stay text (jmap_texts.py)."""
        html = reply.html_body
        return {
            "isEnabled": True,
            "fromDate": instant(reply.from_date),
            "toDate": instant(reply.to_date),
            "subject": jmap_texts.subject(reply.subject, self.name),
            "textBody": jmap_texts.body(reply.text_body, self.name),
            "htmlBody": None if html is None else jmap_texts.html(html, self.name),
        }

    def off(self) -> Kept:
        """See OnePlace."""
        return _OFF

    def normal(self, kept: Kept) -> Kept:
        """See OnePlace: dates as instants, without the script of hers."""
        one = {key: kept.get(key) for key in _FIELDS}
        return {**one, **{key: self._date(one[key]) for key in ("fromDate", "toDate")}}

    def answers(self, kept: Kept, now: datetime) -> bool:
        """See OnePlace."""
        until = self._date(kept.get("toDate"))
        return kept.get("isEnabled") is True and (until is None or instant(now) < until)

    def decided(self, mailbox: Mailbox, wanted: Wanted, expect: Standing, before: Kept) -> Kept | None:
        """See OnePlace. Raises Unsupported too where a filter script of hers would be switched off, or may be."""
        target = super().decided(mailbox, wanted, expect, before)
        if target is not None and "script" not in before:
            raise Unsupported("jmap-scripts-unseen", mailbox=mailbox.address, connector=self.name)
        if target is not None and before["script"] is not None:
            raise Unsupported("jmap-own-script", mailbox=mailbox.address, script=before["script"])
        return target

    def standing(self, kept: Kept) -> Standing:
        """See OnePlace. What her own filter script does cannot be told here."""
        standing = super().standing(kept)
        return standing if kept.get("script") is None else replace(standing, own_reply=None)

    def recognised(self, standing: Standing, known: Sequence[Measure]) -> Standing:
        """See seam.OneReply; and says where letters were changed."""
        found = super().recognised(standing, known)
        changed = [reply for reply in found.replies if _differs(self.made(reply), reply)]
        return replace(found, remarks=("jmap-letters-changed",)) if changed else found

    # the server

    def scripts_seen(self, capabilities: frozenset[str]) -> str | None:
        """The capability by which her filter scripts are seen; "" where none has to be; None where none is offered."""
        return "" if self._no_scripts else next((one for one in SCRIPTS if one in capabilities), None)

    def _looked(self, wire: Wire) -> tuple[Kept, str]:
        """What is there, and the state that it is in."""
        seen = self.scripts_seen(wire.session.capabilities)
        calls: list[Call] = [("VacationResponse/get", {"ids": ["singleton"]})]
        if seen:
            calls.append(("SieveScript/get", {"ids": None, "properties": ["id", "name", "isActive"]}))
        said = wire.ask([VACATION, *([seen] if seen else [])], *calls)
        values = wire.told(said[0], calls[0][0])
        kept, state = self._singleton(values.get("list")), values.get("state")
        if not isinstance(state, str):
            raise self.server.garbled("state")
        if seen is None:
            return kept, state
        listed = wire.told(said[1], calls[1][0]).get("list") if seen else []
        return {**kept, "script": self._running(listed)}, state

    def _singleton(self, listed: object) -> Kept:
        match listed:
            case [dict(one)] if one.get("id") == "singleton" and isinstance(one.get("isEnabled"), bool):
                kept = {key: one.get(key) for key in _FIELDS}
            case _:
                raise self.server.garbled("VacationResponse")
        if not all(value is None or isinstance(value, str) for key, value in kept.items() if key != "isEnabled"):
            raise self.server.garbled("VacationResponse")
        self._date(kept["fromDate"]), self._date(kept["toDate"])
        return kept

    def _running(self, listed: object) -> str | None:
        """The name of the script of hers that runs."""
        scripts = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else None
        if scripts is None or len(scripts) != len(listed):  # type: ignore[arg-type]
            raise self.server.garbled("SieveScript")
        ours = _NOT_HERS[:1] if self.server.authorize_as else _NOT_HERS
        running = [one for one in scripts if one.get("isActive") is not False and one.get("name") not in ours]
        return str(running[0].get("name")) if running else None

    def _date(self, value: object) -> str | None:
        """A UTCDate (RFC 8620 1.4) with whole seconds."""
        if value is None:
            return None
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            at = datetime.min  # noqa: DTZ901  without a zone, so it is none
        if at.tzinfo is None:
            raise Garbled("jmap-garbled", connector=self.name, host=self.server.host, what="UTCDate")
        return instant(at.astimezone(UTC))


def _differs(made: Kept, reply: AutoReply) -> bool:
    """Whether anything but line ends had to be changed."""
    was = (reply.subject, reply.text_body, reply.html_body or "")
    return (made["subject"], made["textBody"], made["htmlBody"] or "") != tuple(
        one.replace("\r\n", "\n") for one in was
    )
