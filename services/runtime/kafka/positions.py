"""How far the assigned partitions have been handled, and where they end.

Only a fetch tells the end of a partition rightly on every broker: Tansu's ListOffsets counts the last batch as one
record.
"""

from collections.abc import Iterable, Mapping

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition


class Positions:
    """What one consumer knows of the partitions that are assigned to it."""

    def __init__(self) -> None:
        self._done: dict[TopicPartition, int] = {}
        self._found: dict[TopicPartition, int] | None = None

    def began(self, shares: Mapping[TopicPartition, list[ConsumerRecord]]) -> None:
        """These came, by partition: what is before them was handled."""
        for at, records in shares.items():
            self._done.setdefault(at, records[0].offset)

    def finished(self, shares: Mapping[TopicPartition, list[ConsumerRecord]]) -> None:
        """These are handled."""
        for at, records in shares.items():
            self._done[at] = records[-1].offset + 1

    def look_again(self) -> None:
        """Records are read once more: what lay on the topics is to be found anew."""
        self._found = None

    def forget(self) -> None:
        """Other partitions are assigned now."""
        self._done.clear()
        self._found = None

    async def handled(self, at: TopicPartition, consumer: AIOKafkaConsumer) -> int:
        """The offset before which every record of the partition was handled, here or by a predecessor."""
        done = self._done.get(at)
        if done is not None:
            return done
        committed = await consumer.committed(at)
        return max(committed or 0, int((await consumer.beginning_offsets([at]))[at]))

    async def end(self, at: TopicPartition, consumer: AIOKafkaConsumer) -> int:
        """The offset after the last record of the partition on the broker."""
        return max(int((await consumer.end_offsets([at]))[at]), _fetched_end(consumer, at) or 0)

    def lag(self, partitions: Iterable[TopicPartition], consumer: AIOKafkaConsumer) -> int:
        """Records of these partitions that are not handled yet, as far as they are known."""
        behind = 0
        for at in partitions:
            end = _fetched_end(consumer, at)
            if end is not None:
                behind += max(0, end - self._done.get(at, end))
        return behind

    async def find(self, partitions: Iterable[TopicPartition], consumer: AIOKafkaConsumer) -> None:
        """Find what lies on these partitions unhandled, once after they were assigned; before each of them was fetched
        from nothing is found."""
        if self._found is None:
            self._found = await self._unhandled(list(partitions), consumer)

    @property
    def reached(self) -> bool:
        """Whether all that was found has been handled."""
        return self._found is not None and all(self._done.get(one, 0) >= end for one, end in self._found.items())

    async def _unhandled(
        self, partitions: list[TopicPartition], consumer: AIOKafkaConsumer
    ) -> dict[TopicPartition, int] | None:
        """The ends of the partitions that reach beyond what is committed."""
        begins = await consumer.beginning_offsets(partitions)
        found = {}
        for at in partitions:
            committed, end = await consumer.committed(at), _fetched_end(consumer, at)
            if end is None:
                return None
            inside = committed is not None and begins[at] <= committed <= end
            if end > (committed if inside else begins[at]):
                found[at] = end
        return found


def _fetched_end(consumer: AIOKafkaConsumer, at: TopicPartition) -> int | None:
    """Where the partition ended at the last fetch; None before the first one, and if it is somebody else's now."""
    end: int | None = consumer.highwater(at) if at in consumer.assignment() else None
    return end
