"""The logs from which figures come in: that of the topic for all, and those of the publishers' own topics.

Each has an identity of its own, by which coordinates say which topic they are of.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping

LogPartition = tuple[str, int]
"""A log, and one of its partitions."""


class Logs:
    """The identities of the logs that were met so far. `of` is asked once for each topic."""

    def __init__(self, of: Callable[[str], Awaitable[str]], known: Mapping[str, str] | None = None) -> None:
        self._of = of
        self._known = dict(known or {})

    async def meet(self, topics: Iterable[str]) -> None:
        """Know the logs of these. Raises whatever the store raises."""
        for topic in topics:
            if topic not in self._known:
                self._known[topic] = await self._of(topic)

    def __contains__(self, topic: str) -> bool:
        return topic in self._known

    def __getitem__(self, topic: str) -> str:
        """The log of a topic that was met."""
        return self._known[topic]
