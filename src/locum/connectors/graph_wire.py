"""Microsoft Graph on the wire: requests by themselves or twenty in a `$batch`, four at a time, and what each answer means.

An answer inside a batch is an answer like any other: it is looked at by itself, in whatever order they came. What may be repeated
is not decided here.
"""

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from locum.connectors.graph_token import Tokens
from locum.connectors.https_wire import Https, waits
from locum.errors import Garbled, LocumError, Rejected, Unreachable

TOGETHER = 20
"""At most so many requests in one `$batch`."""
HEAVIEST = 3_000_000
"""And so many bytes: Graph takes four million."""
AT_A_TIME = 4
"""Exchange Online lets an application have so many requests under way."""
_AWAY = frozenset({"MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI", "ErrorMailboxNotEnabledForRESTAPI"})
_MEANING: Mapping[int, tuple[type[LocumError], str]] = {
    401: (Rejected, "graph-token-refused"),
    403: (Rejected, "graph-not-allowed"),
    404: (Rejected, "graph-no-mailbox"),
    429: (Unreachable, "graph-throttled"),
    **dict.fromkeys((408, 409, 412, 423, 424), (Unreachable, "graph-not-done")),
}
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `path` is what follows /v1.0."""

    method: str
    path: str
    body: Mapping[str, object] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `wait`: how long it asks to wait, None where it does not; `code`: Graph's name for what is wrong, "" for none."""

    status: int
    body: Mapping[str, object] | None = field(repr=False)
    wait: float | None = None

    @property
    def code(self) -> str:
        error = (self.body or {}).get("error")
        code = error.get("code") if isinstance(error, dict) else None
        return code if isinstance(code, str) and re.fullmatch(r"[A-Za-z0-9_.:-]{1,80}", code) else ""

    @property
    def throttled(self) -> bool:
        """It was not done, since there are too many of us."""
        return self.status == 429


class GraphWire:
    """Safe to use from several threads; `at_a_time` requests are under way in total."""

    def __init__(self, *, connector: str, url: str, https: Https, tokens: Tokens, at_a_time: int = AT_A_TIME) -> None:
        self._connector, self._url, self._https, self._tokens = connector, f"{url}/v1.0", https, tokens
        self._lanes = max(1, min(at_a_time, AT_A_TIME))
        self._under_way = threading.BoundedSemaphore(self._lanes)

    def ask(self, calls: Sequence[Call]) -> list[Answer | LocumError]:
        """What came back for each, in order; an error is a result. Nothing is repeated."""
        if len(calls) == 1:
            return [self.ask_one(calls[0])]
        batches = list(_batches(calls))
        if not batches:
            return []
        with ThreadPoolExecutor(min(self._lanes, len(batches)), thread_name_prefix=self._connector) as pool:
            return [one for answers in pool.map(self._batch, batches) for one in answers]

    def ask_one(self, call: Call) -> Answer | LocumError:
        """The same for one, without a batch."""
        try:
            return self._asked(call.method, call.path, call.body)
        except LocumError as error:
            return error

    def _batch(self, calls: Sequence[Call]) -> list[Answer | LocumError]:
        body = {"requests": [_request(str(number), call) for number, call in enumerate(calls, 1)]}
        try:
            answer = self._asked("POST", "/$batch", body)
        except LocumError as error:
            return [error] * len(calls)
        if answer.status != 200:
            return [answer] * len(calls)  # what is wrong with the whole is wrong with each
        found = self._read(answer.body)
        if found is None:
            return [self._garbled("batch")] * len(calls)
        return [found.get(str(number)) or self._unanswered() for number in range(1, len(calls) + 1)]

    def _read(self, body: Mapping[str, object] | None) -> dict[str, Answer | LocumError] | None:
        responses = (body or {}).get("responses")
        if not isinstance(responses, list):
            return None
        found: dict[str, Answer | LocumError] = {}
        for one in responses:
            number = one.get("id") if isinstance(one, dict) else None
            if not isinstance(number, str):
                return None
            found[number] = self._garbled("twice") if number in found else self._item(one)
        return found

    def _item(self, one: Mapping[str, object]) -> Answer | LocumError:
        status, body, headers = one.get("status"), one.get("body"), one.get("headers")
        if not isinstance(status, int) or isinstance(status, bool) or not 100 <= status <= 599:
            return self._garbled("status")
        named = headers if isinstance(headers, dict) else {}
        after = next((str(value) for name, value in named.items() if name.lower() == "retry-after"), "")
        return Answer(status, body if isinstance(body, dict) else None, waits(after))

    def _asked(self, method: str, path: str, body: Mapping[str, object] | None) -> Answer:
        """One request under way. A token that is refused is fetched anew, once."""
        content = None if body is None else _bytes(body)
        with self._under_way:
            for last in (False, True):
                token = self._tokens.get()
                headers = {"Authorization": f"Bearer {token.value}", **({} if content is None else _JSON)}
                reply = self._https.send(method, self._url + path, content, headers)
                if reply.status != 401 or last:
                    break
                self._tokens.drop(token)
        if 300 <= reply.status < 400:
            raise self._garbled(f"HTTP {reply.status}")
        return Answer(reply.status, reply.table, waits(reply.headers.get("retry-after", "")))

    def error(self, answer: Answer | LocumError, mailbox: str) -> LocumError | None:
        """What is wrong with this answer for this mailbox; None where it is what was asked for."""
        if isinstance(answer, LocumError):
            return answer
        if answer.status == 200 and answer.body is not None:
            return None
        kind, key = _meant(answer)
        if kind is Garbled:
            return self._garbled(f"HTTP {answer.status}")
        return kind(key).with_values(
            connector=self._connector,
            mailbox=mailbox,
            code=answer.code or answer.status,
            status=answer.status,
            seconds=round(answer.wait or 0),
        )

    def _garbled(self, what: str) -> Garbled:
        return Garbled("graph-garbled", connector=self._connector, what=what)

    def _unanswered(self) -> Unreachable:
        return Unreachable("graph-unanswered", connector=self._connector)


def _meant(answer: Answer) -> tuple[type[LocumError], str]:
    if answer.status == 404 and answer.code in _AWAY:
        return Rejected, "graph-not-online"
    if answer.status in _MEANING:
        return _MEANING[answer.status]
    if answer.status >= 500:
        return Unreachable, "graph-not-done"
    return (Rejected, "graph-refused") if answer.status >= 400 else (Garbled, "graph-garbled")


def _request(number: str, call: Call) -> dict[str, object]:
    made: dict[str, object] = {"id": number, "method": call.method, "url": call.path}
    return made if call.body is None else made | {"headers": _JSON, "body": call.body}


def _batches(calls: Sequence[Call]) -> Iterator[list[Call]]:
    """In order, each no longer and no heavier than Graph takes."""
    batch: list[Call] = []
    weight = 0
    for call in calls:
        adds = 400 if call.body is None else 400 + len(_bytes(call.body))
        if batch and (len(batch) == TOGETHER or weight + adds > HEAVIEST):
            yield batch
            batch, weight = [], 0
        batch.append(call)
        weight += adds
    if batch:
        yield batch


def _bytes(body: Mapping[str, object]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
