"""Keys in memory that keep the promises of those in MongoDB, as far as whoever answers requests needs them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from services.gateway import keys
from services.gateway.keys import Key, Made, Scope

YEAR = timedelta(days=365)


class FakeKeys:
    """See `services.gateway.key_store.KeyStore`. `asked` counts the questions, `noted` the uses."""

    def __init__(self) -> None:
        self.kept: dict[str, Key] = {}
        self.asked = 0
        self.noted: list[tuple[str, datetime]] = []

    async def find(self, key_id: str) -> Key | None:
        self.asked += 1
        return self.kept.get(key_id)

    async def used(self, key_id: str, now: datetime) -> None:
        self.noted.append((key_id, now))

    def give(self, publisher: str, *scopes: Scope, province: str = "dak-nong", age: timedelta = timedelta()) -> str:
        """A new key of that publisher; its text. `age`: it was made so long ago, for a year."""
        made = a_key(publisher, *scopes, province=province, now=datetime.now(UTC) - age)
        self.kept[made.key.id] = made.key
        return made.text

    def give_person(self, person: str, *, province: str = "dak-nong") -> str:
        """A new key of that person; its text."""
        made = a_persons_key(person, province=province)
        self.kept[made.key.id] = made.key
        return made.text

    def revoke(self, text: str) -> None:
        """Let a key hold no longer."""
        key_id = text.split("_")[1]
        self.kept[key_id] = replace(self.kept[key_id], revoked=datetime.now(UTC))


def a_key(publisher: str, *scopes: Scope, province: str = "dak-nong", now: datetime | None = None) -> Made:
    """A key for a year, good for everything unless scopes are named."""
    begins = now or datetime.now(UTC)
    given = scopes or keys.PUBLISHERS_SCOPES
    return keys.make(province=province, publisher=publisher, name="test", scopes=given, now=begins, lasts=YEAR)


def a_persons_key(person: str, *, province: str = "dak-nong", now: datetime | None = None) -> Made:
    """A person's key for a year."""
    begins = now or datetime.now(UTC)
    return keys.make(province=province, person=person, name="test", scopes=keys.PEOPLES_SCOPES, now=begins, lasts=YEAR)
