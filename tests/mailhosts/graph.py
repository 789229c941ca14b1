"""Microsoft Graph and Entra's token endpoint as Locum uses them, over real HTTP on loopback: stateful, and wrong in every listed way.

It behaves as the notes on Graph say: enums come back in camelCase, instants with seven digits, texts in a wrapper of Exchange's own
with its line ends and no-break spaces, PATCH merges, and what is not scheduled shows the window of today. It is judged by
Microsoft's schema in both directions (tests/graph_judge.py), so that it cannot drift to what our connector happens to send.
"""

import base64
import hashlib
import itertools
import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote
from zoneinfo import ZoneInfo

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

TENANT, CLIENT = "corp.onmicrosoft.test", "6931bccd-447a-43d1-b442-00a195474933"
STATUSES = {one.lower(): one for one in ("disabled", "alwaysEnabled", "scheduled")}
AUDIENCES = {one.lower(): one for one in ("none", "contactsOnly", "all")}
KEYS = {
    "status",
    "externalAudience",
    "internalReplyMessage",
    "externalReplyMessage",
    "scheduledStartDateTime",
    "scheduledEndDateTime",
}
FIVE_MINUTES = timedelta(minutes=5)


@dataclass
class Box:
    """One mailbox. `where`: `online`, `away` (on a server of their own) or `outside` the application's scope."""

    status: str = "disabled"
    audience: str = "all"
    inside: str = ""
    outside: str = ""
    window: tuple[datetime, datetime] | None = None
    zone: str = "W. Europe Standard Time"
    where: str = "online"
    contacts: tuple[str, ...] = ()
    earlier: dict[str, object] = field(default_factory=dict)
    written: int = 0

    def kept(self) -> tuple[object, ...]:
        """All that is hers."""
        return (self.status, self.audience, self.inside, self.outside, self.window)


@dataclass
class Fault:
    """What goes wrong with the next `times` requests that match: `on` is `token`, `GET`, `PATCH`, `batch`, or any of them with
    `item ` before it for one inside a batch. `acts`: after doing what was asked. `stale`: it shows what was there before; `fine`: nothing
    goes wrong, this time.
    """

    on: str
    kind: str = "status"
    times: int = 1
    status: int = 503
    code: str = "ServiceUnavailable"
    wait: str = ""
    acts: bool = False
    who: str = ""


@dataclass(frozen=True)
class Exchanged:
    """One request and its answer, those inside a batch too."""

    method: str
    path: str
    sent: bytes | None
    content_type: str
    status: int
    answered: bytes


class Refuse(Exception):
    """An answer that is an error."""

    def __init__(
        self, status: int, code: str, message: str = "Access is denied. Check credentials and try again."
    ) -> None:
        self.status, self.code, self.message = status, code, message


@dataclass
class GraphHost:
    """Both services. `certificates` are on the app registration; `now` is their clock; `delay` is waited before each answer."""

    certificates: list[x509.Certificate]
    boxes: dict[str, Box] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    seen: Callable[[Exchanged], None] | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    roles: list[str] = field(default_factory=list)
    reads_mail: bool = False
    enabled: bool = True
    token_seconds: int = 3599
    delay: float = 0.0
    shuffles: bool = False
    at_once: int = 0
    most_at_once: int = 0
    tokens: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    url: str = ""
    audience: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)
    serial: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def add(self, address: str, **changes: Any) -> Box:
        self.boxes[address] = Box(**changes)
        return self.boxes[address]

    def fails(self, on: str, **changes: Any) -> None:
        self.faults.append(Fault(on, **changes))

    def fault(self, on: str, who: str = "") -> Fault | None:
        with self.lock:
            for one in self.faults:
                if one.on == on and one.who in ("", who) and one.times > 0:
                    one.times -= 1
                    return one
        return None

    # Entra

    def token(self, form: Mapping[str, str]) -> tuple[int, dict[str, object]]:
        try:
            self._assertion(form)
        except Refuse as no:
            said = f"{no.code}: Trace ID: 0000 Correlation ID: 0000"
            return no.status, {"error": no.message, "error_description": said, "error_codes": [int(no.code[6:])]}
        claims = {"aud": self.url, "appid": CLIENT, "roles": self.roles, "n": next(self.serial)}
        value = f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b'=').decode()}.c2ln"
        self.tokens.add(value)
        return 200, {"token_type": "Bearer", "expires_in": self.token_seconds, "access_token": value}

    def _assertion(self, form: Mapping[str, str]) -> None:
        head, claims, certificate = self._signed(form["client_assertion"])
        address = f"{self.url}/{TENANT}/oauth2/v2.0/token"
        now = self.now()
        begins, ends = (datetime.fromtimestamp(claims[name], UTC) for name in ("nbf", "exp"))
        if not self.enabled:
            raise Refuse(401, "AADSTS7000112", "unauthorized_client")
        if form.get("client_id") != CLIENT or claims["iss"] != CLIENT or claims["sub"] != CLIENT:
            raise Refuse(400, "AADSTS700016", "unauthorized_client")
        if certificate is None or certificate.not_valid_after_utc <= now or head["alg"] not in ("PS256", "RS256"):
            raise Refuse(401, "AADSTS700027", "invalid_client")
        if not begins - FIVE_MINUTES <= now <= ends + FIVE_MINUTES or ends - begins > 2 * FIVE_MINUTES:
            raise Refuse(401, "AADSTS700024", "invalid_client")
        wrong = (
            claims["aud"] != address
            or claims["jti"] in self.used
            or form["scope"] != f"{self.audience or self.url}/.default"
        )
        if (
            wrong
            or form["grant_type"] != "client_credentials"
            or not form["client_assertion_type"].endswith("jwt-bearer")
        ):
            raise Refuse(401, "AADSTS50027", "invalid_client")
        self.used.add(claims["jti"])

    def _signed(self, text: str) -> tuple[Any, Any, x509.Certificate | None]:
        """Head, claims, and the certificate on the app registration that it names and was signed with."""
        signed, _, last = text.rpartition(".")
        head, claims = (json.loads(_decoded(part)) for part in signed.split("."))
        for one in self.certificates:
            if head["x5t#S256"] == _encoded(hashlib.sha256(one.public_bytes(Encoding.DER)).digest()):
                padding = PKCS1v15() if head["alg"] == "RS256" else PSS(MGF1(SHA256()), PSS.DIGEST_LENGTH)
                try:
                    one.public_key().verify(_decoded(last), signed.encode(), padding, SHA256())  # type: ignore[union-attr,call-arg,arg-type]
                except InvalidSignature:
                    continue
                return head, claims, one
        return head, claims, None

    # Graph

    def graph(self, method: str, path: str, sent: bytes | None, content_type: str) -> tuple[int, dict[str, object]]:
        """One request that is no batch."""
        try:
            return 200, self._done(self._box(path), method, path, sent, content_type)
        except Refuse as no:
            inner = {"date": self.now().isoformat()[:19], "request-id": "0000", "client-request-id": "0000"}
            return no.status, {"error": {"code": no.code, "message": no.message, "innerError": inner}}

    def _done(self, box: Box, method: str, path: str, sent: bytes | None, content_type: str) -> dict[str, object]:
        if re.search(r"/messages(\?|$)", path):
            if not self.reads_mail:
                raise Refuse(403, "ErrorAccessDenied")
            return {"value": [{"id": "AAMk1"}]}
        context = {"@odata.context": f"{self.url}/v1.0/$metadata#x"}
        if method == "GET" and path.endswith("/automaticRepliesSetting"):
            return context | self._shown(box)
        if method == "GET":
            return context | {"timeZone": box.zone, "automaticRepliesSetting": self._shown(box)}
        if method != "PATCH" or content_type.partition(";")[0] != "application/json":
            raise Refuse(400, "RequestBodyRead", "A content type is missing.")
        with self.lock:
            self._change(box, json.loads(sent or b"null"))
        return context | {"automaticRepliesSetting": self._shown(box)}

    def _box(self, path: str) -> Box:
        found = re.match(r"/users/([^/]+)/(mailboxSettings(/automaticRepliesSetting)?|messages\?[^/]*)$", path)
        if found is None:
            raise Refuse(404, "ResourceNotFound", "Resource could not be discovered.")
        name = unquote(found[1])
        box = self.boxes.get(name)
        if box is None:
            raise Refuse(404, "ErrorInvalidUser", f"The requested user '{name}' is invalid.")
        if box.where == "away":
            raise Refuse(404, "MailboxNotEnabledForRESTAPI", "REST API is not yet supported for this mailbox.")
        if box.where == "outside":
            raise Refuse(403, "ErrorAccessDenied")
        return box

    def _shown(self, box: Box) -> dict[str, object]:
        today = self.now().replace(minute=0, second=0, microsecond=0)
        begins, ends = box.window or (today, today + timedelta(days=1))
        return {
            "status": box.status,
            "externalAudience": box.audience,
            "internalReplyMessage": box.inside,
            "externalReplyMessage": box.outside,
            "scheduledStartDateTime": _dated(begins),
            "scheduledEndDateTime": _dated(ends),
        }

    def _change(self, box: Box, body: Any) -> None:
        if not isinstance(body, dict) or set(body) != {"automaticRepliesSetting"}:
            raise Refuse(
                400, "RequestBodyRead", "The property does not exist on type 'microsoft.graph.mailboxSettings'."
            )
        given = body["automaticRepliesSetting"]
        if set(given) - KEYS:
            raise Refuse(400, "RequestBodyRead", "The property does not exist.")
        status = STATUSES.get(str(given.get("status", box.status)).lower())
        audience = AUDIENCES.get(str(given.get("externalAudience", box.audience)).lower())
        names = (("internalReplyMessage", box.inside), ("externalReplyMessage", box.outside))
        texts = [given.get(name, stands) or "" for name, stands in names]
        if (
            status is None
            or audience is None
            or any(re.search("[\x00-\x08\x0b-\x1f\x7f]", one.replace("\r\n", "")) for one in texts)
        ):
            raise Refuse(400, "InvalidArguments", "Invalid.")
        window = self._window(box, given) if status == "scheduled" else None
        box.earlier, box.window = self._shown(box), window
        box.status, box.audience, box.inside, box.outside = status, audience, _wrapped(texts[0]), _wrapped(texts[1])
        box.written += 1

    def _window(self, box: Box, given: Mapping[str, Any]) -> tuple[datetime, datetime]:
        both = [given.get(name) for name in ("scheduledStartDateTime", "scheduledEndDateTime")]
        found = [_at(one, box.zone) for one in both if one is not None]
        window = (found[0], found[1]) if len(found) == 2 else box.window
        if window is None or window[0] >= window[1] or window[1] <= self.now():
            raise Refuse(
                400, "ErrorInvalidTimeSettings", "The start time must be before the end time, and in the future."
            )
        return window

    # mail

    def reply(self, address: str, sender: str, at: datetime | None = None) -> str | None:
        """The HTML that a message from this sender, arriving then, is answered with."""
        box, at = self.boxes[address], at or self.now()
        on = box.status == "alwaysEnabled" or (box.window is not None and box.window[0] <= at < box.window[1])
        if not on or box.status == "disabled":
            return None
        if sender.rpartition("@")[2] == address.rpartition("@")[2]:
            return box.inside
        if box.audience == "none" or (box.audience == "contactsOnly" and sender not in box.contacts):
            return None
        return box.outside


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _dated(at: datetime) -> dict[str, str]:
    return {"dateTime": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.0000000"), "timeZone": "UTC"}


def _at(given: Any, zone: str) -> datetime:
    """An instant; without a zone of its own it is in the mailbox's, which Graph wants said unless that is UTC."""
    text, named = given.get("dateTime"), given.get("timeZone")
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?", text or "") or (named is None and zone != "UTC"):
        raise Refuse(400, "InvalidTimeZone", "The time zone is not supported.")
    return datetime.fromisoformat(text[:19]).replace(tzinfo=ZoneInfo(named or zone))


def _wrapped(text: str) -> str:
    """As Exchange keeps a text: in a wrapper, with its line ends, and no-break spaces as such."""
    if not text or text.startswith("<html>"):
        return text
    inside = text.replace("\r\n", "\n").replace("\n", "\r\n").replace("&nbsp;", "\xa0")
    return f"<html>\r\n<body>\r\n{inside}\r\n</body>\r\n</html>\r\n"


class _Door(BaseHTTPRequestHandler):
    """The HTTP of it: faults, batches, and what is told to who judges."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    host: GraphHost

    def log_message(self, *_: object) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def do_GET(self) -> None:
        self._do()

    def do_PATCH(self) -> None:
        self._do()

    def do_POST(self) -> None:
        self._do()

    def _do(self) -> None:
        length = self.headers["Content-Length"]
        sent = self.rfile.read(int(length)) if length else None
        host = self.host
        with host.lock:
            host.at_once += 1
            host.most_at_once = max(host.most_at_once, host.at_once)
        try:
            if host.delay:
                time.sleep(host.delay)
            self._routed(sent)
        finally:
            with host.lock:
                host.at_once -= 1

    def _routed(self, sent: bytes | None) -> None:
        if self.path.endswith("/oauth2/v2.0/token"):
            form = {name: values[0] for name, values in parse_qs((sent or b"").decode()).items()}
            self._answer("token", "", lambda: self.host.token(form))
            return
        path = self.path.removeprefix("/v1.0")
        if self.headers["Authorization"].removeprefix("Bearer ") not in self.host.tokens:
            error = {"code": "InvalidAuthenticationToken", "message": "Access token has expired or is not yet valid."}
            self._put(401, {"error": error})
            return
        if path == "/$batch":
            self._answer("batch", "", lambda: (200, self._batch(json.loads(sent or b"null"))))
            return
        kind = self.headers.get("Content-Type", "")

        def act() -> tuple[int, dict[str, object]]:
            return self.host.graph(self.command, path, sent, kind)

        def tell(status: int, answered: bytes) -> None:
            if self.host.seen is not None:
                self.host.seen(Exchanged(self.command, path, sent, kind, status, answered))

        self._answer(self.command, _who(path), act, tell)

    def _batch(self, body: Any) -> dict[str, object]:
        requests = body["requests"]
        assert 1 <= len(requests) <= 20
        assert len({one["id"] for one in requests}) == len(requests)
        answers = [one for request in requests for one in self._one_of_batch(request)]
        return {"responses": answers[::-1] if self.host.shuffles else answers}

    def _one_of_batch(self, request: Any) -> list[dict[str, object]]:
        assert set(request) <= {"id", "method", "url", "headers", "body"}
        method, path = request["method"], request["url"]
        sent = json.dumps(request["body"]).encode() if "body" in request else None
        kind = request.get("headers", {}).get("Content-Type", "")
        fault = self.host.fault(f"item {method}", _who(path))
        if fault is None or fault.acts:
            status, answer = self.host.graph(method, path, sent, kind)
            made = {
                "id": request["id"],
                "status": status,
                "headers": {"Content-Type": "application/json"},
                "body": answer,
            }
        if fault is not None:
            if fault.kind == "missing":
                return []
            if fault.kind == "strange":
                return [{"id": request["id"], "status": "yes"}]
            error = {"error": {"code": fault.code, "message": "No."}}
            headers = {"Retry-After": fault.wait} if fault.wait else {}
            made = {"id": request["id"], "status": fault.status, "headers": headers, "body": error}
        shown = json.dumps(made["body"]).encode()
        if self.host.seen is not None:
            self.host.seen(Exchanged(method, path, sent, kind, int(str(made["status"])), shown))
        return [made, made] if fault is not None and fault.kind == "twice" else [made]

    def _answer(
        self,
        on: str,
        who: str,
        act: Callable[[], tuple[int, dict[str, object]]],
        tell: Callable[[int, bytes], None] = lambda _status, _answered: None,
    ) -> None:
        fault = self.host.fault(on, who)
        if fault is None or fault.kind == "fine":
            self._put(*act(), tell=tell)
            return
        if fault.acts:
            act()
        match fault.kind:
            case "silent" | "dropped":
                time.sleep(0.4 if fault.kind == "silent" else 0)
                self.close_connection = True
            case "garbled":
                self._put(200, None)
            case "stale":
                self._put(200, self.host.boxes[who].earlier)
            case "moved":
                self._put(302, {}, {"Location": "https://else.test/"})
            case _:
                headers = {"Retry-After": fault.wait} if fault.wait else {}
                self._put(fault.status, {"error": {"code": fault.code, "message": "No."}}, headers, tell)

    def _put(
        self,
        status: int,
        body: dict[str, object] | None,
        headers: Mapping[str, str] | None = None,
        tell: Callable[[int, bytes], None] = lambda _status, _answered: None,
    ) -> None:
        content = b"<html>Sign in to the proxy</html>" if body is None else json.dumps(body).encode()
        tell(status, content)
        lines = {"Content-Type": "application/json", "Content-Length": str(len(content)), **(headers or {})}
        date = self.host.now().strftime("%a, %d %b %Y %H:%M:%S GMT")
        head = "".join(f"{name}: {value}\r\n" for name, value in {"Date": date, **lines}.items())
        self.wfile.write(f"HTTP/1.1 {status} x\r\n{head}\r\n".encode() + content)


def _who(path: str) -> str:
    return unquote(path.split("/")[2]) if path.count("/") > 1 else ""


@contextmanager
def graph_host(certificates: list[x509.Certificate], tls: ssl.SSLContext | None = None) -> Iterator[GraphHost]:
    """It answers at `url`, for both Entra and Graph, while the block lasts."""
    host = GraphHost(certificates)
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Door", (_Door,), {"host": host})) as server:
        server.daemon_threads = True
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        host.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield host
        server.shutdown()
