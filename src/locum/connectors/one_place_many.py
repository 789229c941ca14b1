"""Systems with one place for a reply that take many mailboxes at once: `OnePlace`, in steps that each ask for all of them.

What a reply is there, and what follows from what stands, is one_place.py's; asking is the subclass's.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence

from locum.absence import Mailbox
from locum.connectors.one_place import Kept, OnePlace
from locum.errors import Conflict, LocumError, Unreachable
from locum.measure import Standing, Wanted

Put = tuple[Mailbox, Kept, Kept]
"""A mailbox, what is to be in its place, and what is there before."""
Item = tuple[Mailbox, Wanted, Standing]


class ManyPlaces(OnePlace):
    """See seam.ManyAtOnce."""

    @abstractmethod
    def get_each(self, mailboxes: Sequence[Mailbox]) -> list[Kept | LocumError]:
        """`get` for each, in order; an error is a result."""

    @abstractmethod
    def put_each(self, items: Sequence[Put]) -> list[LocumError | None]:
        """`put` for each, in order; an error is a result."""

    def get(self, mailbox: Mailbox) -> Kept:
        """See OnePlace."""
        (found,) = self.get_each([mailbox])
        if isinstance(found, LocumError):
            raise found
        return found

    def put(self, mailbox: Mailbox, kept: Kept, before: Kept) -> None:
        """See OnePlace."""
        (error,) = self.put_each([(mailbox, kept, before)])
        if error is not None:
            raise error

    def write(self, mailbox: Mailbox, wanted: Wanted, expect: Standing) -> Standing:
        """See OnePlace."""
        (result,) = self.write_many([(mailbox, wanted, expect)])
        if isinstance(result, LocumError):
            raise result
        return result

    def read_many(self, mailboxes: Sequence[Mailbox]) -> list[Standing | LocumError]:
        """See seam.ManyAtOnce."""
        return [self._stands(one) for one in self.get_each(mailboxes)]

    def write_many(self, items: Sequence[Item]) -> list[Standing | LocumError]:
        """See seam.ManyAtOnce. A mailbox that stands there twice is written in turn."""
        results: dict[int, Standing | LocumError] = {}
        while len(results) < len(items):
            turn: dict[str, int] = {}
            for place, (mailbox, _, _) in enumerate(items):
                if place not in results:
                    turn.setdefault(mailbox.address, place)
            places, later = list(turn.values()), bool(results)
            done = self._written([items[place] for place in places], later=later)
            results.update(zip(places, done, strict=True))
        return [results[place] for place in range(len(items))]

    def _written(self, items: Sequence[Item], *, later: bool) -> list[Standing | LocumError]:
        """Each mailbox once: read, decided, put, read back. `later`: written to just before, in the same call."""
        done: dict[int, Standing | LocumError] = {}
        for place, (mailbox, wanted, _) in enumerate(items):
            try:
                self.refuse(mailbox, wanted)
            except LocumError as error:
                done[place] = error
        places = [place for place in range(len(items)) if place not in done]
        puts: dict[int, Put] = {}
        for place, found in zip(places, self.get_each([items[place][0] for place in places]), strict=True):
            step = found if isinstance(found, LocumError) else self._step(items[place], found, later=later)
            if isinstance(step, tuple):
                puts[place] = step
            else:
                done[place] = step
        errors = dict(zip(puts, self.put_each(list(puts.values())), strict=True))
        back = [place for place, error in errors.items() if error is None or isinstance(error, Unreachable)]
        done |= {place: error for place, error in errors.items() if error is not None}
        for place, found in self._read_back({place: puts[place] for place in back}, errors).items():
            done[place] = self._settled(items[place], puts[place], errors[place], found)
        return [done[place] for place in range(len(items))]

    def _read_back(
        self, puts: Mapping[int, Put], errors: Mapping[int, LocumError | None]
    ) -> dict[int, Kept | LocumError]:
        """What is there after `puts`; where it said yes and still shows what was there before, looked at once more."""
        found = dict(zip(puts, self.get_each([put[0] for put in puts.values()]), strict=True))
        late = [
            place
            for place, one in found.items()
            if errors[place] is None and not isinstance(one, LocumError) and self.same(one, puts[place][2])
        ]
        if late and self.look_again():
            found |= dict(zip(late, self.get_each([puts[place][0] for place in late]), strict=True))
        return found

    def look_again(self) -> bool:
        """Wait a moment, where the system may show late what it was told; False where it never does."""
        return False

    def _step(self, item: Item, before: Kept, *, later: bool) -> Put | Standing | LocumError:
        """What is to be put; or what stands, where nothing is to be done."""
        mailbox, wanted, expect = item
        try:
            if later and self.revised(before) != expect.revision:
                return Conflict("one-place-changed", mailbox=mailbox.address, connector=self.name)
            target = self.decided(mailbox, wanted, expect, before)
            if target is None:
                return self.recognised(self.standing(before), wanted.replies)
        except LocumError as error:
            return error
        return mailbox, target, before

    def _settled(
        self, item: Item, put: Put, error: LocumError | None, found: Kept | LocumError
    ) -> Standing | LocumError:
        """What stands after `put`; where that brought no answer (`error`), whether the far side acted after all."""
        if isinstance(found, LocumError):
            return error or found
        try:
            if error is not None and not self.same(found, put[1]):
                return error
            return self.recognised(self.standing(found), item[1].replies)
        except LocumError as strange:
            return strange

    def _stands(self, found: Kept | LocumError) -> Standing | LocumError:
        if isinstance(found, LocumError):
            return found
        try:
            return self.standing(found)
        except LocumError as error:
            return error
