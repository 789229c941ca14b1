"""Filing: a form becomes a case, or a clear refusal. Nothing here touches a mail system."""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from locum.absence import Mailbox, Person
from locum.addresses import canonical, exception
from locum.approval import request_hash
from locum.desk import beforehand, departing, objecting, wished, worded
from locum.desk.asked_for import search_of
from locum.desk.forms import Acting, BothForm, ForwardForm, RequestForm, SearchForm
from locum.desk.gating import wants_signatures
from locum.desk.measuring import Window, forward_of, window
from locum.desk.office import Office
from locum.desk.refusing import if_refused, outcome, refused_change, words_of
from locum.desk.requested import canonical_request
from locum.desk.templated import OWN, texts_in
from locum.entry import Json
from locum.errors import Invalid, LocumError, Refused, Rejected, Unsupported
from locum.lifecycle import Case, State
from locum.measure import Audience, AutoReply, Measure, Search, instant, unsayable
from locum.store import Change, Job
from locum.wording import LANGUAGES, in_languages, normal, normal_line

Form = RequestForm | ForwardForm | SearchForm
AnyForm = Form | BothForm
_CHUNK = 200


def request(office: Office, acting: Acting, form: AnyForm, batch: str, once: str = "") -> Case:
    """File one request; see Desk.request."""
    if once and (before := _filed_before(office, name_once(acting, form, once))) is not None:
        result: Case | LocumError = before
    else:
        result = _first(request_each(office, acting, [form], batch, once))
    if isinstance(result, LocumError):
        raise result
    return result


def _first(results: Iterator[Case | LocumError]) -> Case | LocumError:
    return next(results)


def name_once(acting: Acting, form: AnyForm, once: str) -> str:
    """The name of the case that this form becomes when it is sent: the same one, however often it is sent."""
    return _case_name(hashlib.sha256(repr((acting.id, once, form)).encode()).digest()[:5])


def _filed_before(office: Office, case_id: str) -> Case | Refused | None:
    try:
        return outcome(office, office.store.case(case_id))
    except Invalid:
        return None


def request_each(
    office: Office, acting: Acting, forms: Sequence[AnyForm], batch: str, once: str = ""
) -> Iterator[Case | LocumError]:
    """File many, two hundred to a commit, and give each result as it is there; see Desk.request_each."""
    batch = normal_line(batch, "batch")
    office.keep_policy(acting.id)
    known = office.store.in_batch(batch) if batch else {}
    for start in range(0, len(forms), _CHUNK):
        yield from _request_chunk(office, acting, forms[start : start + _CHUNK], known, (batch, len(forms)), once)


def _request_chunk(
    office: Office,
    acting: Acting,
    forms: Sequence[AnyForm],
    known: dict[str, str],
    batch: tuple[str, int],
    once: str = "",
) -> list[Case | LocumError]:
    earlier = _earlier(office, forms, known)
    filed = [_known_or_filed(office, acting, form, earlier, batch, once) for form in forms]
    fresh = [case for case in filed if isinstance(case, Case) and case.version == 0]
    before = by_mailbox(office.store.living_on([case.mailbox for case in fresh], tuple(State)))
    keep: dict[str, Case] = {}
    for place, case in enumerate(filed):
        if not isinstance(case, Case) or case.version:
            continue
        living = [other for other in before.get(case.mailbox, ()) if not other.is_final]
        others = [*living, *([keep[case.mailbox]] if case.mailbox in keep else [])]
        if (clash := overlapping(office, case, others)) is not None and case.state is not State.REFUSED:
            filed[place] = Refused("overlapping", case=clash.id, mailbox=case.mailbox)
        else:
            keep[case.mailbox] = objecting.if_objected_before(case, before.get(case.mailbox, ()))
    written = {case.id: case for case in office.store.commit([_change(office, acting, case) for case in keep.values()])}
    if batch[0]:
        known |= {case.mailbox: case.id for case in written.values()}
    return [outcome(office, written.get(case.id, case)) if isinstance(case, Case) else case for case in filed]


def _earlier(office: Office, forms: Sequence[AnyForm], known: dict[str, str]) -> dict[str, Case]:
    """The cases of this batch that some of these mailboxes have already, by mailbox."""
    if not known:
        return {}
    ids = [known[address] for form in forms if (address := _address(form)) in known]
    return {case.mailbox: case for case in office.store.cases(list(dict.fromkeys(ids)))}


def _address(form: AnyForm) -> str:
    try:
        return canonical(first_of(form).mailbox)
    except Invalid:
        return ""


def _known_or_filed(
    office: Office, acting: Acting, form: AnyForm, earlier: dict[str, Case], batch: tuple[str, int], once: str
) -> Case | LocumError:
    try:
        address = canonical(first_of(form).mailbox)
        if address in earlier:
            return earlier[address]
        case_id = name_once(acting, form, once) if once else new_case_id(office)
        case = if_refused(office, made(office, acting, form, case_id, batch), office.clock())
        check_requester(office, acting, case)
    except LocumError as error:
        return error
    return case


def by_mailbox(cases: Sequence[Case]) -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {}
    for case in cases:
        found.setdefault(case.mailbox, []).append(case)
    return found


def overlapping(office: Office, case: Case, others: Sequence[Case]) -> Case | None:
    """Two auto-replies at one time would leave it to chance which text goes out (and in one script, none would); two
    forwards at one time would share one head-room and hide who reads along; two searches would show twice as many headers.
    Where a mailbox has one place for a reply, two at different times are in each other's way too.
    """
    kinds = {type(one) for one in case.measures}
    connector = office.connectors.get(case.connector)
    one_place = connector is not None and connector.can.one_reply and AutoReply in kinds
    for other in others:
        same = any(type(one) in kinds for one in other.measures)
        meet = case.from_date < other.to_date and other.from_date < case.to_date
        if one_place and other.connector == case.connector:
            meet = meet or other.reply is not None
        if same and meet and other.state is not State.OBJECTED:
            return other
    return None


def first_of(form: AnyForm) -> Form:
    """The form that says whose mailbox, why and when."""
    return form.reply if isinstance(form, BothForm) else form


def made(office: Office, acting: Acting, asked: AnyForm, case_id: str, batch: tuple[str, int] = ("", 1)) -> Case:
    """The request that a form becomes, not judged yet. Raises Invalid, Unsupported, or Refused for words that tell too much."""
    now, form = office.clock(), first_of(asked)
    owner = owner_of(office, canonical(form.mailbox))
    mailbox = owner.mailbox or Mailbox(address=canonical(form.mailbox))
    connector = connector_of(office, mailbox)
    times = window(office, form, owner, now, joins=None)
    measure, template = measure_of(office, form, owner, mailbox, case_id, times)
    measures: tuple[Measure, ...] = (measure,)
    if isinstance(asked, BothForm):
        measures += (forward_of(office, asked.forward, mailbox, case_id, times),)
    for one in measures:
        check_sayable(office, connector, mailbox, one)
    case = Case(
        id=case_id,
        state=State.REQUESTED,
        mailbox=mailbox.address,
        person=owner.id,
        requester=acting.id,
        reason=normal_line(form.reason, "reason"),
        because=because_of(form.because),
        measures=measures,
        template=template,
        filed_at=now,
        not_after=measure.to_date,
        request="",
        nonce=office.random(16).hex(),
        policy=office.policy.hash,
        connector=connector,
        language=owner.language,
        batch=batch[0],
        batch_size=batch[1],
    )
    case = departing.completed(office, case, form, owner)
    return replace(case, request=request_hash(canonical_request(case)))


def check_requester(office: Office, acting: Acting, case: Case) -> None:
    """Raise Refused `requester-signs` where whoever asks has to sign and is nobody who could."""
    may_sign = office.people.person(acting.id) is not None
    if case.state is State.REQUESTED and not may_sign and wants_signatures(office, case):
        raise Refused("requester-signs", clause=7, who=acting.name)


def measure_of(
    office: Office, form: Form, owner: Person, mailbox: Mailbox, handle: str, times: Window
) -> tuple[Measure, str]:
    """The measure that a form asks for, and the template that its text comes from. Raises Refused for words that tell too much."""
    worded.check_why(office, normal_line(form.reason, "reason"), form.because, owner)
    if isinstance(form, ForwardForm):
        return forward_of(office, form, mailbox, handle, times), ""
    if isinstance(form, SearchForm):
        return search_of(office, form, owner, handle, times), ""
    return _reply(office, form, owner, mailbox, handle, times)


def check_sayable(office: Office, connector: str, mailbox: Mailbox, asked: Measure) -> None:
    """Raise Unsupported where the mail system cannot say this accurately, Rejected where nothing can be looked for there."""
    if isinstance(asked, Search) and connector not in office.searchers:
        raise Rejected("no-searcher", mailbox=mailbox.address, connector=connector)
    cannot = unsayable(office.connectors[connector].can, asked)
    if cannot:
        raise Unsupported(f"cannot-{cannot[0]}", mailbox=mailbox.address, connector=connector)


def new_case_id(office: Office) -> str:
    """A name for a case that says nothing about it: eight letters and digits."""
    return _case_name(office.random(5))


def _case_name(five: bytes) -> str:
    text = base64.b32encode(five).decode().lower()
    return f"{text[:4]}-{text[4:]}"


def owner_of(office: Office, address: str) -> Person:
    """The person who has this mailbox. Raises Invalid `foreign-domain` or `unknown-mailbox`."""
    if address.rpartition("@")[2] not in office.organisation.domains:
        raise Invalid("foreign-domain", mailbox=address, domains=", ".join(office.organisation.domains))
    owner = office.people.owner(address)
    if owner is None or owner.mailbox is None:
        raise Invalid("unknown-mailbox", mailbox=address)
    return owner


def connector_of(office: Office, mailbox: Mailbox) -> str:
    """The mail system of a mailbox. Raises Invalid `no-connector`, or where it has no name for the mailbox."""
    name = office.route(mailbox.address)
    if name is None or name not in office.connectors:
        raise Invalid("no-connector", mailbox=mailbox.address)
    office.connectors[name].user(mailbox)
    return name


def because_of(text: str) -> str:
    """The requester's own sentence, clean. Raises Invalid."""
    text = normal(text, "because").strip()
    if not text:
        raise Invalid("because-missing")
    if len(text) > 2000:
        raise Invalid("because-too-long", length=len(text))
    return text


@dataclass(frozen=True, slots=True)
class _Texts:
    subject: str
    internal: str
    external: str | None
    template: str


def _reply(
    office: Office, form: RequestForm, owner: Person, mailbox: Mailbox, handle: str, times: Window
) -> tuple[AutoReply, str]:
    audience = form.audience or Audience(office.policy.auto_reply.audience)
    if form.external_text is not None and audience is Audience.INTERNAL:
        raise Invalid("external-text-without-audience")
    texts = _texts(office, form, owner, times.to_date, audience)
    if texts.template == OWN and texts.external is None:
        audience = Audience.INTERNAL  # she wrote nothing for outsiders
    worded.check(office, form, owner, times.to_date)
    reply = AutoReply(
        handle=handle,
        from_date=times.from_date,
        to_date=times.to_date,
        subject=texts.subject,
        text_body=texts.internal,
        external_text=texts.external,
        audience=audience,
        exceptions=tuple(dict.fromkeys(exception(text) for text in form.exceptions)),
        addresses=mailbox.addresses,
        internal_domains=office.organisation.domains,
    )
    connector = office.connectors.get(office.route(mailbox.address) or "")
    return reply if connector is None else beforehand.fitted(connector.can, form, reply), texts.template


def _texts(office: Office, form: RequestForm, owner: Person, to_date: datetime, audience: Audience) -> _Texts:
    name = departing.template_of(form)
    subject, internal, external = _from_template(office, form, owner, to_date)
    if (own := _own_words(office, form, owner)) is not None:
        name, (subject, internal, external) = OWN, own
    outward = None if audience is Audience.INTERNAL else form.external_text or external or None
    return _Texts(
        subject=_filled(normal_line(form.subject, "subject"), "subject") if form.subject is not None else subject,
        internal=_filled(normal(form.internal_text, "internal"), "internal")
        if form.internal_text is not None
        else internal,
        external=None if outward is None else _filled(normal(outward, "external"), "external"),
        template=name if form.external_text is None and form.subject is None else "",
    )


def _own_words(office: Office, form: RequestForm, owner: Person) -> tuple[str, str, str] | None:
    """Her own text for next time, in place of a template: where the requester writes none, and her being away is all there is
    to tell. She wrote it, so it counts as a template for clause 8.
    """
    written = (form.subject, form.internal_text, form.external_text)
    others = {form.reason, departing.template_of(form)} & {*departing.PATHS, "closing"}
    if others or any(text is not None for text in written):
        return None
    return wished.own_words(office.wishes, owner, form.languages)


def _from_template(office: Office, form: RequestForm, owner: Person, to_date: datetime) -> tuple[str, str, str]:
    """The template's texts, in each language that was asked for, one after the other (RFC 5230 section 7)."""
    made = {}
    for language in form.languages or (owner.language,):
        if language not in LANGUAGES:
            raise Invalid("no-such-language", language=language[:20], languages=", ".join(LANGUAGES))
        said = departing.template_values(office, form, owner, to_date)
        made[language] = texts_in(office, departing.template_of(form), language, owner, to_date, said)
    subjects = dict.fromkeys(subject for subject, _, _ in made.values())
    internal = in_languages([(language, texts[1]) for language, texts in made.items()])
    external = in_languages([(language, texts[2]) for language, texts in made.items()])
    return " / ".join(subjects), internal, external


def _filled(text: str, field: str) -> str:
    if not text.strip():
        raise Invalid("text-empty", field=field)
    return text


def _change(office: Office, acting: Acting, case: Case) -> Change:
    requester: Json = {"id": acting.id, "name": acting.name}
    asked: dict[str, Json] = {**canonical_request(case), "requester": requester, "request": case.request}
    entry = office.draft(case, "requested", **asked)
    if case.state is State.REFUSED:
        return refused_change(office, acting, case, entry, words_of(office, case))
    if case.state is State.OBJECTED:
        return objecting.filed(office, case, entry)
    return Change(case=case, entries=(entry,), put=first_jobs(office, case, case.filed_at))


def first_jobs(office: Office, case: Case, now: datetime) -> tuple[Job, ...]:
    """What follows on a request: she is asked, and at the same time the receiver of a forward."""
    kinds = ("ask", "consent") if case.forward is not None else ("ask",)
    asked = tuple(Job(kind=kind, case=case.id, due_at=now, lane="letters") for kind in kinds)
    return (*asked, *departing.first_jobs(office, case, now))


def reworded(office: Office, case: Case, subject: str, internal: str, external: str, to_date: datetime | None) -> Case:
    """The case with her own words, hashed anew. Raises Invalid or Unsupported as filing does; the case is as it was."""
    outward = normal(external, "external") if external.strip() else None
    standing = case.auto_reply
    reply = replace(
        standing,
        subject=_filled(normal_line(subject, "subject"), "subject"),
        text_body=_filled(normal(internal, "internal"), "internal"),
        html_body=None,
        external_text=outward,
        external_html=None,
        audience=standing.audience if outward is not None else Audience.INTERNAL,
        to_date=to_date or standing.to_date,
    )
    if reply.audience is Audience.INTERNAL and outward is not None:
        reply = replace(reply, audience=Audience.EVERYONE)
    if not office.clock() < reply.to_date:
        raise Invalid("end-in-the-past", until=instant(reply.to_date), zone=office.owner_or_address(case).time_zone)
    if not reply.from_date < reply.to_date:
        raise Invalid("end-before-start", until=instant(reply.to_date), zone=office.owner_or_address(case).time_zone)
    cannot = unsayable(office.connector(case).can, reply)
    if cannot:
        raise Unsupported(f"cannot-{cannot[0]}", mailbox=case.mailbox, connector=case.connector)
    case = replace(
        case, measures=_with_reply(case, reply), not_after=reply.to_date, template="", nonce=office.random(16).hex()
    )
    return replace(case, request=request_hash(canonical_request(case)))


def _with_reply(case: Case, reply: AutoReply) -> tuple[Measure, ...]:
    """The measures with this reply in place of the one asked for; all keep one window."""
    return tuple(reply if isinstance(one, AutoReply) else replace(one, to_date=reply.to_date) for one in case.measures)
