"""Exchange Web Services on the wire: two operations as SOAP over HTTPS, in the name of a mailbox, and what each answer means.

There are requests for her automatic reply and no others, so what the account could do besides is not done here. An answer with a
document type is not read: no entity is ever expanded. What may be repeated is not decided here.
"""

import re
import xml.etree.ElementTree as ET
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from locum.connectors.ews_texts import TYPES, Kept, as_xml, escaped, read
from locum.connectors.https_wire import Https, Reply, waits
from locum.errors import Garbled, LocumError, Rejected, Unreachable

MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
ERRORS = "http://schemas.microsoft.com/exchange/services/2006/errors"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
VERSION = "Exchange2013"
"""Of the shape of requests: Exchange 2013, 2016, 2019 and SE know it, and none of them says more of a reply in it."""

_BUSY = "ErrorServerBusy"
_NOT_OWNER = "ErrorAccessDenied"
_MEANING: Mapping[str, tuple[type[LocumError], str]] = {
    _BUSY: (Unreachable, "ews-busy"),
    _NOT_OWNER: (Rejected, "ews-not-allowed"),
    **dict.fromkeys(
        ("ErrorImpersonateUserDenied", "ErrorImpersonationDenied", "ErrorImpersonationFailed"),
        (Rejected, "ews-impersonation"),
    ),
    **dict.fromkeys(
        ("ErrorNonExistentMailbox", "ErrorNonPrimarySmtpAddress", "ErrorInvalidUserPrincipalName"),
        (Rejected, "ews-no-mailbox"),
    ),
    **dict.fromkeys(("ErrorMailboxMoveInProgress", "ErrorMailboxFailover"), (Unreachable, "ews-moving")),
    "ErrorInvalidScheduledOofDuration": (Rejected, "ews-window"),
    **dict.fromkeys(
        (
            "ErrorConnectionFailed",
            "ErrorInternalServerError",
            "ErrorInternalServerTransientError",
            "ErrorMailboxStoreUnavailable",
            "ErrorTimeoutExpired",
        ),
        (Unreachable, "ews-not-done"),
    ),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `code`: Exchange's name for what is wrong, "" for none; `wait`: how many seconds it asks to wait."""

    status: int
    code: str = ""
    wait: float | None = None
    body: ET.Element | None = field(default=None, repr=False)

    @property
    def busy(self) -> bool:
        """It was not done, since there are too many of us."""
        return self.code == _BUSY or (self.status in (429, 503) and self.wait is not None)


class EwsWire:
    """Safe to use from several threads."""

    def __init__(self, *, connector: str, url: str, https: Https, user: str, secret: Callable[[], str]) -> None:
        self._connector, self._url, self._https, self._user, self._secret = connector, url, https, user, secret

    def get(self, user: str) -> Answer:
        """What is there."""
        return self._asked("GetUserOofSettings", user, "")

    def set(self, user: str, kept: Kept) -> Answer:
        """Put this there. Nothing is repeated."""
        return self._asked("SetUserOofSettings", user, as_xml(kept))

    def kept(self, answer: Answer) -> Kept:
        """What an answer to `get` says. Raises Garbled."""
        body = answer.body
        settings = None if body is None else body.find(f"{{{TYPES}}}OofSettings")
        if body is None or settings is None:
            raise self._garbled("OofSettings")
        return read(settings, body.findtext(f"{{{MESSAGES}}}AllowExternalOof"))

    def error(self, answer: Answer, mailbox: str) -> LocumError | None:
        """What is wrong with this answer for this mailbox; None where it is what was asked for."""
        if not answer.code:
            return None
        kind, key = _MEANING.get(answer.code) or _by_status(answer)
        return kind(
            key,
            connector=self._connector,
            mailbox=mailbox,
            code=answer.code,
            status=answer.status,
            user=self._user,
            seconds=round(answer.wait or 0),
        )

    def _asked(self, operation: str, user: str, settings: str) -> Answer:
        login = b64encode(f"{self._user}:{self._secret()}".encode()).decode()
        headers = {
            "Accept": "text/xml",
            "Authorization": f"Basic {login}",
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": f'"{MESSAGES}/{operation}"',
            "X-AnchorMailbox": user,
        }
        reply = self._https.send("POST", self._url, _envelope(operation, user, settings).encode(), headers)
        if reply.status in (200, 500) and (root := parsed(reply.content)) is not None:
            return self._read(reply, root, f"{operation}Response")
        if reply.status == 200 or 300 <= reply.status < 400:
            raise self._garbled(f"HTTP {reply.status}")
        return Answer(
            reply.status, f"HTTP {reply.status}{_no_basic(reply)}", waits(reply.headers.get("retry-after", ""))
        )

    def _read(self, reply: Reply, root: ET.Element, name: str) -> Answer:
        body = root.find(f"{{{SOAP}}}Body") if root.tag == f"{{{SOAP}}}Envelope" else None
        fault = None if body is None else body.find(f"{{{SOAP}}}Fault")
        if fault is not None:
            return Answer(reply.status, *_told(fault, _fault_code(fault)))
        said = None if body is None else body.find(f"{{{MESSAGES}}}{name}")
        message = None if said is None else said.find(f"{{{MESSAGES}}}ResponseMessage")
        if message is None or reply.status != 200:
            raise self._garbled(name)
        code = message.findtext(f"{{{MESSAGES}}}ResponseCode", "").strip()
        if message.get("ResponseClass") == "Success" and code in ("", "NoError"):
            return Answer(reply.status, body=said)
        return Answer(reply.status, *_told(message, code))

    def _garbled(self, what: str) -> Garbled:
        return Garbled("ews-garbled", connector=self._connector, what=what)


class _Built(ET.TreeBuilder):
    """Builds what has no document type."""

    def doctype(self, *_: object) -> None:
        """Nothing that Exchange answers has one."""
        raise ValueError


def parsed(content: bytes) -> ET.Element | None:
    """What these bytes are as XML; None where they are none, or bring a document type along."""
    parser = ET.XMLParser(target=_Built())  # noqa: S314  a document type is refused before any entity of it is read
    try:
        parser.feed(content)
        return parser.close()
    except (ET.ParseError, ValueError, LookupError, RecursionError):
        return None


def _envelope(operation: str, user: str, settings: str) -> str:
    who = escaped(user)
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:m="{MESSAGES}" xmlns:t="{TYPES}"><s:Header>'
        f'<t:RequestServerVersion Version="{VERSION}"/>'
        "<t:ExchangeImpersonation><t:ConnectingSID>"
        f"<t:PrimarySmtpAddress>{who}</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>"
        f"</s:Header><s:Body><m:{operation}Request>"
        f"<t:Mailbox><t:Address>{who}</t:Address></t:Mailbox>{settings}"
        f"</m:{operation}Request></s:Body></s:Envelope>"
    )


def _fault_code(fault: ET.Element) -> str:
    """Exchange's name for a fault; that somebody is not the owner has none, and is known by the name of its class."""
    code = fault.findtext(f".//{{{ERRORS}}}ResponseCode", "").strip()
    if not code and "AccessDeniedException" in fault.findtext("faultstring", ""):
        return _NOT_OWNER
    return code or fault.findtext("faultcode", "").rpartition(":")[2].strip()


def _told(said: ET.Element, code: str) -> tuple[str, float | None]:
    """Its code, and how long it asks to wait; a busy server may say so inside another error."""
    values = {one.get("Name"): (one.text or "").strip() for one in said.iter(f"{{{TYPES}}}Value")}
    if values.get("InnerErrorResponseCode") == _BUSY:
        code = _BUSY
    wait = values.get("BackOffMilliseconds", "")
    named = code if re.fullmatch(r"[A-Za-z0-9_.]{1,80}", code) else "Fault"
    return named, float(wait) / 1000 if re.fullmatch(r"\d{1,9}", wait) else None


def _no_basic(reply: Reply) -> str:
    """Whether a refusal is none of the password, but of Basic: it is not among what the server offers."""
    offered = reply.headers.get("www-authenticate", "")
    return " without Basic" if offered and not re.search(r"(?i)(^|,\s*)basic\b", offered) else ""


def _by_status(answer: Answer) -> tuple[type[LocumError], str]:
    if answer.status == 401:
        return Rejected, "ews-no-basic" if "without" in answer.code else "ews-login"
    if answer.status == 403:
        return Rejected, "ews-forbidden"
    if answer.status in (404, 405):
        return Rejected, "ews-no-service"
    if answer.busy:
        return Unreachable, "ews-busy"
    answered = answer.code.startswith(("Error", "Client"))  # by Exchange, with a name that is not one to wait for
    if not answered and (answer.status >= 500 or answer.status in (408, 429)):
        return Unreachable, "ews-not-done"
    return Rejected, "ews-refused"
