"""The mailbox itself: threads of business, and among them everything that no search may find, about the same things in the same words."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from officemail.people import (
    BANK,
    COLLEAGUES,
    CONFIDENTIAL,
    CUSTOMERS,
    FAMILY,
    FIRST,
    HER,
    LAST,
    LISTS,
    LOCUM,
    domain_of,
)
from officemail.writing import BODIES, Draft, broken, message

END = datetime(2026, 11, 30, 17, tzinfo=UTC)
DAYS = 400

THINGS = (
    *(
        "offerte",
        "raamovereenkomst",
        "levering",
        "bestelling",
        "reparatie",
        "onderhoudscontract",
        "jaarplanning",
        "verzekering",
    ),
    *(
        "quotation",
        "framework agreement",
        "delivery",
        "purchase order",
        "warranty claim",
        "site visit",
        "price list",
        "specification",
    ),
)
SENTENCES = (
    "Graag ontvangen wij uw reactie over {thing} {number} voor het eind van de maand.",
    "In de bijlage vindt u {thing} {number}; de prijs van {detail} is aangepast.",
    "Could you confirm {thing} {number} including the {detail}?",
    "We agreed on {detail} for {thing} {number}, please see below.",
    "Voor {thing} {number} is nog een akkoord nodig op {detail}.",
)
DETAILS = (
    *(
        "rvs leuningen",
        "eiken panelen",
        "de koelmotor",
        "hydraulic pumps",
        "stalen kozijnen",
        "gele tegels",
        "the blue valves",
        "zonneschermen",
    ),
    *(
        "copper fittings",
        "linnen gordijnen",
        "de pallets",
        "winter tyres",
        "glasvezel",
        "the control unit",
        "drukwerk",
        "bloembollen",
    ),
)
NEAR = (
    *(
        "Privatisering van het station, {thing}",
        "Organisatie van de {thing}",
        "De Privé BV: {thing}",
        "OR-gate 74HC32 en {thing}",
        "Persoonlijke uitnodiging {thing}",
    ),
    *(
        "Interpersonal training, {thing}",
        "Privélease {thing}",
        "Unionized? {thing}",
        "Vandoor en {thing}",
        "Personeelsuitje {thing}",
        "Arbocatalogus {thing}",
    ),
)
TAGGED = (
    *(
        "Privé: {thing}",
        "privé {thing}",
        "Re: Privé: {thing}",
        "[persoonlijk] {thing}",
        "{thing} (privé)",
        "Personal: {thing}",
        "FW: RE: private - {thing}",
    ),
    *(
        "Strikt persoonlijk: {thing}",
        "AW: Persönlich: {thing}",
        "{thing} - privé",
        "TR: personnel: {thing}",
        "#privé {thing}",
        "PRIVE {thing}",
    ),
)
SENSITIVITIES = ("Private", "private", "Personal", "PERSONAL", "Private ", "personal; x=y")
ENCRYPTED = (
    'multipart/encrypted; protocol="application/pgp-encrypted"; boundary="x"',
    'application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"',
    "application/x-pkcs7-mime; name=smime.p7m",
)
PRIVATE_FOLDERS = ("Privé", "Privé/Huis", "Archief/Persoonlijk", "Personal", "OR", "Vakbond", "Zangkoor")
FOLDERS = ("", "", "", "Archief", "Archief/2026", "Klanten", "Klanten/Élan & Co", "Projecten", "Te doen")


@dataclass(frozen=True, kw_only=True)
class Written:
    """One message. `left_out` is why no search may count, list or open it, "" where one may. `about` is the number of its business;
    `words` are words that stand in it.
    """

    content: bytes = field(repr=False)
    id: str
    folder: str
    arrived: datetime
    from_: str
    left_out: str = ""
    keywords: tuple[str, ...] = ()
    about: str = ""
    words: tuple[str, ...] = ()
    text: str = field(default="", repr=False)


@dataclass(frozen=True)
class Office:
    """The mailbox."""

    messages: tuple[Written, ...]

    @property
    def never(self) -> frozenset[str]:
        """The ids of what no search may find."""
        return frozenset(one.id for one in self.messages if one.left_out)


@dataclass
class _Desk:
    """What is being written: the dice, and what was written so far."""

    rng: random.Random
    serial: int = 0
    business: list[tuple[Draft, str]] = field(default_factory=list)

    def id(self) -> str:
        self.serial += 1
        return f"<{self.serial}.{self.rng.getrandbits(32):08x}@mail.test>"

    def name(self) -> str:
        return f"{self.rng.choice(FIRST)} {self.rng.choice(LAST)}"

    def at(self) -> datetime:
        return END - timedelta(seconds=self.rng.randrange(DAYS * 86_400))

    def draft(self, **said: object) -> Draft:
        """A business message from a customer, with these instead."""
        customer = self.rng.choice(CUSTOMERS)
        thing, detail = self.rng.choice(THINGS), self.rng.choice(DETAILS)
        number = f"{self.rng.choice(('ORD', 'OFF', 'PRJ', 'CT'))}-{self.rng.randrange(1000, 99_999)}"
        body = " ".join(s.format(thing=thing, number=number, detail=detail) for s in self.rng.sample(SENTENCES, 2))
        name = self.name()
        local = "".join(c for c in name.lower().split()[0] if c.isascii() and c.isalpha()) or "info"
        made: dict[str, object] = {
            "from_": f"{local}@{domain_of(customer)}",
            "name": name,
            "to": HER,
            "subject": f"{thing.capitalize()} {number}",
            "body": body,
            "at": self.at(),
            "id": self.id(),
            "form": self.rng.choice(BODIES),
            "coding": self.rng.choice(("q", "b", "latin")),
        }
        return Draft(**(made | said))  # type: ignore[arg-type]

    def like(self, **said: object) -> Draft:
        """A message about something that business mail is about too, so that a question may aim at it."""
        if not self.business or self.rng.random() < 0.2:
            return self.draft(**said)
        model, _ = self.rng.choice(self.business)
        copied = {"from_": model.from_, "name": model.name, "subject": model.subject, "body": model.body}
        near = min(END, model.at + timedelta(hours=self.rng.randrange(1, 72)))
        return self.draft(**(copied | {"at": near} | said))


def office(many: int, seed: int) -> Office:
    """A mailbox of so many messages."""
    desk = _Desk(random.Random(seed))
    kinds: Sequence[tuple[float, Callable[[_Desk], Iterator[Written]]]] = (
        *((30.0, _thread), (5, _near), (6, _listed), (4, _sound_but_odd)),
        *(
            (4, _confidential),
            (2, _answers_confidential),
            (1.5, _forwards),
            (4, _tagged),
            (3, _sensitive),
            (1, _labelled),
        ),
        *((4, _in_private_folder), (2, _encrypted), (2, _protected), (1, _ours), (2, _broken)),
    )
    written: list[Written] = []
    while len(written) < many:
        make = desk.rng.choices([one for _, one in kinds], [weight for weight, _ in kinds])[0]
        written += make(desk)
    return Office(tuple(written[:many]))


def _written(desk: _Desk, draft: Draft, left_out: str = "", **said: object) -> Written:
    folder = "Sent" if draft.from_ == HER else desk.rng.choice(FOLDERS)
    made: dict[str, object] = {
        "content": message(draft),
        "id": draft.id,
        "folder": folder,
        "arrived": draft.at.replace(microsecond=0),
        "from_": draft.from_,
        "left_out": left_out,
        "about": draft.subject.split()[-1],
        "words": tuple(word.strip(".;,?") for word in draft.body.split() if len(word) > 5),
        "text": f"{draft.subject}\n{draft.body}",
    }
    return Written(**(made | said))  # type: ignore[arg-type]


# what a search may find


def _thread(desk: _Desk) -> Iterator[Written]:
    first = desk.draft()
    desk.business.append((first, first.subject))
    yield _written(desk, first)
    seen = [first]
    for _ in range(desk.rng.choice((0, 0, 1, 1, 2, 3, 5))):
        last = seen[-1]
        mine = last.from_ != HER
        answer = desk.draft(
            from_=HER if mine else first.from_,
            name="Anna de Vries" if mine else first.name,
            to=first.from_ if mine else HER,
            subject=f"Re: {first.subject}",
            body=f"{desk.rng.choice(('Dank, akkoord.', 'Thanks, fine.', 'Zie hieronder.'))} {first.body}",
            at=min(END, last.at + timedelta(hours=desk.rng.randrange(1, 60))),
            references=tuple(one.id for one in seen),
        )
        seen.append(answer)
        yield _written(desk, answer)


def _near(desk: _Desk) -> Iterator[Written]:
    draft = desk.draft()
    subject = desk.rng.choice(NEAR).format(thing=draft.subject)
    near = desk.draft(from_=draft.from_, name=draft.name, subject=subject, body=draft.body)
    desk.business.append((near, near.subject))
    yield _written(desk, near)


def _listed(desk: _Desk) -> Iterator[Written]:
    headers = (("List-Id", "Vakblad <nieuws.vakblad.test>"), ("Precedence", "bulk"))
    yield _written(desk, desk.draft(from_=desk.rng.choice(LISTS), headers=headers))


def _sound_but_odd(desk: _Desk) -> Iterator[Written]:
    """Odd, and yet readable: business all the same."""
    headers = desk.rng.choice(
        (
            (("X-Long", "x" * 3000),),
            (("Sensitivity", "Company-Confidential"),),
            (("Reply-To", "<info@else.test>"), ("Cc", "groep: bob@corp.test, els@corp.test;")),
            (("X-Raw", "caf\udce9"),),
            (("Importance", "high"), ("Sensitivity", "")),
        )
    )
    yield _written(desk, desk.draft(headers=headers))


# what none may


def _confidential(desk: _Desk) -> Iterator[Written]:
    other = desk.rng.choice(CONFIDENTIAL)
    if desk.rng.random() < 0.5:
        yield _written(desk, desk.like(from_=other), "confidential")
    elif desk.rng.random() < 0.5:
        yield _written(desk, desk.like(from_=HER, to=other), "confidential")
    else:
        header = desk.rng.choice(("Cc", "Reply-To", "Sender", "Bcc"))
        yield _written(desk, desk.like(headers=((header, f"X <{other.upper()}>"),)), "confidential")


def _answers_confidential(desk: _Desk) -> Iterator[Written]:
    """An answer among colleagues to something confidential, under another subject: only its references tell."""
    asked = desk.like(from_=desk.rng.choice(CONFIDENTIAL))
    yield _written(desk, asked, "confidential")
    between: tuple[str, ...] = ()
    if desk.rng.random() < 0.4:
        middle = desk.like(from_=desk.rng.choice(COLLEAGUES), references=(asked.id,), at=asked.at + timedelta(hours=1))
        yield _written(desk, middle, "answer")
        between = (middle.id,)
    last = (*between,) if between and desk.rng.random() < 0.5 else (asked.id, *between)
    yield _written(desk, desk.like(references=last, at=min(END, asked.at + timedelta(hours=3))), "answer")


def _forwards(desk: _Desk) -> Iterator[Written]:
    inner = desk.like(from_=desk.rng.choice(CONFIDENTIAL))
    if desk.rng.random() < 0.5:
        yield _written(desk, desk.like(from_=desk.rng.choice(COLLEAGUES), attached=message(inner)), "forwarded")
        return
    lead = desk.rng.choice(("-----Oorspronkelijk bericht-----", "---------- Forwarded message ---------"))
    body = f"Ter info.\n\n{lead}\nVan: X <{inner.from_}>\nOnderwerp: {inner.subject}\n\n{inner.body}"
    yield _written(desk, desk.like(from_=desk.rng.choice(COLLEAGUES), body=body, form="8bit"), "forwarded")


def _tagged(desk: _Desk) -> Iterator[Written]:
    draft = desk.like()
    tagged = desk.rng.choice(TAGGED).format(thing=draft.subject)
    yield _written(desk, desk.like(from_=draft.from_, subject=tagged, body=draft.body, at=draft.at), "private")


def _sensitive(desk: _Desk) -> Iterator[Written]:
    yield _written(desk, desk.like(headers=(("Sensitivity", desk.rng.choice(SENSITIVITIES)),)), "private")


def _labelled(desk: _Desk) -> Iterator[Written]:
    yield _written(desk, desk.like(), "private", keywords=("$Private",))


def _in_private_folder(desk: _Desk) -> Iterator[Written]:
    yield _written(desk, desk.like(), "folder", folder=desk.rng.choice(PRIVATE_FOLDERS))


def _encrypted(desk: _Desk) -> Iterator[Written]:
    yield _written(desk, desk.like(headers=(("Content-Type", desk.rng.choice(ENCRYPTED)),)), "encrypted")


def _protected(desk: _Desk) -> Iterator[Written]:
    if desk.rng.random() < 0.3:
        yield _written(desk, desk.like(subject=f"Over de scheiding, {desk.rng.choice(THINGS)}"), "protected")
    else:
        yield _written(desk, desk.like(from_=desk.rng.choice((*FAMILY, BANK))), "protected")


def _ours(desk: _Desk) -> Iterator[Written]:
    yield _written(desk, desk.like(from_=LOCUM), "own-letter")


def _broken(desk: _Desk) -> Iterator[Written]:
    draft = desk.like()
    yield _written(desk, draft, "broken", content=broken(message(draft), desk.rng))
