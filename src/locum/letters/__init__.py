"""Letters: what Locum says to one person, by mail or text message. An edge: it knows letters, words and errors only.

`Post` fills the seam of that name. filling.py makes the words from templates/<event>/<language>.txt, mail.py the message,
resending.py what is handed on of others', relay.py hands it over; text_message.py speaks to the gateway. Who gets what, and when, is the desk's matter.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from locum.absence import Channel
from locum.errors import LocumError
from locum.letter import Letter
from locum.letters.filling import fill
from locum.letters.mail import Sender, compose
from locum.letters.relay import Relay
from locum.letters.resending import resent
from locum.letters.text_message import Gateway
from locum.seam import Finding, Report

__all__ = ["Post"]


def _now() -> datetime:
    return datetime.now(UTC)


def _why(error: LocumError, **where: str) -> tuple[tuple[str, str], ...]:
    """An error as the values of a finding: its key, and what its sentence is said with."""
    return tuple({**where, **error.values, "error": error.key}.items())


class Post:
    """Sends letters by one relay and one text message gateway. Safe to use from several threads."""

    def __init__(
        self,
        *,
        relay: str,
        from_address: str,
        organisation: str,
        user: str | None = None,
        secret_file: Path | None = None,
        ca_file: Path | None = None,
        text_message_url_file: Path | None = None,
        seconds: float = 60.0,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        """`relay` is smtp://host[:port] (STARTTLS, except on loopback) or smtps://host[:port]; `seconds` is how long the
        relay may take for an answer. Raises Invalid (`relay-url`). Nothing is opened or read before the first letter.
        """
        self._sender = Sender(address=from_address, organisation=organisation)
        self._relay = Relay(relay, user=user, secret_file=secret_file, ca_file=ca_file, seconds=seconds)
        self._gateway = Gateway(text_message_url_file)
        self._clock = clock

    def send(self, letter: Letter) -> str:
        """Hand the letter over, and give back the receipt. Raises Unreachable or Rejected; see seam.Post."""
        subject, text = self.render(letter)
        if letter.channel is Channel.MOBILE:
            return self._gateway.send(letter.address, letter.name, text)
        return self._relay.send(compose(letter, subject, text, self._sender, self._clock()))

    def send_once(self, letter: Letter) -> str:
        """The same by mail, for what may not arrive twice. Raises Unreachable `relay-unknown` where it may have arrived."""
        subject, text = self.render(letter)
        return self._relay.send(compose(letter, subject, text, self._sender, self._clock()), once=True)

    def resend(self, content: bytes, to: str, message_id: str) -> str:
        """Hand on somebody's message as it is; see seam.Post. Raises as `send_once`."""
        return self._relay.send(resent(content, to, message_id, self._sender, self._clock()), once=True)

    def render(self, letter: Letter) -> tuple[str, str]:
        """Subject and text of the letter as it would be sent. Raises Rejected where a value or the template is missing."""
        return fill(letter, self._sender.organisation, self._sender.address)

    def check(self) -> Report:
        """Whether the relay takes our connection and the gateway's address is there. Sends nothing; never raises Trouble."""
        return (*self._relay_found(), *self._gateway_found())

    def _relay_found(self) -> Report:
        try:
            return (Finding(key="letters.relay-reached", holds=True, values=(("relay", self._relay.greet()),)),)
        except LocumError as error:
            return (Finding(key="letters.relay-trouble", holds=False, values=_why(error, relay=self._relay.address)),)

    def _gateway_found(self) -> Report:
        try:
            key, holds = ("gateway-ready", True) if self._gateway.ready() else ("gateway-none", None)
            return (Finding(key=f"letters.{key}", holds=holds),)
        except LocumError as error:
            return (Finding(key="letters.gateway-trouble", holds=False, values=_why(error)),)

    def close(self) -> None:
        """End the connection to the relay, if one is open. The next letter opens another."""
        self._relay.close()
