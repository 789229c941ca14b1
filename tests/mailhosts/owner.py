"""Her: a mailbox's owner at her own filter scripts over ManageSieve, and scripts as people really have them."""

import re

from locum.connectors.sieve_wire import Wire, command

REAL = (
    b"# Onze filters, gemaakt met Roundcube\r\n"
    b"/* niet aanraken\n   bitte nicht anfassen */\n"
    b'require ["include", "variables", "editheader", "duplicate", "mailbox", "fileinto", "imap4flags"];\r\n'
    b"# rule:[nieuwsbrief]\n"
    b'include :personal "rules";\n'
    b'if header :matches "subject" "*" { set "onderwerp" "${1}"; }\n'
    b"if duplicate { discard; stop; }\n"
    b'if mailboxexists "Klanten" { fileinto "Klanten"; }\n'
    b'addheader "X-Seen" "\xc3\xa9\xc3\xa9n keer ${onderwerp}";\t \n'
    b"keep; # no line end here"
)
RULES = b'require ["fileinto"];\nif header :contains "subject" "nieuwsbrief" { fileinto "Trash"; stop; }\n'
VACATION = b'require ["vacation"];\nvacation :days %d "Ik ben er zelf even niet";\n'


class Owner:
    """She, logged in as herself or through whoever may act for her."""

    def __init__(self, port: int, address: str, password: str, *, login: str = "") -> None:
        self._port, self._address, self._password, self._login = port, address, password, login

    def _wire(self) -> Wire:
        wire = Wire("127.0.0.1", self._port)
        wire.authenticate(self._login or self._address, self._password.encode(), self._address if self._login else "")
        return wire

    def do(self, *commands: bytes) -> None:
        with self._wire() as wire:
            assert all(answer.ok for answer in wire.run(*commands))

    def has(self, scripts: dict[str, bytes], active: str) -> None:
        """These scripts of hers are put, and this one is active."""
        self.do(*(command("PUTSCRIPT", name.encode(), text) for name, text in scripts.items()), activate(active))

    def shelf(self) -> tuple[str, dict[str, bytes]]:
        """The name of the script of hers that runs, and all of hers. Ours, `locum`, is looked through."""
        with self._wire() as wire:
            listing = wire.listing(wire.run(command("LISTSCRIPTS"))[0])
            scripts = {n: wire.script(wire.run(command("GETSCRIPT", n.encode()))[0]) or b"" for n in listing.names}
        ours = scripts.pop("locum", b"")
        if listing.active != "locum":
            return listing.active, scripts
        included = re.findall(rb'^include [^"]*"(.*)";', ours, re.MULTILINE)
        return (included[-1].decode() if included else ""), scripts

    def forget(self, name: str) -> None:
        """There is no such script any more; nothing, where there was none."""
        with self._wire() as wire:
            wire.run(command("DELETESCRIPT", name.encode()))

    def replies(self, days: int) -> None:
        """She sets a reply of her own, as webmail does: one more script, made active."""
        self.has({"vacation": VACATION % days}, "vacation")


def activate(name: str) -> bytes:
    return command("SETACTIVE", name.encode())
