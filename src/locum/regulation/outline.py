"""What each document holds, as lists of message keys. Data only; a promise stands in the regulation exactly once."""

NAMES = ("regulation", "works-council", "dpia", "register", "notice", "summary")

CLAUSES: dict[int, str] = {
    1: "promise.1.reasons promise.1.forward-reasons promise.1.search-reasons promise.1.because promise.1.judging",
    2: "duty.2.ground duty.2.weighing",
    3: "duty.3.adopted duty.3.council duty.3.register duty.3.dpia promise.3.open promise.3.search-open promise.3.policy note.3.preset",
    4: "duty.4.known promise.4.told-first promise.4.by-whom promise.4.search promise.4.letter promise.4.key promise.4.key-forward",
    5: "promise.5.password promise.5.no-other promise.5.longest promise.5.one promise.5.together promise.5.ends "
    "promise.5.put-back promise.5.own-change promise.5.powers promise.5.forward-powers promise.5.search-powers promise.5.search-tried",
    6: "promise.6.channels promise.6.private promise.6.own-word promise.6.no-channel promise.6.through promise.6.wait promise.6.unanswered "
    "promise.6.forward-channels promise.6.forward-wait promise.6.forward-unanswered promise.6.search-asked promise.6.search-unanswered promise.6.shorter promise.6.agreed "
    "promise.6.own-text promise.6.herself promise.6.objection promise.6.objection-live promise.6.overrule duty.6.notify "
    "promise.6.reads-along promise.6.leave-kind promise.6.because-read duty.6.reason-of-absence duty.6.ill",
    7: "promise.7.count promise.7.functions promise.7.forward promise.7.signed promise.7.search promise.7.officer promise.7.persons "
    "promise.7.asked promise.7.denial promise.7.text promise.7.again",
    8: "promise.8.audience promise.8.template promise.8.no-date promise.8.free-text promise.8.batch promise.8.heard-by "
    "promise.8.own-text promise.8.literal promise.8.refused-words promise.8.reviewed-words promise.8.warned-words duty.8.words "
    "duty.8.elsewhere",
    9: "promise.9.kept promise.9.longest promise.9.default promise.9.inside promise.9.consent promise.9.to-requester "
    "promise.9.circle promise.9.away promise.9.left-out promise.9.who-wrote promise.9.no-delay",
    10: "promise.10.steps promise.10.question promise.10.words-in promise.10.frozen promise.10.counts promise.10.list "
    "promise.10.agreement promise.10.present promise.10.delivery",
    11: "promise.11.forward promise.11.search",
    12: "promise.12.forward promise.12.search note.12.reply",
    13: "promise.13.sealed note.13.nothing",
    14: "promise.14.closed duty.14.incident",
    15: "promise.15.unchanged promise.15.witness promise.15.forward-witness promise.15.search-witness promise.15.search-list promise.15.sealed promise.15.found promise.15.period duty.15.copies",
    16: "promise.16.live promise.16.noted promise.16.account promise.16.finished-early promise.16.refusals "
    "promise.16.forward-refusals promise.16.search-refusals promise.16.requester note.16.term duty.16.when duty.16.turn",
    17: "promise.17.longest promise.17.forward promise.17.death promise.17.contact-person promise.17.keepers "
    "promise.17.account duty.17.contact duty.17.closes promise.17.reminder",
    18: "promise.18.figures promise.18.compared duty.18.to duty.18.figures",
    19: "duty.19.own promise.19.reminder promise.19.gaps duty.19.private-use",
    20: "promise.20.forward promise.20.search",
}

DEFINITIONS = "employee requester reviewer reply forward receiver working-hours"

OTHERS: dict[str, tuple[tuple[str, str], ...]] = {
    "works-council": (
        ("council.ask", "council.ask.intro council.ask.why council.ask.attached"),
        (
            "council.what",
            (
                "promise.1.reasons promise.5.longest promise.8.audience promise.1.judging promise.5.password "
                "promise.1.forward-reasons promise.9.kept promise.9.longest promise.9.inside promise.9.left-out promise.10.steps"
            ),
        ),
        (
            "council.safe",
            (
                "promise.6.channels promise.6.wait promise.6.unanswered promise.6.forward-wait promise.6.forward-unanswered "
                "promise.6.objection promise.6.objection-live promise.6.overrule promise.7.count promise.7.functions promise.7.forward promise.7.persons "
                "promise.9.consent promise.9.to-requester promise.8.free-text promise.8.batch promise.8.refused-words "
                "promise.8.reviewed-words "
                "promise.16.account promise.16.refusals promise.15.unchanged promise.15.witness promise.15.forward-witness"
            ),
        ),
        (
            "council.honest",
            (
                "promise.5.powers promise.7.signed duty.8.words duty.15.copies council.honest.trial council.honest.root council.honest.witness "
                "promise.3.open note.3.preset"
            ),
        ),
        ("council.decide", "council.decide.consent council.decide.figures promise.18.figures"),
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
            (
                "promise.8.audience promise.8.no-date promise.6.leave-kind promise.6.because-read promise.8.refused-words "
                "promise.8.reviewed-words duty.8.words"
            ),
        ),
        (
            "dpia.risks.forwarded",
            (
                "promise.9.inside promise.9.consent promise.9.longest promise.9.left-out promise.11.forward "
                "promise.12.forward promise.7.forward promise.20.forward"
            ),
        ),
        ("dpia.risks.credential", "promise.5.powers promise.5.forward-powers promise.5.password promise.10.steps"),
        ("dpia.risks.forgotten", "promise.5.longest promise.5.ends promise.6.objection-live"),
        (
            "dpia.risks.pressure",
            (
                "promise.6.private promise.6.wait promise.6.unanswered promise.6.forward-wait promise.6.forward-unanswered "
                "promise.6.reads-along duty.6.ill"
            ),
        ),
        (
            "dpia.risks.record",
            "promise.15.sealed promise.15.unchanged promise.15.found promise.15.period duty.15.copies",
        ),
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
        ("register.ground", "duty.2.ground promise.1.reasons promise.1.forward-reasons"),
        ("register.keeping", "promise.15.found promise.15.period duty.15.copies"),
        ("register.security", "promise.5.powers promise.15.sealed promise.15.unchanged promise.7.persons"),
    ),
    "notice": (
        ("notice.short", "notice.short.hello notice.short.what"),
        (
            "notice.rules",
            (
                "promise.1.reasons promise.1.forward-reasons promise.6.channels promise.6.wait promise.6.unanswered "
                "promise.6.forward-wait promise.6.forward-unanswered promise.6.objection promise.6.objection-live promise.5.longest promise.9.longest promise.9.kept promise.9.inside "
                "promise.9.left-out promise.16.account promise.16.refusals promise.4.key"
            ),
        ),
        ("notice.you", "notice.you.own notice.you.read-along notice.you.private notice.you.mark notice.you.genuine"),
        ("notice.never", "promise.5.password promise.1.judging"),
        ("notice.contact", "duty.16.turn duty.4.known duty.19.private-use"),
    ),
    "summary": (
        (
            "summary.limits",
            (
                "promise.1.reasons promise.6.channels promise.8.audience promise.8.free-text promise.7.functions "
                "promise.9.longest promise.7.forward"
            ),
        ),
        ("summary.never", "promise.5.password"),
    ),
}

WITHOUT_LIST = frozenset({"council.ask", "notice.short", "notice.contact", "council.decide", "dpia.result"})
"""Sections whose sentences are paragraphs, one after the other."""
