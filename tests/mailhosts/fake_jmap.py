"""A small JMAP server that can be told to fail, for what a real one cannot be made to do: RFC 8620, VacationResponse, SieveScript (RFC 9661).

Two forms: a proxy user who names the mailbox in `Authorize-As` (Cyrus), and a token that reaches accounts under permissions of its own
(Stalwart). As in both, a vacation response that is switched on switches off whatever other filter script runs.
"""

import base64
import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

CORE, VACATION = "urn:ietf:params:jmap:core", "urn:ietf:params:jmap:vacationresponse"
MAIL, SIEVE = "urn:ietf:params:jmap:mail", "urn:ietf:params:jmap:sieve"
NEEDS = {"VacationResponse": VACATION, "SieveScript": SIEVE, "Email": MAIL}
SILENT_SECONDS = 1.2


class Account:
    """One mailbox. `made` is how its vacation response is called among the filter scripts, `script` the one of hers that runs."""

    def __init__(self, name: str, made: str) -> None:
        self.name, self.state, self.script, self.made = name, 1, "", made
        self.vacation: dict[str, Any] = {"id": "singleton", "isEnabled": False}

    def scripts(self) -> list[dict[str, Any]]:
        """Hers, and the one that the vacation response is made of."""
        hers = [{"id": "s1", "name": self.script, "isActive": True, "blobId": "b1"}] if self.script else []
        ours = {
            "id": "v",
            "name": self.made,
            "isActive": self.vacation["isEnabled"] and not self.script,
            "blobId": "b2",
        }
        return [*hers, ours]


class FakeJmap:
    """The server. Use as a context manager.

    `accounts` by id. `token` (then it is of the second form), `may`: what else but vacation responses the credential may do
    ("SieveScript/get", "Email/query"); `offers`: the capabilities. `trouble`: "silent", "refusing", "garbled", "busy", "elsewhere", "requests
    elsewhere", "circle", "lost" (it acts, and does not answer), "another" (answers for another account), a type of error of a
    method, or with `set:` in front of a change. `asked` is every method that was called, with its account, `sessions` how
    often the session was.
    """

    def __init__(self, *names: str, token: str = "", trouble: str = "") -> None:
        made = "vacation" if token else VACATION
        self.accounts = {f"a{number}" if token else name: Account(name, made) for number, name in enumerate(names)}
        self.token, self.trouble, self.user, self.password = token, trouble, "locum", "for-jmap-only"
        self.may = {"SieveScript/get", "Email/query"}
        self.offers = [CORE, VACATION, MAIL, SIEVE]
        self.sessions = 0
        self.asked: list[tuple[str, str]] = []
        self.bodies: list[Mapping[str, Any]] = []
        self.gone = threading.Event()

    def __enter__(self) -> Self:
        fake = self

        class Handler(_Handler):
            server_of_jmap = fake

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        self.gone.set()
        self._server.shutdown()
        self._server.server_close()

    def account(self, name: str) -> Account:
        """The account of this mailbox."""
        return next(one for one in self.accounts.values() if one.name == name)

    def session(self, mailbox: str) -> dict[str, Any]:
        """What the server says of itself."""
        self.sessions += 1
        shown = {i: one for i, one in self.accounts.items() if self.token or one.name == mailbox}
        elsewhere = "https://jmap.example.net" if self.trouble == "requests elsewhere" else ""
        return {
            "capabilities": {name: {} for name in self.offers},
            "accounts": {i: {"name": one.name, "isPersonal": not self.token} for i, one in shown.items()},
            "primaryAccounts": {} if self.token else dict.fromkeys(self.offers, mailbox),
            "username": "svc" if self.token else mailbox,
            "apiUrl": f"{elsewhere}/api/",
            "downloadUrl": "/d/{accountId}/{blobId}/{name}?accept={type}",
            "uploadUrl": "/u/{accountId}/",
            "eventSourceUrl": "/e/?types={types}&closeafter={closeafter}&ping={ping}",
            "state": "0",
        }

    def answer(self, request: Mapping[str, Any], mailbox: str) -> dict[str, Any]:
        """To each call its response."""
        self.bodies.append(request)
        said = [[*self._call(name, given, request["using"], mailbox), i] for name, given, i in request["methodCalls"]]
        return {"methodResponses": said, "sessionState": "0"}

    def _call(self, name: str, given: Mapping[str, Any], using: list[str], mailbox: str) -> tuple[str, dict[str, Any]]:
        self.asked.append((name, given["accountId"]))
        account = self.accounts.get(given["accountId"])
        mine = account is not None and bool(self.token or account.name == mailbox)
        if account is None or (refused := self._refused(name, using, mine=mine)):
            return "error", {"type": refused if account is not None else "accountNotFound"}
        named = {
            "accountId": "another" if self.trouble == "another" else given["accountId"],
            "state": str(account.state),
        }
        if name == "VacationResponse/set":
            return self._set(account, given, named)
        said = {
            "VacationResponse/get": {"list": [account.vacation], "notFound": []},
            "SieveScript/get": {"list": account.scripts(), "notFound": []},
            "Email/query": {"queryState": "1", "ids": [], "position": 0},
        }
        return name, {**named, **said[name]}

    def _refused(self, name: str, using: list[str], *, mine: bool) -> str:
        """The type of the error, "" where the call is carried out."""
        if NEEDS[name.partition("/")[0]] not in using:
            return "unknownMethod"
        if not mine:
            return "accountNotFound"
        if not name.startswith("VacationResponse/"):
            return "" if name in self.may else "forbidden"
        return self.trouble if self.trouble.isalpha() and self.trouble not in _OWN else ""

    def _set(self, account: Account, given: Mapping[str, Any], named: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        name = "VacationResponse/set"
        if given.get("ifInState", str(account.state)) != str(account.state) or self.trouble == "set:stateMismatch":
            return "error", {"type": "stateMismatch"}
        if self.trouble.startswith("set:"):
            return name, {**named, "updated": None, "notUpdated": {"singleton": {"type": self.trouble[4:]}}}
        account.vacation |= given["update"]["singleton"]
        account.state += 1
        if account.vacation["isEnabled"]:
            account.script = ""
        return name, {**named, "updated": {"singleton": None}, "notUpdated": None}


_OWN = ("silent", "refusing", "garbled", "busy", "elsewhere", "circle", "lost", "another")


class _Handler(BaseHTTPRequestHandler):
    server_of_jmap: FakeJmap
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one packet

    def do_GET(self) -> None:
        fake = self.server_of_jmap
        if fake.trouble == "elsewhere":
            self._says(302, b"", Location="https://jmap.example.net/session")
        elif fake.trouble == "circle":
            self._says(307, b"", Location=self.path)
        elif self.path == "/.well-known/jmap":
            self._says(301, b"", Location="/session")
        elif self._may():
            self._says(200, json.dumps(fake.session(self._mailbox())).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fake = self.server_of_jmap
        if not self._may():
            return
        said = json.dumps(fake.answer(json.loads(body), self._mailbox())).encode()
        if fake.trouble == "lost" and b"VacationResponse/set" in body:
            fake.trouble = ""
            self.close_connection = True
            return
        self._says(200, said)

    def _mailbox(self) -> str:
        return self.headers.get("Authorize-As", "")

    def _may(self) -> bool:
        """Whether it is answered at all; if not, what is said instead was said."""
        fake = self.server_of_jmap
        basic = base64.b64encode(f"{fake.user}:{fake.password}".encode()).decode()
        known = self.headers.get("Authorization") == (f"Bearer {fake.token}" if fake.token else f"Basic {basic}")
        if fake.trouble == "silent":
            fake.gone.wait(SILENT_SECONDS)
            self.close_connection = True
        elif not known or fake.trouble == "refusing":
            self._says(401, b"no")
        elif fake.trouble == "busy":
            self._says(503, b"later")
        elif fake.trouble == "garbled":
            self._says(200, b"<html>login</html>")
        else:
            return True
        return False

    def _says(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
