"""A small provider of OpenID Connect that speaks the wire, for faults only: each test twists one thing it says.

It asks nobody anything: `code` is what a browser would come back with after signing in as Anna.
"""

import hashlib
import hmac
import json
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwk, jwt

Json = dict[str, Any]


def base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class FakeProvider:
    """What it says, all of it open to a test."""

    clock: Callable[[], datetime]
    about: Json = field(default_factory=dict)
    claims: Json = field(default_factory=dict)
    info: Json = field(default_factory=dict)
    header: Json = field(default_factory=lambda: {"alg": "RS256", "kid": "one"})
    token: str | None = None
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[tuple[str, Json, str]] = field(default_factory=list)
    nonce: str = ""
    shared: bytes = b""
    issuer: str = ""

    def __post_init__(self) -> None:
        self.hold = threading.Event()
        self.hold.set()
        first = jwk.RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
        self.keys: list[jwk.Key] = [first]
        self.signer: jwk.Key = first
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._answering())
        self.issuer = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self) -> None:
        self.hold.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def discovery(self) -> Json:
        here = self.issuer
        return {
            "issuer": here,
            "authorization_endpoint": f"{here}/auth",
            "token_endpoint": f"{here}/token",
            "jwks_uri": f"{here}/jwks",
            "userinfo_endpoint": f"{here}/me",
            **self.about,
        }

    def id_token(self) -> str:
        now = int(self.clock().timestamp())
        claims = {
            "iss": self.issuer,
            "sub": "42",
            "aud": "locum",
            "iat": now,
            "exp": now + 60,
            "nonce": self.nonce,
            "auth_time": now,
            "email": "anna@corp.test",
            "email_verified": True,
            **self.claims,
        }
        told = {name: value for name, value in claims.items() if value is not None}
        if self.header["alg"] in ("none", "HS256"):
            text = f"{base64url(json.dumps(self.header).encode())}.{base64url(json.dumps(told).encode())}"
            mac = hmac.digest(self.shared, text.encode(), "sha256") if self.header["alg"] == "HS256" else b""
            return f"{text}.{base64url(mac)}"
        return jwt.encode(self.header, told, self.signer, algorithms=[self.header["alg"]])

    def answer(self, path: str, form: Json) -> tuple[int, bytes]:
        if path in self.answers:
            return self.answers[path]
        said = self._said(path)
        return 200, json.dumps(said()).encode()

    def _said(self, path: str) -> Callable[[], Json]:
        said: dict[str, Callable[[], Json]] = {
            "/.well-known/openid-configuration": self.discovery,
            "/jwks": lambda: {"keys": [key.as_dict(private=False) for key in self.keys]},
            "/me": lambda: self.info,
            "/token": lambda: {
                "access_token": "access",
                "token_type": "Bearer",
                "id_token": self.id_token() if self.token is None else self.token,
            },
        }
        return said[path]

    def _answering(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
                path = urlsplit(self.path).path
                provider.asked.append((path, form, self.headers.get("authorization") or ""))
                provider.hold.wait()
                status, body = provider.answer(path, form)
                self.send_response(status)
                if status in (302, 307):
                    self.send_header("Location", body.decode())
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815  the name that http.server looks for

            def log_message(self, *args: Any) -> None:
                pass

        return Answering


def half_hash(text: str) -> str:
    return base64url(hashlib.sha256(text.encode()).digest()[:16])
