"""Signing in at the organisation's own provider (OpenID Connect): authorization code with PKCE, state and nonce.

What comes back is checked here and nowhere else: who issued it, for whom, for which attempt, until when, signed with what.
How it is spoken to is in exchange.py.
`Provider.address` sends a browser there, `Provider.claim` takes what it comes back with. Which person a claim names, and
whether she may come in, is decided in doorway.py. Nothing of a token or a claim is logged or kept.
"""

import hashlib
import hmac
import threading
import warnings
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

import httpx2
from joserfc import jwk, jws, jwt
from joserfc.errors import JoseError

from locum.web.signin.exchange import Exchange, Json
from locum.web.signin.passkeys import NoProof

ALGORITHMS: Final = ("RS256", "ES256", "EdDSA", "Ed25519")
LEEWAY: Final = 60
"""Seconds that two clocks may differ."""

_OLDEST: Final = 600
_KNOWN_SECONDS: Final = 3600.0
_ANEW_SECONDS: Final = 60.0
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_CURVES: Final = {"EC": "P-256", "OKP": "Ed25519"}

# The old name of Ed25519 (RFC 9864), which is what providers still write.
warnings.filterwarnings("ignore", message="EdDSA is deprecated")


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What we keep of an attempt while the browser is away, to know its answer by."""

    state: str
    nonce: str
    verifier: str
    began_at: datetime
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Whom the provider named: the value of the claim, and when she proved it, where the provider says."""

    value: str
    proved_at: datetime | None


@dataclass(slots=True)
class _Known:
    """What the provider says of itself, and its keys; asked for anew now and then."""

    about: Json = field(default_factory=dict)
    about_at: float = float("-inf")
    keys: list[Json] = field(default_factory=list)
    keys_at: float = float("-inf")


@dataclass(kw_only=True)
class Provider:
    """One provider. `secret` reads the client's secret, None for a client without one. `back` is our address that it
    sends browsers back to; `claim_name` names the person, and an `email` counts only where the provider verified it.
    """

    issuer: str
    client_id: str
    back: str
    client: httpx2.Client
    monotonic: Callable[[], float]
    secret: Callable[[], str] | None = None
    claim_name: str = "email"
    name: str = ""
    _known: _Known = field(default_factory=_Known)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Nothing is asked yet."""
        self._exchange = Exchange(self.client, urlsplit(self.issuer).hostname or "?", self.monotonic)

    def address(self, begun: Begun) -> str:
        """Where the browser goes. Raises Trouble where the provider cannot be asked."""
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.back,
            "scope": "openid email" if self.claim_name.startswith("email") else "openid email profile",
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": _s256(begun.verifier),
            "code_challenge_method": "S256",
            # A month forces nothing on anybody, but whoever is asked has to say when she proved it (OpenID Connect Core 2).
            "max_age": "2592000",
        }
        if begun.again:
            asked |= {"prompt": "login", "max_age": "0"}
        with self._exchange.turn():
            return _with(self._endpoint("authorization_endpoint"), asked)

    def claim(self, begun: Begun, answer: Mapping[str, str], now: datetime) -> Claim:
        """What `answer`, the query that the browser came back with, is worth. Raises NoProof, or Trouble."""
        with self._exchange.turn():
            tokens = self._tokens(self._code(begun, answer), begun.verifier)
            claims = self._id_token(tokens, begun, now)
            value = self._named(claims, tokens)
        proved_at = _instant(claims.get("auth_time"), now)
        if begun.again and (proved_at is None or proved_at.timestamp() < begun.began_at.timestamp() - LEEWAY):
            raise NoProof("not-asked-again")
        return Claim(value=value, proved_at=proved_at)

    def _code(self, begun: Begun, answer: Mapping[str, str]) -> str:
        if not hmac.compare_digest(answer.get("state", "").encode(), begun.state.encode()):
            raise NoProof("another-state")
        # Which provider answers (RFC 9207): a code of another one is never taken to this one.
        said = answer.get("iss")
        if said != self.issuer and (said is not None or self._about().get(_SAYS_ISS) is True):
            raise NoProof("another-issuer")
        if "error" in answer:
            raise NoProof("provider-said-no")
        if not answer.get("code"):
            raise NoProof("no-code")
        return answer["code"]

    def _tokens(self, code: str, verifier: str) -> Json:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.back,
            "code_verifier": verifier,
        }
        headers = self._own_proof(form)
        status, body = self._exchange.send("POST", self._endpoint("token_endpoint"), headers=headers, form=form)
        if status in (400, 401, 403):
            raise NoProof("code-refused")
        if status != 200:
            raise self._exchange.garbled("token")
        return body

    def _own_proof(self, form: dict[str, str]) -> dict[str, str]:
        """How we prove who we are (OpenID Connect Core 9): by a header, or in the form where it takes nothing else."""
        if self.secret is None:
            form["client_id"] = self.client_id
            return {}
        takes = self._about().get("token_endpoint_auth_methods_supported")
        if isinstance(takes, list) and "client_secret_basic" not in takes and "client_secret_post" in takes:
            form |= {"client_id": self.client_id, "client_secret": self.secret()}
            return {}
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.secret())}"  # RFC 6749 2.3.1
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}

    def _id_token(self, tokens: Json, begun: Begun, now: datetime) -> Json:
        """The claims of the id token, checked as OpenID Connect Core 3.1.3.7 says."""
        token = tokens.get("id_token")
        if not isinstance(token, str):
            raise NoProof("no-id-token")
        try:
            header = jws.extract_compact(token.encode()).headers()
            read = jwt.decode(token, self._key(header), algorithms=list(ALGORITHMS))
            registry = jwt.JWTClaimsRegistry(
                now=int(now.timestamp()),
                leeway=LEEWAY,
                iss={"essential": True, "value": self.issuer},
                aud={"essential": True, "value": self.client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True},
            )
            registry.validate(read.claims)
        except (JoseError, ValueError) as error:
            raise NoProof(f"id-token-{getattr(error, 'error', type(error).__name__)}") from error
        claims: Json = dict(read.claims)
        self._check_rest(claims, tokens, str(header.get("alg")), begun, now)
        return claims

    def _check_rest(self, claims: Json, tokens: Json, alg: str, begun: Begun, now: datetime) -> None:
        if not hmac.compare_digest(str(claims["nonce"]).encode(), begun.nonce.encode()):
            raise NoProof("another-nonce")
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else self.client_id) != self.client_id:
            raise NoProof("another-party")
        made = claims["iat"]
        if not isinstance(made, (int, float)) or made < now.timestamp() - _OLDEST:
            raise NoProof("old-id-token")
        said, access = claims.get("at_hash"), tokens.get("access_token")
        if said is not None and isinstance(access, str) and said != _half_hash(access, alg):
            raise NoProof("another-access-token")

    def _key(self, header: Mapping[str, object]) -> jwk.Key:
        """The provider's key that the token says it is signed with."""
        if header.get("alg") not in ALGORITHMS:
            raise NoProof("algorithm")
        for anew in (False, True):
            fitting = [one for one in self._keys(anew=anew) if _fits(one, header)]
            if len(fitting) == 1:
                return jwk.import_key({name: str(value) for name, value in fitting[0].items() if name in _PARTS})
        raise NoProof("unknown-key")

    def _named(self, claims: Json, tokens: Json) -> str:
        if self.claim_name not in claims:
            claims = {**self._user_info(str(claims["sub"]), tokens), "sub": claims["sub"]}
        value = claims.get(self.claim_name)
        if not isinstance(value, str) or not value:
            raise NoProof("no-claim")
        if self.claim_name == "email" and claims.get("email_verified") is not True:
            raise NoProof("not-verified")
        return value

    def _user_info(self, subject: str, tokens: Json) -> Json:
        """The claims that are not in the token (OpenID Connect Core 5.3), of the same person."""
        access = tokens.get("access_token")
        if not isinstance(access, str) or "userinfo_endpoint" not in self._about():
            return {}
        headers = {"Authorization": f"Bearer {access}"}
        status, body = self._exchange.send("GET", self._endpoint("userinfo_endpoint"), headers=headers)
        if status != 200 or body.get("sub") != subject:
            raise NoProof("another-subject")
        return body

    # what the provider says of itself
    def _about(self) -> Json:
        with self._lock:
            if self.monotonic() - self._known.about_at > _KNOWN_SECONDS:
                place = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
                status, about = self._exchange.send("GET", place)
                if status != 200 or about.get("issuer") != self.issuer:
                    raise self._exchange.garbled("discovery")
                self._known.about, self._known.about_at = about, self.monotonic()
            return self._known.about

    def _keys(self, *, anew: bool) -> list[Json]:
        place = self._endpoint("jwks_uri")
        with self._lock:
            old = self.monotonic() - self._known.keys_at
            if old > _KNOWN_SECONDS or (anew and old > _ANEW_SECONDS):
                status, body = self._exchange.send("GET", place)
                found = body.get("keys")
                if status != 200 or not isinstance(found, list):
                    raise self._exchange.garbled("keys")
                self._known.keys = [one for one in found if isinstance(one, dict)]
                self._known.keys_at = self.monotonic()
            return self._known.keys

    def _endpoint(self, name: str) -> str:
        found = self._about().get(name)
        if not isinstance(found, str) or not is_safe(found):
            raise self._exchange.garbled(name)
        return found


_SAYS_ISS: Final = "authorization_response_iss_parameter_supported"
_PARTS: Final = frozenset({"kty", "crv", "n", "e", "x", "y"})


def is_safe(address: str) -> bool:
    """Whether what is sent there passes no network in the clear."""
    parts = urlsplit(address)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    )


def _fits(key: Json, header: Mapping[str, object]) -> bool:
    """Whether a token with this header may be signed with this key: kind, curve, use and name agree."""
    kind = {"RS256": "RSA", "ES256": "EC"}.get(str(header.get("alg")), "OKP")
    named = "kid" not in header or key.get("kid") == header["kid"]
    usable = key.get("use", "sig") == "sig" and key.get("alg", header.get("alg")) == header.get("alg")
    return named and usable and key.get("kty") == kind and key.get("crv") == _CURVES.get(kind)


def _instant(value: object, now: datetime) -> datetime | None:
    """A moment that has been; None for anything else. Never later than our own now: two clocks may differ a little."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= now.timestamp() + LEEWAY:
        return None
    return min(now, datetime.fromtimestamp(value, UTC))


def _with(address: str, asked: Mapping[str, str]) -> str:
    # A provider's address may hold a query of its own (RFC 6749 3.1).
    before = parse_qs(urlsplit(address).query, keep_blank_values=True)
    query = urlencode([*((name, value) for name, values in before.items() for value in values), *asked.items()])
    return urlsplit(address)._replace(query=query, fragment="").geturl()


def _half_hash(access: str, alg: str) -> str:
    """The hash of the access token that the id token may hold (OpenID Connect Core 3.1.3.6)."""
    whole = hashlib.new("sha256" if alg in ("RS256", "ES256") else "sha512", access.encode()).digest()
    return _base64url(whole[: len(whole) // 2])


def _s256(verifier: str) -> str:
    return _base64url(hashlib.sha256(verifier.encode()).digest())


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
