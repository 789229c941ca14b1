"""What each document holds, as lists of message keys. Data only; a promise stands in the regulation exactly once."""

NAMES = ("regulation", "works-council", "dpia", "register", "notice", "summary")

CLAUSES: dict[int, str] = {
    1: "promise.1.reasons promise.1.because promise.1.judging",
    2: "duty.2.ground duty.2.weighing",
    3: "duty.3.adopted duty.3.council duty.3.register duty.3.dpia note.3.open",
    4: "duty.4.known duty.4.first promise.4.letter",
    5: "promise.5.password promise.5.longest promise.5.one promise.5.ends promise.5.put-back promise.5.own-change "
    "promise.5.powers",
    6: "promise.6.channels promise.6.private promise.6.no-channel promise.6.through promise.6.wait promise.6.unanswered "
    "promise.6.agreed promise.6.own-text promise.6.herself promise.6.objection promise.6.objection-live "
    "promise.6.reads-along promise.6.leave-kind duty.6.reason-of-absence duty.6.ill",
    7: "promise.7.count promise.7.functions promise.7.persons promise.7.denial promise.7.text promise.7.again "
    "note.7.unsigned",
    8: "promise.8.audience promise.8.template promise.8.no-date promise.8.free-text promise.8.batch promise.8.heard-by "
    "promise.8.literal duty.8.words duty.8.elsewhere note.8.not-read",
    9: "promise.9.refused",
    10: "promise.10.refused",
    11: "note.11.nothing",
    12: "note.12.nothing",
    13: "note.13.nothing",
    14: "note.14.nothing",
    15: "promise.15.unchanged promise.15.sealed promise.15.found note.15.erase duty.15.period",
    16: "promise.16.live promise.16.noted promise.16.account promise.16.finished-early promise.16.refusals "
    "promise.16.requester note.16.term duty.16.turn",
    17: "promise.17.longest duty.17.contact duty.17.closes",
    18: "note.18.not-yet duty.18.figures",
    19: "duty.19.own promise.19.reminder promise.19.gaps duty.19.private-use",
    20: "note.20.own-letters",
}

DEFINITIONS = "employee requester reviewer reply working-hours"

OTHERS: dict[str, tuple[tuple[str, str], ...]] = {
    "works-council": (
        ("council.ask", "council.ask.intro council.ask.why council.ask.attached"),
        (
            "council.what",
            (
                "promise.1.reasons promise.5.longest promise.8.audience promise.1.judging promise.5.password "
                "promise.9.refused promise.10.refused"
            ),
        ),
        (
            "council.safe",
            (
                "promise.6.channels promise.6.wait promise.6.unanswered promise.6.objection promise.6.objection-live "
                "promise.7.count promise.7.functions promise.7.persons promise.8.free-text promise.8.batch "
                "promise.16.account promise.16.refusals promise.15.unchanged"
            ),
        ),
        (
            "council.honest",
            (
                "promise.5.powers note.7.unsigned note.8.not-read note.18.not-yet note.15.erase council.honest.trial "
                "council.honest.root note.3.open"
            ),
        ),
        ("council.decide", "council.decide.consent council.decide.figures"),
    ),
    "dpia": (
        ("dpia.describe", "dpia.describe.what dpia.describe.data dpia.describe.who dpia.describe.receivers"),
        (
            "dpia.six",
            (
                "duty.2.ground dpia.six.notice dpia.six.extent dpia.six.reasons dpia.six.lighter dpia.six.consequences "
                "dpia.six.safeguards"
            ),
        ),
        (
            "dpia.risks.publish",
            "promise.8.free-text promise.8.batch promise.8.heard-by promise.7.persons promise.8.literal promise.6.objection",
        ),
        (
            "dpia.risks.health",
            "promise.8.audience promise.8.no-date promise.6.leave-kind duty.8.words note.8.not-read",
        ),
        ("dpia.risks.credential", "promise.5.powers promise.5.password promise.9.refused promise.10.refused"),
        ("dpia.risks.forgotten", "promise.5.longest promise.5.ends promise.6.objection-live"),
        (
            "dpia.risks.pressure",
            "promise.6.private promise.6.wait promise.6.unanswered promise.6.reads-along duty.6.ill",
        ),
        ("dpia.risks.record", "promise.15.sealed promise.15.unchanged promise.15.found note.15.erase duty.15.period"),
        ("dpia.result", "dpia.risks.remaining dpia.result.opinion dpia.result.date"),
    ),
    "register": (
        (
            "register.entry",
            (
                "register.entry.name register.entry.number register.entry.controller register.entry.officer "
                "register.entry.purpose register.entry.subjects register.entry.data register.entry.receivers "
                "register.entry.transfer"
            ),
        ),
        ("register.ground", "duty.2.ground promise.1.reasons"),
        ("register.keeping", "promise.15.found note.15.erase duty.15.period"),
        ("register.security", "promise.5.powers promise.15.sealed promise.15.unchanged promise.7.persons"),
    ),
    "notice": (
        ("notice.short", "notice.short.hello notice.short.what"),
        (
            "notice.rules",
            (
                "promise.1.reasons promise.6.channels promise.6.wait promise.6.unanswered promise.6.objection "
                "promise.6.objection-live promise.5.longest promise.16.account promise.16.refusals"
            ),
        ),
        ("notice.you", "notice.you.own notice.you.read-along notice.you.private notice.you.genuine"),
        ("notice.never", "promise.5.password promise.1.judging promise.9.refused promise.10.refused"),
        ("notice.contact", "duty.16.turn duty.4.known duty.19.private-use"),
    ),
    "summary": (
        (
            "summary.limits",
            "promise.1.reasons promise.6.channels promise.8.audience promise.8.free-text promise.8.batch promise.7.functions",
        ),
        ("summary.never", "promise.5.password promise.9.refused promise.10.refused"),
    ),
}

WITHOUT_LIST = frozenset({"council.ask", "notice.short", "notice.contact", "council.decide", "dpia.result"})
"""Sections whose sentences are paragraphs, one after the other."""
