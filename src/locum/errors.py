"""The error tree, and nothing else.

    LocumError
    ├ Invalid            bad input; nothing was changed                        exit 2
    ├ Refused            we will not: a clause of the policy says no           exit 3
    ├ Conflict           changed meanwhile; carries what is there now          exit 4
    ├ Unsupported        this mail system cannot say that                      exit 6
    └ Trouble            the far side; `retry` says whether to come back       exit 5
      ├ Unreachable      no answer, a time-out, a full disk: comes back
      ├ Rejected         credentials or rights; a person must act
      └ Garbled          an answer we do not understand; never guessed at

An error holds a message key and values, never a finished sentence: the door that shows it renders it in
its reader's language from messages/<lang>/errors.toml, where every key has `sentence`, and may have
`left_as` (what was left as it was) and `advice` (what to do). Values never hold secrets or message texts.
"""

from typing import ClassVar, Self


class LocumError(Exception):
    """Anything Locum refuses or fails to do.

    `key` names the entry in messages/<lang>/errors.toml; `values` fill its placeholders. `others` is what else is wrong with
    the same, told together with it.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    retry: ClassVar[bool] = False

    def __init__(self, key: str, *, clause: int | None = None, **values: object) -> None:
        """Keep the message `key`, the policy's `clause` where one plays a part, and the placeholders' values."""
        self.key = key
        self.clause = clause
        self.others: tuple[LocumError, ...] = ()
        self.values = {name: str(value) for name, value in values.items()}
        shown = ", ".join(f"{name}={value}" for name, value in self.values.items())
        super().__init__(f"{self.code}: {key}" + (f" ({shown})" if shown else ""))

    def with_values(self, **values: object) -> Self:
        """The same error with other values."""
        other = type(self)(self.key, clause=self.clause, **values)
        other.others = self.others
        return other


class Invalid(LocumError):
    """Bad input: a word, a date, a file. Nothing was changed."""

    code = "invalid"
    exit_code = 2


class Refused(LocumError):
    """The policy says no; `clause` says which."""

    code = "refused"
    exit_code = 3


class Conflict(LocumError):
    """Something changed between our reading and our writing; what is there now was left as it is."""

    code = "conflict"
    exit_code = 4


class Unsupported(LocumError):
    """This mail system cannot say accurately what was asked; nothing was tried."""

    code = "unsupported"
    exit_code = 6


class Trouble(LocumError):
    """The far side did not do its part."""

    code = "trouble"
    exit_code = 5


class Unreachable(Trouble):
    """No answer, a time-out, a full disk, a locked file: worth another try later."""

    code = "unreachable"
    retry = True


class Rejected(Trouble):
    """The far side answered no: credentials or rights. A person must act before another try helps."""

    code = "rejected"


class Garbled(Trouble):
    """The far side said something we do not understand. It is never guessed at."""

    code = "garbled"
