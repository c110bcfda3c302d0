"""Where a record lies."""

from typing import NamedTuple


class Place(NamedTuple):
    """The identity of a topic's log, the topic, the partition and the offset; ordered within one partition of a log."""

    log: str
    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return "/".join(map(str, self))
