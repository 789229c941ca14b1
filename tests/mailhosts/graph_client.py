"""A connector for the Graph of mailhosts/graph.py: the application's certificate, and the address and key that it is given."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from locum.connectors.graph import Graph
from locum.connectors.graph_token import App
from locum.settings import secret
from mailhosts.graph import CLIENT, TENANT, GraphHost


@dataclass(frozen=True)
class Registered:
    """What is on the app registration, and where the same lies on Locum's side."""

    certificate: x509.Certificate
    app: App

    def connector(self, host: GraphHost, **changes: Any) -> Graph:
        waited: list[float] = []
        known: dict[str, Any] = {
            "name": "online",
            "app": self.app,
            "secret": secret,
            "login_url": host.url,
            "graph_url": host.url,
            "pause": waited.append,
        }
        made = Graph(**(known | changes))
        made.waited = waited  # type: ignore[attr-defined]  what the stub asked to wait, without waiting
        return made


def registered(folder: Path, *, days: int = 300, name: str = "app") -> Registered:
    """A new key and certificate, valid for `days` (negative: ended)."""
    key = rsa.generate_private_key(65537, 2048)
    subject, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Locum")]), datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, SHA256())
    )
    app = App(TENANT, CLIENT, folder / f"{name}.pem", folder / f"{name}.key")
    app.certificate_file.write_bytes(certificate.public_bytes(Encoding.PEM))
    app.key_file.touch(0o600)
    app.key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return Registered(certificate, app)


class _Shown(HTMLParser):
    """What a reader sees; a tag that is none of ours is shown as such."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "br" and not attrs:
            self.text += "\n"
        elif tag not in ("html", "body") or attrs:
            self.text += f"[{tag}]"

    def handle_data(self, data: str) -> None:
        self.text += data.replace("\r\n", "").replace("\xa0", " ")


def shown(html: str) -> str:
    reader = _Shown()
    reader.feed(html)
    reader.close()
    return reader.text


Clock = Callable[[], datetime]
