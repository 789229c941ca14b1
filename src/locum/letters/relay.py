"""The relay: one SMTP connection that many letters share, and its answers as receipts and errors.

Nothing is retried here but the opening of a connection that went stale: a letter whose answer is not known is the desk's
to send again, under the same Message-ID.
"""

import ipaddress
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from locum.errors import Invalid, Rejected, Unreachable
from locum.letters.mail import Envelope
from locum.letters.secret import read_secret
from locum.phrases import one_line

_PORTS = {"smtp": 25, "smtps": 465}
_CONNECT_SECONDS = 15.0
_ANSWER_CHARACTERS = 200
_PATH_OF_A_LINK = re.compile(r"(https?:/*[^\s/<>]*)/[^\s<>]*", re.IGNORECASE)


class Relay:
    """Where mail leaves. Safe to use from several threads: letters go one after another over one connection."""

    def __init__(
        self, url: str, *, user: str | None, secret_file: Path | None, ca_file: Path | None, seconds: float
    ) -> None:
        """Raises Invalid (`relay-url`). `address` is the relay as it is shown: host:port."""
        self._scheme, self._host, self._port = _parsed(url)
        self.address = f"{self._host}:{self._port}"
        self._user, self._secret_file, self._ca_file = user, secret_file, ca_file
        self._seconds = seconds
        self._lock = threading.Lock()
        self._open: smtplib.SMTP | None = None

    def send(self, envelope: Envelope, *, once: bool = False) -> str:
        """Hand one message over, and give back the relay's answer. Raises Unreachable or Rejected; see `_told`. `once`: where the
        answer to the message itself is lost, that is `relay-unknown`, and not worth a retry.
        """
        with self._lock, self._told():
            smtp = self._begun(envelope)
            self._expect(smtp.rcpt(envelope.recipient))
            answer = self._data_once(smtp, envelope.message) if once else smtp.data(envelope.message)
            self._expect(answer)
            return _shortened(answer)

    def _data_once(self, smtp: smtplib.SMTP, message: bytes) -> tuple[int, bytes]:
        """DATA: what fails before the message is on its way surely did not arrive (RFC 5321 4.1.1.4)."""
        try:
            return smtp.data(message)
        except smtplib.SMTPDataError:
            raise  # DATA itself was refused
        except OSError:
            raise Unreachable("relay-unknown", relay=self.address) from None

    def greet(self) -> str:
        """Connect, secure and sign in as for a letter, and send none. Gives back whom it reached. Raises as `send`."""
        with self._lock, self._told():
            self._drop()
            self._open = self._connected()
            return self.address

    def close(self) -> None:
        """End the connection, if one is open."""
        with self._lock:
            self._drop()

    def _begun(self, envelope: Envelope) -> smtplib.SMTP:
        """A connection on which the sender was accepted. Relays close idle connections, and those that carried many."""
        if self._open is not None:
            with suppress(OSError):
                if self._open.mail(envelope.sender, self._options(envelope, self._open))[0] == 250:
                    return self._open
            self._drop()
        self._open = self._connected()
        self._expect(self._open.mail(envelope.sender, self._options(envelope, self._open)))
        return self._open

    def _options(self, envelope: Envelope, smtp: smtplib.SMTP) -> list[str]:
        """What the relay has to be told. Eight bits that it does not announce to carry are not sent (RFC 6152 3)."""
        if envelope.needs_utf8:
            return ["SMTPUTF8", "BODY=8BITMIME"]
        if not envelope.is_8bit:
            return []
        if not smtp.has_extn("8bitmime"):
            raise Rejected("relay-refused", relay=self.address, answer="8BITMIME?")
        return ["BODY=8BITMIME"]

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context(cafile=self._ca_file)
        me = socket.gethostname() if "." in socket.gethostname() else "[127.0.0.1]"
        seconds = min(_CONNECT_SECONDS, self._seconds)
        if self._scheme == "smtps":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, me, timeout=seconds, context=context)
        else:
            smtp = smtplib.SMTP(self._host, self._port, me, timeout=seconds)
        try:
            self._secured(smtp, context)
            self._signed_in(smtp)
        except BaseException:
            smtp.close()
            raise
        if smtp.sock is not None:
            smtp.sock.settimeout(self._seconds)
        return smtp

    def _secured(self, smtp: smtplib.SMTP, context: ssl.SSLContext) -> None:
        """Mail servers on the same host mostly have no certificate that fits, and nothing leaves the host: no TLS there."""
        smtp.ehlo_or_helo_if_needed()
        if self._scheme == "smtps" or _is_loopback(self._host):
            return
        if not smtp.has_extn("starttls"):
            raise Rejected("relay-no-tls", relay=self.address)
        # A line that came before the handshake is thrown away by smtplib, and the greeting is asked for anew (RFC 3207 4.2).
        smtp.starttls(context=context)
        smtp.ehlo_or_helo_if_needed()

    def _signed_in(self, smtp: smtplib.SMTP) -> None:
        if self._user is None or self._secret_file is None:
            return
        try:
            _sign_in(smtp, self._user, read_secret(self._secret_file))
        except smtplib.SMTPAuthenticationError as error:
            if error.smtp_code >= 500:
                raise Rejected("relay-credential", relay=self.address) from None
            raise
        except (smtplib.SMTPNotSupportedError, UnicodeError):
            raise Rejected("relay-credential", relay=self.address) from None

    def _expect(self, answer: tuple[int, bytes]) -> None:
        """Raise Unreachable for a 4xx (`relay-later`), Rejected for a 5xx (`relay-refused`)."""
        code, _ = answer
        if 200 <= code < 300:
            return
        kind, key = (Rejected, "relay-refused") if code >= 500 else (Unreachable, "relay-later")
        raise kind(key, relay=self.address, answer=_shortened(answer))

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Everything that can go wrong, as our errors; the connection is not used again. Causes are not chained: a
        relay's answer may quote the message, and that holds the link.
        """
        try:
            yield
        except (Rejected, Unreachable):
            self._drop()
            raise
        except ssl.SSLCertVerificationError as error:
            self._drop()
            raise Rejected("relay-certificate", relay=self.address, why=error.verify_message) from None
        except smtplib.SMTPNotSupportedError:
            self._drop()
            raise Rejected("relay-refused", relay=self.address, answer="SMTPUTF8?") from None
        except smtplib.SMTPResponseException as error:
            self._drop()
            said = error.smtp_error
            self._expect((error.smtp_code or 421, said.encode() if isinstance(said, str) else said))
            raise Unreachable("relay-silent", relay=self.address) from None
        except OSError:
            self._drop()
            raise Unreachable("relay-silent", relay=self.address) from None

    def _drop(self) -> None:
        smtp, self._open = self._open, None
        if smtp is None:
            return
        with suppress(OSError):
            if smtp.sock is not None:
                smtp.sock.settimeout(2)
            smtp.quit()
        smtp.close()


def _sign_in(smtp: smtplib.SMTP, user: str, secret: str) -> None:
    """By PLAIN where it is offered: smtplib's own `login` tries every way there is, and a wrong secret locks us out sooner."""
    if "PLAIN" in smtp.esmtp_features.get("auth", "").upper().split():
        smtp.user, smtp.password = user, secret
        code, answer = smtp.auth("PLAIN", smtp.auth_plain)
        if code not in (235, 503):
            raise smtplib.SMTPAuthenticationError(code, answer)
    else:
        smtp.login(user, secret)


def _parsed(url: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Invalid("relay-url", relay="") from None
    if parts.scheme not in _PORTS or not host or parts.username or parts.password or parts.path.strip("/"):
        # A URL with a user may hold a password: only what follows it is told.
        raise Invalid("relay-url", relay=f"{parts.scheme}://{host}")
    return parts.scheme, host, port or _PORTS[parts.scheme]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _shortened(answer: tuple[int, bytes]) -> str:
    """The relay's answer on one line, without the path of any link: filters like to quote what they refuse."""
    text = f"{answer[0]} {answer[1].decode('utf-8', 'replace')}"
    return one_line(_PATH_OF_A_LINK.sub(r"\1/…", text), _ANSWER_CHARACTERS)
