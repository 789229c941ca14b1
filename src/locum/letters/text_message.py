"""Text messages, through whatever gateway apprise knows. Apprise is imported at the first message: it is slow.

The gateway's addresses hold tokens: they come from a file, and stand in no log, error or repr. Apprise says no more than
yes or no; a proof of delivery would need a gateway of our own.
"""

import logging
import re
from pathlib import Path
from urllib.parse import quote

from locum.errors import Rejected, Unreachable
from locum.letters.secret import read_secret

_RECEIPT = "accepted by the gateway"
_SEPARATORS = re.compile(r"[\s().\-/]+")
_NUMBER = re.compile(r"\+?[0-9]{6,15}")


class Gateway:
    """The text message service of an organisation. Safe to use from several threads: nothing is kept between messages."""

    def __init__(self, url_file: Path | None) -> None:
        """`url_file` holds apprise addresses, one a line, `#` before a remark: the first is used, the others where it fails.
        `{mobile}` in them becomes the number.
        """
        self._url_file = url_file

    def send(self, mobile: str, name: str, text: str) -> str:
        """Send one message. Raises Rejected (`gateway-missing`, `gateway-url`, `mobile-number`, the secret file's errors)
        or Unreachable (`gateway-unreachable`).
        """
        number = _SEPARATORS.sub("", mobile)
        if _NUMBER.fullmatch(number) is None:
            raise Rejected("mobile-number", name=name)
        urls = [url.replace("{mobile}", quote(number, safe="")) for url in self._urls()]
        if any(self._sent(url, text) for url in urls):
            return _RECEIPT
        raise Unreachable("gateway-unreachable")

    def ready(self) -> bool:
        """Whether an address for text messages is configured and readable. Raises Rejected as `send`; sends nothing."""
        return self._url_file is not None and bool(self._urls())

    def _urls(self) -> list[str]:
        if self._url_file is None:
            raise Rejected("gateway-missing")
        lines = [line.strip() for line in read_secret(self._url_file).splitlines()]
        urls = [line for line in lines if line and not line.startswith("#")]
        if not urls:
            raise Rejected("gateway-url", file=self._url_file)
        return urls

    def _sent(self, url: str, text: str) -> bool:
        import apprise  # noqa: PLC0415 (see above)

        _hush()
        # No plug-ins from the disk, nothing stored on it, and the text as it is.
        asset = apprise.AppriseAsset(
            storage_mode=apprise.PersistentStoreMode.MEMORY, plugin_paths=[], async_mode=False, interpret_escapes=False
        )
        service = apprise.Apprise(asset=asset)
        try:
            if not service.add(url):
                raise Rejected("gateway-url", file=self._url_file)
            return bool(service.notify(body=text, title="", body_format=apprise.NotifyFormat.TEXT))
        except (OSError, TypeError, ValueError, RuntimeError):
            return False


def _hush() -> None:
    """Apprise logs addresses and bodies, urllib3 the paths of addresses, and those hold tokens."""
    for name in ("apprise", "urllib3", "requests"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
