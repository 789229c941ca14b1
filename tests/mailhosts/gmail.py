"""The Gmail API and Google's token endpoint as Locum uses them, over real HTTP on loopback: stateful, and wrong in every listed way.

It behaves as the notes on Gmail say: a PUT resets what is not sent, fields that say nothing are left out, times are strings of
milliseconds, a plain text is laid out as HTML besides. It is judged by Google's own discovery document in both directions
(tests/connectors/test_gmail.py), so that it cannot drift to what our connector happens to send.
"""

import base64
import html
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

ACCOUNT, KEY_ID = "locum@corp-project.iam.gserviceaccount.test", "k1"
BASIC = "https://www.googleapis.com/auth/gmail.settings.basic"
KEYS = {
    "enableAutoReply": bool,
    "responseSubject": str,
    "responseBodyPlainText": str,
    "responseBodyHtml": str,
    "restrictToContacts": bool,
    "restrictToDomain": bool,
    "startTime": str,
    "endTime": str,
}


@dataclass
class Fault:
    """What goes wrong with the next `times` requests that match: `on` is `token`, `GET` or `PUT`. `acts`: after doing it."""

    on: str
    status: int = 503
    reason: str = ""
    kind: str = "status"
    times: int = 1
    wait: str = ""
    acts: bool = False


@dataclass
class GmailHost:
    """Both services. `key` verifies the service account; `delegated` are its scopes; `now` is their clock."""

    key: RSAPublicKey
    boxes: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    seen: list[tuple[str, str, Any, int, Any]] = field(default_factory=list)
    delegated: list[str] = field(default_factory=lambda: [BASIC])
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    tokens: dict[str, tuple[str, str]] = field(default_factory=dict)
    asked_for: list[str] = field(default_factory=list)
    url: str = ""

    def fails(self, on: str, **how: Any) -> None:
        self.faults.append(Fault(on, **how))

    def fault(self, on: str) -> Fault | None:
        """The next thing that goes wrong with such a request; it is one less then."""
        found = next((one for one in self.faults if one.on == on), None)
        if found is not None:
            found.times -= 1
            if found.times <= 0:
                self.faults.remove(found)
        return found

    def reply(self, address: str, sender: str, at: datetime | None = None) -> tuple[str, str] | None:
        """Subject and text of the automatic reply that this sender gets, None where there is none."""
        kept = self.boxes[address]
        ms = int((at or datetime.now(UTC)).timestamp() * 1000)
        inside = sender.rpartition("@")[2] == address.rpartition("@")[2]
        live = int(kept.get("startTime", 0)) <= ms < int(kept.get("endTime", 1 << 62))
        if not kept.get("enableAutoReply") or not live or (kept.get("restrictToDomain") and not inside):
            return None
        return kept.get("responseSubject", ""), kept.get("responseBodyPlainText", "")

    # requests

    def answer(self, method: str, path: str, body: bytes, headers: Any) -> tuple[int, Any]:
        if path in ("/token", "/tokeninfo"):
            form = parse_qs(body.decode())
            return self._token(form) if path == "/token" else self._told(form)
        return self._about_a_mailbox(method, path, body, headers)

    def _told(self, form: dict[str, list[str]]) -> tuple[int, Any]:
        known = self.tokens.get(form.get("access_token", [""])[0])
        return (200, {"scope": known[1]}) if known else (400, {"error": "invalid_token"})

    def _about_a_mailbox(self, method: str, path: str, body: bytes, headers: Any) -> tuple[int, Any]:
        user, scope = self.tokens.get(headers.get("Authorization", "").removeprefix("Bearer "), ("", ""))
        if not user:
            return _refused(401, "authError")
        parts = path.partition("?")[0].split("/")
        if parts[1:4] != ["gmail", "v1", "users"] or unquote(parts[4]).lower() != user:
            return _refused(403, "delegationDenied")
        if parts[5:] == ["messages"]:
            allowed = "readonly" in scope or "mail.google" in scope
            return (200, {"messages": [{"id": "1"}]}) if allowed else _refused(403, "insufficientPermissions")
        if parts[5:] != ["settings", "vacation"] or scope != BASIC or BASIC not in self.delegated:
            return _refused(403, "insufficientPermissions")
        if method == "PUT":
            return self._put(user, json.loads(body))
        return 200, dict(self.boxes[user])

    def _token(self, form: dict[str, list[str]]) -> tuple[int, Any]:
        try:
            head, claims, signature = form["assertion"][0].split(".")
            self.key.verify(_bytes(signature), f"{head}.{claims}".encode(), PKCS1v15(), SHA256())
            said = json.loads(_bytes(claims))
        except (KeyError, ValueError, InvalidSignature):
            return 400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
        self.asked_for.append(said["sub"])
        now = self.now().timestamp()
        if not now - 300 < said["iat"] <= now + 300 or said["exp"] - said["iat"] > 3600 or said["exp"] < now:
            return 400, {"error": "invalid_grant", "error_description": "Invalid JWT: check your iat and exp values."}
        if said["iss"] != ACCOUNT or said["aud"] != f"{self.url}/token" or said["scope"] not in self.delegated:
            return 401, {"error": "unauthorized_client", "error_description": "Client is unauthorized."}
        if said["sub"].lower() not in self.boxes:
            return 400, {"error": "invalid_grant", "error_description": "Invalid email or User ID"}
        token = f"ya29.{next(_serial)}"
        self.tokens[token] = (said["sub"].lower(), said["scope"])
        return 200, {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}

    def _put(self, user: str, sent: dict[str, Any]) -> tuple[int, Any]:
        if not all(key in KEYS and type(value) is KEYS[key] for key, value in sent.items()):
            return _refused(400, "invalidArgument")
        kept = {key: value for key, value in sent.items() if value not in (False, "")}
        if not kept.get("responseBodyHtml") and kept.get("responseBodyPlainText"):
            kept["responseBodyHtml"] = as_html(kept["responseBodyPlainText"])
        if kept.get("enableAutoReply") and not (kept.get("responseSubject") or kept.get("responseBodyHtml")):
            return _refused(400, "failedPrecondition")
        if "startTime" in kept and "endTime" in kept and int(kept["startTime"]) >= int(kept["endTime"]):
            return _refused(400, "invalidArgument")
        self.boxes[user] = kept
        return 200, dict(kept)


_serial = itertools.count(1)


def as_html(text: str) -> str:
    """How Gmail lays out a plain text."""
    return "".join(f"<div>{html.escape(line, quote=False) or '<br>'}</div>" for line in text.split("\n"))


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _refused(status: int, reason: str) -> tuple[int, Any]:
    errors = [{"domain": "global", "reason": reason, "message": "no"}]
    return status, {"error": {"code": status, "message": "no", "errors": errors, "status": "REFUSED"}}


@contextmanager
def gmail_host(key: RSAPublicKey) -> Iterator[GmailHost]:
    """The services, at `url`."""
    host = GmailHost(key)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fault = host.fault("token" if self.path == "/token" else self.command)
            status, answer = (0, None) if fault is None else _refused(fault.status, fault.reason)
            if fault is None or fault.acts:
                done = host.answer(self.command, self.path, body, self.headers)
                status, answer = done if fault is None else (status, answer)
            if fault is not None and fault.kind == "silent":
                time.sleep(0.5)
                self.close_connection = True
                return
            content = (
                b"<html>no</html>" if fault is not None and fault.kind == "garbled" else json.dumps(answer).encode()
            )
            sent = json.loads(body) if body[:1] == b"{" else None
            host.seen.append((self.command, self.path, sent, status, answer))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if fault is not None and fault.wait:
                self.send_header("Retry-After", fault.wait)
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            self.do_GET()

        def do_PUT(self) -> None:
            self.do_GET()

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(host.now(), usegmt=True)

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    host.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()


FAR = timedelta(minutes=20)
