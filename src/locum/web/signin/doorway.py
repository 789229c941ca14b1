"""Who may come in: from what a browser answers to a session, and from a session to a person. No pages, no cookies.

Both ways in end in the same few questions: is the proof good, is she on file, and is her key still hers. The last two are
asked again at every request. Whatever is wrong, the browser gets one and the same answer; the reason is for our log.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from locum import addresses
from locum.absence import Person
from locum.desk import Acting
from locum.errors import Invalid
from locum.seam import People
from locum.sessions import How, Session, Sessions
from locum.web.signin import passkeys
from locum.web.signin.passkeys import CHALLENGE_BYTES, Keys, NoProof, Party
from locum.web.signin.provider import Begun, Provider

PASSKEY, PROVIDER = "passkey", "provider"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """Somebody who is signed in, as a page sees her. `form_token` stands in every form that changes something."""

    person: Person
    how: How
    form_token: str
    signed_in_at: datetime
    proved_at: datetime | None

    @property
    def acting(self) -> Acting:
        """She as the desk knows her."""
        address = self.person.mailbox.address if self.person.mailbox else ""
        return Acting(id=self.person.id, name=self.person.name, address=address, function=self.person.function)

    @property
    def with_key(self) -> bool:
        """Whether a passkey signed her in. A provider's word never counts where a signature is asked for."""
        return self.how is How.PASSKEY

    def proved_within(self, now: datetime, minutes: float) -> bool:
        """Whether she herself proved who she is that recently; not known is no."""
        return self.proved_at is not None and now - self.proved_at <= timedelta(minutes=minutes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """Signing in worked: the token of the new session, who it is, and where she wanted to go."""

    token: str
    person: Person
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Doorway:
    """The ways in. `party` is None where browsers make no passkeys for our address, `provider` where there is none."""

    sessions: Sessions
    people: People
    keys: Keys
    clock: Callable[[], datetime]
    random: Callable[[int], bytes]
    party: Party | None = None
    provider: Provider | None = None

    def signed(self, token: str, *, seen: bool = True) -> Signed | None:
        """Who this token says it is, if that still holds."""
        session = self.sessions.find(token, seen=seen) if token else None
        if session is None:
            return None
        person = self.people.person(session.person)
        if person is None or not self._key_holds(session):
            self.sessions.end(token)
            return None
        return Signed(
            person=person,
            how=session.how,
            form_token=form_token(token),
            signed_in_at=session.signed_in_at,
            proved_at=session.proved_at,
        )

    def _key_holds(self, session: Session) -> bool:
        if session.how is How.PROVIDER:
            return self.provider is not None
        key = self.keys.key(session.credential or b"")
        return key is not None and key.is_valid and key.person == session.person

    def begin_passkey(self, to: str) -> tuple[str, dict[str, object]]:
        """The token of the attempt, and what to ask the browser."""
        challenge = self.random(CHALLENGE_BYTES)
        token = self._begin(PASSKEY, {"to": to, "challenge": challenge.hex()})
        return token, passkeys.ask_for_proof(self._party(), challenge)

    def finish_passkey(self, attempt: str, answer: str, *, instead_of: str) -> Entered:
        """Sign in whoever the passkey is of. Raises NoProof."""
        kept = self._answered(PASSKEY, attempt)
        key = self.keys.key(passkeys.credential_of(answer))
        if key is None:
            raise NoProof("unknown-key")
        count = self.sessions.count(key.credential)
        try:
            proof = passkeys.proof(self._party(), answer, bytes.fromhex(kept["challenge"]), key, count=count)
        except NoProof as error:
            raise NoProof(error.reason, person=key.person) from error
        if not key.is_valid:
            raise NoProof("withdrawn-key", person=key.person)
        if not self.sessions.counted(key.credential, proof.sign_count):
            raise NoProof("copied-key", person=key.person)
        person = self._on_file(self.people.person(key.person))
        token = self.sessions.begin(
            person.id, How.PASSKEY, credential=key.credential, proved_at=self.clock(), instead_of=instead_of
        )
        return Entered(token=token, person=person, to=kept["to"])

    def begin_provider(self, to: str, *, again: bool) -> tuple[str, str]:
        """The token of the attempt, and where to send the browser. Raises Trouble where the provider is out of reach."""
        state, nonce, verifier = (urlsafe_b64encode(self.random(33)).decode() for _ in range(3))
        begun = Begun(state=state, nonce=nonce, verifier=verifier, began_at=self.clock(), again=again)
        address = self._provider().address(begun)
        kept = {name: value for name, value in asdict(begun).items() if isinstance(value, str)}
        kept |= {"to": to, "began_at": begun.began_at.isoformat(), "again": "again" if again else ""}
        return self._begin(PROVIDER, kept), address

    def finish_provider(self, attempt: str, answer: Mapping[str, str], *, instead_of: str) -> Entered:
        """Sign in whom the provider names. Raises NoProof, or Trouble where the provider is out of reach."""
        kept = self._answered(PROVIDER, attempt)
        begun = Begun(
            state=kept["state"],
            nonce=kept["nonce"],
            verifier=kept["verifier"],
            began_at=datetime.fromisoformat(kept["began_at"]),
            again=bool(kept["again"]),
        )
        claim = self._provider().claim(begun, answer, self.clock())
        person = self._on_file(self._named(claim.value))
        token = self.sessions.begin(person.id, How.PROVIDER, proved_at=claim.proved_at, instead_of=instead_of)
        return Entered(token=token, person=person, to=kept["to"])

    def _named(self, value: str) -> Person | None:
        """Whose own mailbox this is. An alias names nobody: several people may read one."""
        try:
            address = addresses.canonical(value)
        except Invalid:
            return None
        owner = self.people.owner(address)
        return owner if owner is not None and owner.mailbox and owner.mailbox.address == address else None

    def _on_file(self, person: Person | None) -> Person:
        if person is None:
            raise NoProof("not-on-file")
        return person

    def _begin(self, kind: str, kept: Mapping[str, str]) -> str:
        return self.sessions.attempt(kind, json.dumps(kept).encode())

    def _answered(self, kind: str, attempt: str) -> dict[str, str]:
        found = self.sessions.answered(kind, attempt) if attempt else None
        if found is None:
            raise NoProof("no-attempt")
        kept: dict[str, str] = json.loads(found)
        return kept

    def _party(self) -> Party:
        if self.party is None:
            raise NoProof("no-passkeys-here")
        return self.party

    def _provider(self) -> Provider:
        if self.provider is None:
            raise NoProof("no-provider")
        return self.provider


def form_token(token: str) -> str:
    """What a form of this session holds: known to our pages and to nobody who only makes her browser send something."""
    return hmac.digest(token.encode(), b"locum/form/v1", hashlib.sha256).hex()
