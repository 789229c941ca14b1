"""A request that acts is done once, however often it is sent: the header Idempotency-Key, and what is kept under it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Header, Request
from starlette.responses import Response

from locum.errors import LocumError
from locum.repeats import Answer, Asked, Repeats
from locum.web.api.caller import Caller
from locum.web.problems import is_ours

KEY = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_KEPT = ("location", "content-type", "content-language")

Key = Annotated[
    str,
    Header(
        alias=KEY,
        min_length=16,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="Made anew for each thing you want done, and the same when you try the same thing again, within a day.",
        examples=["0b9d5c1e-2f60-4c3a-9a52-6a3c1f0f7a11"],
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """Does what is asked, or gives back what was answered before. `refusal` makes an error into an answer."""

    repeats: Repeats
    refusal: Callable[[Caller, LocumError], Response]

    def do(self, who: Caller, asked: Asked, work: Callable[[], Response], *, safely: bool = False) -> Response:
        """`work`, once. With `safely` doing it twice does it once, so that it may go on after a crash."""
        if (before := self.repeats.begin(asked, safely=safely)) is not None:
            return _again(before)
        try:
            answer = work()
        except LocumError as error:
            if is_ours(error):
                # Ours to mend. What is not safe to do twice stays unsettled: something may have been written.
                if safely:
                    self.repeats.forget(asked)
                raise
            answer = self.refusal(who, error)
        headers = tuple((name, answer.headers[name]) for name in _KEPT if name in answer.headers)
        self.repeats.keep(asked, Answer(status=answer.status_code, content=bytes(answer.body), headers=headers))
        return answer


def _again(before: Answer) -> Response:
    answer = Response(before.content, status_code=before.status)
    for name, value in before.headers:
        answer.headers[name] = value
    answer.headers[REPLAYED] = "true"
    return answer


async def said(request: Request) -> bytes:
    """All that a request says: its method, its address, and what came with it."""
    address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"{request.method} {address}\n".encode() + await request.body()
