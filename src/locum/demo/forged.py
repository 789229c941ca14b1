"""What whoever runs the database could try: an approval written there that nobody gave. It leads to an incident, and to nothing else.

The only file of the demo that opens the store itself, as somebody who may write every row of it and has Locum's code at hand.
"""

import os
from dataclasses import replace

from locum.app import build
from locum.approval import Approval, Assertion, Signed, challenge, text_hash
from locum.approval.reading import text_of
from locum.approval.strict import encoded
from locum.demo.observed import Story, in_mailbox, state
from locum.demo.passkey import Passkey
from locum.demo.stage import BAS, EVA, PETRA, Stage
from locum.desk.requested import canonical_request
from locum.entry import Json
from locum.lifecycle import State
from locum.settings import load
from locum.store import Change, Job


def play(stage: Stage, story: Story, key: Passkey) -> None:
    """Bas, who runs the database, wants Eva's mail; `key` is his own."""
    story.chapter("Bas runs the database too, and writes Carla's approval there himself")
    story.tell("He wants Eva's mail. He asks for it, and nobody has agreed.")
    ask = ("forward", EVA, "--to", BAS, "--reason", "continuity", "--because", "Work waits.", "--as", "bas")
    case = str(stage.run(story.tell, "request", *ask).get("case"))
    stage.until("the letter to Eva", lambda: in_mailbox(stage, EVA, f"<{case}.ask"))
    _forge(stage, case, key)
    story.tell("In the database it now says: Eva agreed, Carla approved and signed, do it now.")
    story.tell("In her name he can only sign with a key of his own.")
    stopped = stage.until("the worker to look", lambda: state(stage, case) in ("refused", "accounted"))
    story.see("the worker looked, and refused it", stopped)
    found = [one for one in stage.rows("history", EVA) if one.get("case") == case]
    story.see("an incident is on record", any(one.get("type") == "incident" for one in found))
    told = stage.until("the letter about it", lambda: in_mailbox(stage, PETRA, f"<{case}.incident"))
    story.see("Petra, the data protection officer, has a letter about it", told)
    story.see("nothing is published for Eva", not list(stage.host.forwards.glob(f"*/{EVA}.sieve")))


def _forge(stage: Stage, case_id: str, key: Passkey) -> None:
    """Write the row, the entry and the job."""
    app = build(load(stage.folder / "locum.toml"), clock=stage.now)
    office, case = app.desk.office, app.store.case(case_id)
    statement = Approval(
        decision="approve",
        function="manager",
        approver="carla",
        request=case.request,
        display=text_hash(text_of(canonical_request(case), "approve", "en")),
        policy=case.policy,
        log=office.log(),
        nonce=encoded(os.urandom(16)),
    ).dump()
    client, data, signature = key.parts(challenge("approval", statement), "localhost")
    assertion = Assertion(credential=key.credential, client_data=client, authenticator_data=data, signature=signature)
    by: Json = {"id": "carla", "name": "Carla Jansen", "function": "manager"}
    signed = Signed(statement, assertion.dump()).as_json()
    entry = office.draft(case, "reviewed", decision="approve", by=by, because="", signed=signed)
    forged = replace(case, state=State.SCHEDULED, answer="agreed", reviews=(("carla", "approve", case.request),))
    job = Job(kind="apply", case=case.id, due_at=stage.now(), lane=case.connector)
    app.store.commit([Change(case=forged, entries=(entry,), put=(job,))])
