"""Exchange Web Services as Locum uses them, over real HTTP on loopback: Get- and SetUserOofSettings, stateful, and wrong in every listed way.

It behaves as the notes on EWS say: an account acts for a mailbox by impersonation within a scope, texts come back in a wrapper of
Exchange's own, what is not scheduled shows the window of today, and the audience is cut down to what the administrator lets out. It
is judged by Microsoft's schema in both directions (tests/ews_judge.py) and driven by exchangelib, so that it cannot drift to what our
connector happens to send.
"""

import base64
import re
import ssl
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from mailhosts.graph import _wrapped

USER, PASSWORD = "CORP\\svc-locum", "pass word: of EWS"
BASE = "http://schemas.microsoft.com/exchange/services/2006"
M, T, SOAP = f"{{{BASE}/messages}}", f"{{{BASE}/types}}", "http://schemas.xmlsoap.org/soap/envelope/"
WIDTHS = ("None", "Known", "All")


@dataclass
class Box:
    """One mailbox. `where`: `here`, or `outside` the account's scope; `allowed`: what the administrator lets out."""

    state: str = "Disabled"
    audience: str = "All"
    inside: str = ""
    outside: str = ""
    langs: tuple[str, str] = ("", "")
    window: tuple[datetime, datetime] | None = None
    where: str = "here"
    allowed: str = "All"
    forgets: bool = False
    contacts: tuple[str, ...] = ()
    written: int = 0

    def kept(self) -> tuple[object, ...]:
        """All that is hers."""
        return (self.state, self.audience, self.inside, self.outside, self.langs, self.window)


@dataclass
class Fault:
    """What goes wrong with the next `times` requests of `on` ("Get", "Set"): `code` in a response message; `fault`: in a SOAP fault;
    `inner`: as an inner error; `not_owner`; `unkept`: it says yes and does nothing; `fine`: nothing, this time. `acts`: after doing it.
    """

    on: str
    kind: str = "code"
    times: int = 1
    status: int = 503
    code: str = "ErrorInternalServerError"
    wait: str = ""
    acts: bool = False
    who: str = ""


@dataclass
class EwsHost:
    """The service. `offers`: the ways to log in; `now` is its clock."""

    boxes: dict[str, Box] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    seen: Callable[[bytes, bytes], None] | None = None
    heads: list[dict[str, str]] = field(default_factory=list)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    offers: str = 'Basic realm="mail", Negotiate, NTLM'
    url: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def add(self, address: str, **changes: Any) -> Box:
        self.boxes[address] = Box(**changes)
        return self.boxes[address]

    def fails(self, on: str, **changes: Any) -> None:
        self.faults.append(Fault(on, **changes))

    def fault(self, on: str, who: str) -> Fault | None:
        with self.lock:
            for one in self.faults:
                if one.on == on and one.who in ("", who) and one.times > 0:
                    one.times -= 1
                    return one if one.kind != "fine" else None
        return None

    def done(self, request: ET.Element, acting: str) -> str:
        """What is answered to a request, after doing it."""
        operation = request.tag.removeprefix(M).removesuffix("Request")
        address = request.findtext(f"{T}Mailbox/{T}Address", "")
        if acting not in self.boxes:
            return said(operation, "ErrorNonExistentMailbox")
        if self.boxes[acting].where == "outside":
            return said(operation, "ErrorImpersonateUserDenied")
        if address != acting:
            return NOT_OWNER
        box = self.boxes[address]
        if operation == "GetUserOofSettings":
            return said(operation, "NoError", self.shown(box))
        with self.lock:
            return said(operation, self.change(box, request.find(f"{T}UserOofSettings")))

    def shown(self, box: Box) -> str:
        today = self.now().replace(minute=0, second=0, microsecond=0)
        start, end = box.window or (today, today + timedelta(days=1))
        langs = [f' xml:lang="{one}"' if one else "" for one in box.langs]
        return (
            f'<OofSettings xmlns="{BASE}/types"><OofState>{box.state}</OofState>'
            f"<ExternalAudience>{box.audience}</ExternalAudience><Duration><StartTime>{dated(start)}</StartTime>"
            f"<EndTime>{dated(end)}</EndTime></Duration>"
            f"<InternalReply{langs[0]}><Message>{text(box.inside)}</Message></InternalReply>"
            f"<ExternalReply{langs[1]}><Message>{text(box.outside)}</Message></ExternalReply></OofSettings>"
            f"<AllowExternalOof>{box.allowed}</AllowExternalOof>"
        )

    def change(self, box: Box, settings: ET.Element | None) -> str:
        """Do it; the code of the answer."""
        if settings is None:
            return "ErrorInvalidUserOofSettings"
        state, audience = settings.findtext(f"{T}OofState", ""), settings.findtext(f"{T}ExternalAudience", "")
        replies = [settings.find(f"{T}{name}") for name in ("InternalReply", "ExternalReply")]
        if state != "Disabled" and None in replies:
            return "ErrorInvalidUserOofSettings"
        both = [settings.findtext(f"{T}Duration/{T}{name}") for name in ("StartTime", "EndTime")]
        window = None
        if state == "Scheduled":
            if None in both:
                return "ErrorInvalidScheduledOofDuration"
            start, end = (datetime.fromisoformat(str(one)) for one in both)
            if start.tzinfo is None or start >= end or end <= self.now():
                return "ErrorInvalidScheduledOofDuration"
            window = (start, end)
        if state == "Disabled" and box.forgets:
            box.state, box.window, box.written = state, None, box.written + 1
            return "NoError"
        texts = [_wrapped("" if one is None else one.findtext(f"{T}Message") or "") for one in replies]
        names = ["" if one is None else one.get("{http://www.w3.org/XML/1998/namespace}lang", "") for one in replies]
        box.state, box.window, box.langs = state, window, (names[0], names[1])
        box.audience = min(audience, box.allowed, key=WIDTHS.index)
        box.inside, box.outside = texts
        box.written += 1
        return "NoError"

    def reply(self, address: str, sender: str, at: datetime | None = None) -> str | None:
        """The HTML that a message from this sender, arriving then, is answered with."""
        box, at = self.boxes[address], at or self.now()
        on = box.state == "Enabled" or (box.window is not None and box.window[0] <= at < box.window[1])
        if not on or box.state == "Disabled":
            return None
        if sender.rpartition("@")[2] == address.rpartition("@")[2]:
            return box.inside
        if box.audience == "None" or (box.audience == "Known" and sender not in box.contacts):
            return None
        return box.outside


def text(value: str) -> str:
    return escape(value, quote=False).replace("\r", "&#xD;")


def dated(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def envelope(body: str) -> str:
    version = f'<h:ServerVersionInfo MajorVersion="15" MinorVersion="1" MajorBuildNumber="2507" MinorBuildNumber="6" xmlns:h="{BASE}/types"/>'
    return f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}"><s:Header>{version}</s:Header><s:Body>{body}</s:Body></s:Envelope>'


def said(operation: str, code: str, more: str = "", xml: str = "") -> str:
    """A response; where `code` is an error it has no more than that."""
    fine = code == "NoError"
    told = "" if fine else "<MessageText>No.</MessageText>"
    message = f'<ResponseMessage ResponseClass="{"Success" if fine else "Error"}">{told}<ResponseCode>{code}</ResponseCode>{xml}</ResponseMessage>'
    return envelope(f'<{operation}Response xmlns="{BASE}/messages">{message}{more}</{operation}Response>')


def values(**named: str) -> str:
    inner = "".join(f'<t:Value Name="{name}">{value}</t:Value>' for name, value in named.items())
    return f'<t:MessageXml xmlns:t="{BASE}/types">{inner}</t:MessageXml>' if inner else ""


def faulted(code: str, detail: str, string: str = "No.") -> str:
    return envelope(
        f'<s:Fault><faultcode xmlns:a="{BASE}/types">a:{code}</faultcode><faultstring xml:lang="en-US">{string}</faultstring>'
        f"<detail>{detail}</detail></s:Fault>"
    )


NOT_OWNER = envelope(
    "<s:Fault><faultcode>s:Client</faultcode><faultstring>Microsoft.Exchange.InfoWorker.Common.AccessDeniedException: User is not "
    f'mailbox owner.</faultstring><detail><ErrorCode xmlns="{BASE}/errors">-2146233088</ErrorCode></detail></s:Fault>'
)


class _Door(BaseHTTPRequestHandler):
    """The HTTP of it: login, faults, and what is told to who judges."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    host: EwsHost

    def log_message(self, *_: object) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def do_GET(self) -> None:
        self._put(405 if self._known() else 401, "")

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._known():
            self._put(401, "")
            return
        root = ET.fromstring(sent)
        request = root.find(f"{{{SOAP}}}Body")[0]  # type: ignore[index]
        header = root.find(f"{{{SOAP}}}Header")
        acting = "" if header is None else "".join(one.text or "" for one in header.iter(f"{T}PrimarySmtpAddress"))
        self.host.heads.append(dict(self.headers.items()))
        operation = request.tag.removeprefix(M).removesuffix("Request")

        def act() -> str:
            return self.host.done(request, acting) if acting else NOT_OWNER

        fault = self.host.fault(operation[:3], acting)
        if fault is None:
            self._answer(act(), sent)
            return
        if fault.acts:
            act()
        self._fails(fault, operation, sent)

    def _fails(self, fault: Fault, operation: str, sent: bytes) -> None:
        code = f'<e:ResponseCode xmlns:e="{BASE}/errors">{fault.code}</e:ResponseCode>'
        named = {"BackOffMilliseconds": fault.wait} if fault.wait else {}
        inner = values(InnerErrorResponseCode=fault.code, **named).replace("t:MessageXml", "MessageXml")
        answers = {
            "code": said(operation, fault.code),
            "unkept": said(operation, "NoError"),
            "fault": faulted(fault.code, code + values(**named)),
            "inner": said(operation, "ErrorInternalServerError", xml=inner),
            "not_owner": NOT_OWNER,
        }
        strange = {
            "garbled": "<html>Sign in to the proxy",
            "entities": f'<!DOCTYPE s [<!ENTITY a "{"x" * 10}">]>' + envelope("&a;").partition("?>")[2],
        }
        if fault.kind in answers:
            self._answer(answers[fault.kind], sent)
        elif fault.kind in strange:
            self._put(200, strange[fault.kind])
        elif fault.kind in ("silent", "dropped"):
            time.sleep(0.4 if fault.kind == "silent" else 0)
            self.close_connection = True
        elif fault.kind == "moved":
            self._put(302, "", ("Location", "https://else.test/"))
        else:
            self._put(fault.status, "", *([("Retry-After", fault.wait)] if fault.wait else []))

    def _known(self) -> bool:
        right = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return "Basic" in self.host.offers and self.headers["Authorization"] == f"Basic {right}"

    def _answer(self, body: str, sent: bytes) -> None:
        if self.host.seen is not None:
            self.host.seen(sent, body.encode())
        self._put(500 if ":Fault>" in body else 200, body)

    def _put(self, status: int, body: str, *more: tuple[str, str]) -> None:
        content = body.encode()
        lines = [("Content-Type", "text/xml; charset=utf-8"), ("Content-Length", str(len(content))), *more]
        if status == 401:
            lines += [("WWW-Authenticate", one) for one in re.split(", ", self.host.offers)]
        head = "".join(f"{name}: {value}\r\n" for name, value in lines)
        self.wfile.write(f"HTTP/1.1 {status} x\r\n{head}\r\n".encode() + content)


@contextmanager
def ews_host(tls: ssl.SSLContext | None = None) -> Iterator[EwsHost]:
    """It answers at `url` while the block lasts."""
    host = EwsHost()
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Door", (_Door,), {"host": host})) as server:
        server.daemon_threads = True
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        host.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}/EWS/Exchange.asmx"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield host
        server.shutdown()
