"""What went back to publishers, in memory; one suite of tests runs against this and `services.gateway.replies`."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from services.gateway.documents import Document
from services.gateway.replies import MOST_OF_A_PAGE, MOST_OF_AN_EVENT, Position


class FakeReplies:
    """See `services.gateway.replies.Replies`."""

    def __init__(self) -> None:
        self.refusals: dict[str, Document] = {}
        self.doubts: dict[str, Document] = {}

    async def put_refusals(self, documents: Sequence[Document]) -> None:
        for one in documents:
            self.refusals.setdefault(one["_id"], dict(one))

    async def put_doubts(self, documents: Sequence[Document]) -> None:
        for one in documents:
            self.doubts.setdefault(one["_id"], dict(one))

    async def of_event(self, identity: str) -> tuple[list[Document], list[Document]]:
        return (
            _latest(self.refusals.values(), {identity})[:MOST_OF_AN_EVENT],
            _latest(self.doubts.values(), {identity})[:MOST_OF_AN_EVENT],
        )

    async def of_events(self, identities: Iterable[str]) -> tuple[list[Document], list[Document]]:
        wanted = set(identities)
        refusals, doubts = _latest(self.refusals.values(), wanted), _latest(self.doubts.values(), wanted)
        return [_short(one) for one in refusals[:MOST_OF_A_PAGE]], [_short(one) for one in doubts[:MOST_OF_A_PAGE]]

    async def refused(
        self, sources: Iterable[str], since: datetime | None, before: Position | None, limit: int
    ) -> list[Document]:
        wanted = set(sources)
        found = [one for one in self.refusals.values() if one["source"] in wanted]
        found = [one for one in sorted(found, key=_position, reverse=True) if before is None or _position(one) < before]
        return [_short(one) for one in found if since is None or one["at"] >= since][:limit]


def _latest(documents: Iterable[Document], wanted: set[str]) -> list[Document]:
    return sorted((one for one in documents if one["identity"] in wanted), key=_position, reverse=True)


def _position(one: Document) -> Any:
    return one["at"], one["_id"]


def _short(one: Document) -> Document:
    return {name: value for name, value in one.items() if name != "said"}
