"""Automatic replies by hand: Locum shows an administrator the exact steps, waits, and takes what the system then shows as its read-back.

It is how a place starts on its first day, and the way to any system for which there is no connector. There is no credential at all.
Everything else of a case is as with any other: she is asked, the policy is asked, it ends by itself (with steps of its own), and she
gets an account. What lives here: when a person is needed. What must not: the files (by_hand_tasks.py), the steps (by_hand_steps.py).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from locum.absence import Mailbox
from locum.connectors import by_hand_steps, ews_texts
from locum.connectors.by_hand_tasks import Task, Tasks, now
from locum.connectors.ews_texts import AUDIENCE, INSIDE, OUTSIDE, STATE
from locum.connectors.one_place import Kept, OnePlace, revision
from locum.errors import Invalid, Rejected
from locum.measure import Audience, AutoReply, Can, Standing, Wanted
from locum.seam import Finding, Report

FRESH = timedelta(days=1)
"""What was seen counts for so long, where it is not what Locum asked to be set: then it counts until the end."""
JUST_NOW = timedelta(hours=1)
"""Somebody looked so short before anything is set, or taken away: what she set herself since is hers."""
Said = Literal["as-shown", "nothing", "hers"]
_CAN = Can(
    audiences=frozenset(Audience),
    html=False,
    exceptions=False,
    sees_own=False,  # nobody looks in between
    at_once=50,
    one_reply=True,
    subject=False,
)


class ByHand(OnePlace):
    """Settings, all by keyword: `folder`, of Locum's own; `system`: "exchange" (its cmdlets, shown and pasted) or "other" (said in one
    word); `user_template`: how the system names a mailbox ("{address}" or a column of people.csv).
    """

    kind = "by_hand"

    def __init__(
        self,
        *,
        name: str,
        folder: Path,
        system: Literal["exchange", "other"] = "exchange",
        user_template: str = "{address}",
    ) -> None:
        self.name, self.system, self.can = name, system, _CAN
        self.tasks = Tasks(folder, name)
        self._folder, self._user_template = folder, user_template

    def __repr__(self) -> str:
        return f"ByHand({self.name!r}, {self.system!r})"

    def user(self, mailbox: Mailbox) -> str:
        """How the system names this mailbox. Raises Invalid for a name that is no plain line."""
        named = mailbox.address if self._user_template == "{address}" else mailbox.columns.get(self._user_template, "")
        if not named or not named.isprintable() or "/" in named or len(named) > 254 or named.startswith("."):
            raise Invalid("by-hand-user", mailbox=mailbox.address.replace("\0", "?"))
        return named

    # one place for a reply

    def made(self, reply: AutoReply) -> Kept:
        """See OnePlace."""
        return ews_texts.setting(reply)

    def off(self) -> Kept:
        """See OnePlace."""
        return ews_texts.nothing()

    def normal(self, kept: Kept) -> Kept:
        """See OnePlace."""
        return ews_texts.normal(kept)

    def answers(self, kept: Kept, now: datetime) -> bool:
        """See OnePlace."""
        return ews_texts.answers(kept, now)

    def revised(self, kept: Kept) -> str:
        """See OnePlace."""
        return revision(self.normal(kept))

    def standing(self, kept: Kept) -> Standing:
        """See OnePlace; a reader should know that somebody else read it."""
        found = super().standing(kept)
        return replace(found, remarks=(*found.remarks, "by-hand"))

    def refuse(self, mailbox: Mailbox, wanted: Wanted) -> None:
        """See OnePlace."""
        self.user(mailbox)
        super().refuse(mailbox, wanted)
        for reply in wanted.replies:
            self.made(reply)

    def get(self, mailbox: Mailbox) -> Kept:
        """See OnePlace. Raises Rejected `by-hand-look` where nobody has looked for long: then it is on the list."""
        task = self.tasks.of(self.user(mailbox))
        if task.seen is None or (task.age() > FRESH and not self._is_ours(task)):
            raise self._waits(task, "look", None)
        return task.seen

    def put(self, mailbox: Mailbox, kept: Kept, before: Kept) -> None:  # noqa: ARG002  a person compares
        """See OnePlace. Nothing is set from here: it goes on the list, and Rejected `by-hand-set` says that it waits; where nobody looked
        within the hour, somebody does that first (`by-hand-look`).
        """
        task = self.tasks.of(self.user(mailbox))
        if task.age() > JUST_NOW:
            raise self._waits(task, "look", None)
        raise self._waits(task, "set", ews_texts.sendable(kept, datetime.now(UTC)))

    def check(self, sample: Mailbox | None = None) -> Report:  # noqa: ARG002  there is nothing to be tried with
        """See seam.Connector. There is no credential that could read anything."""
        there = self.tasks.try_out()
        values = (("folder", str(self._folder)),)
        found = [Finding(key="by-hand.folder" if there else "by-hand.no-folder", holds=there, values=values)]
        if there:
            waiting = len(list(self.tasks.waiting()))
            found.append(
                Finding(key="by-hand.waiting", holds=None if waiting else True, values=(("many", str(waiting)),))
            )
        return (*found, Finding(key="by-hand.no-credential", holds=True))

    # a person's part

    def steps(self, task: Task) -> str:
        """What is to be pasted into the Exchange shell; "" for another system, where `task.target` tells what is to be set."""
        return by_hand_steps.powershell(task.mailbox, task.target) if self.system == "exchange" else ""

    def done(self, user: str, who: str, text: str = "", said: Said | None = None) -> Task:
        """What the system shows now: pasted `text` for Exchange, one word for another. Raises Invalid for anything else; nothing is kept then."""
        task = self.tasks.of(user)
        if (said is None) is (self.system == "other"):
            raise Invalid("by-hand-how", mailbox=user)
        kept = by_hand_steps.pasted(text, user) if said is None else self._said(task, said)
        is_set = task.target is not None and self.same(kept, task.target)
        seen = replace(
            task,
            seen=kept,
            seen_at=now(),
            seen_by=who,
            do="",
            since="",
            target=None,
            ours=task.target if is_set else task.ours,
        )
        self.tasks.keep(seen)
        return seen

    def _said(self, task: Task, said: Said) -> Kept:
        if said == "as-shown" and task.target is not None:
            return task.target
        if said == "as-shown":
            raise Invalid("by-hand-how", mailbox=task.mailbox)
        return self.off() if said == "nothing" else {STATE: "Enabled", AUDIENCE: "All", INSIDE: "", OUTSIDE: ""}

    def _is_ours(self, task: Task) -> bool:
        return task.ours is not None and task.seen is not None and self.same(task.seen, task.ours)

    def _waits(self, task: Task, do: Literal["look", "set"], target: Mapping[str, object] | None) -> Rejected:
        """Put it on the list, once; the error that says that it waits."""
        if (task.do, task.target) != (do, target):
            self.tasks.keep(replace(task, do=do, since=now(), target=target))
        return Rejected(f"by-hand-{do}", mailbox=task.mailbox, connector=self.name)
