"""Who holds which role where, and on which day."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date

from contracts.catalog import Person, Post


class People:
    """Everybody who can get mail, looked up by role and unit. Asked when a mail is decided, never kept."""

    def __init__(self, people: Iterable[Person]) -> None:
        self._all = {person.id: person for person in sorted(people, key=lambda person: person.id)}
        self._holders: dict[tuple[str, str], list[tuple[Post, Person]]] = defaultdict(list)
        for person in self._all.values():
            for post in person.posts:
                self._holders[post.role, post.unit].append((post, person))

    def __iter__(self) -> Iterator[Person]:
        return iter(self._all.values())

    def __len__(self) -> int:
        return len(self._all)

    def get(self, person_id: str) -> Person | None:
        """The person of that id."""
        return self._all.get(person_id)

    def holding(self, role: str, unit_id: str, on: date) -> tuple[Person, ...]:
        """Those who hold the role at the unit on that day; nobody, if the post is vacant."""
        holders = self._holders.get((role, unit_id), ())
        return tuple(dict.fromkeys(person for post, person in holders if post.valid_on(on)))
