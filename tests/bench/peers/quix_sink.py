"""Quix Streams with its own MongoDB sink: reads observations and writes each into its cell, or reads reported figures
and writes each under its identity; and nothing else.

Runs with the Python of `build/peers`, since Quix Streams does not go together with the pydantic that we use.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

from quixstreams import Application
from quixstreams.models import TopicConfig
from quixstreams.sinks import SinkBatch
from quixstreams.sinks.base.item import SinkItem
from quixstreams.sinks.community.mongodb import MongoDBSink

CHECKPOINT = 10_000
"""Figures that are written together. By default it is as many as come in five seconds, which is about that."""


class CountingSink(MongoDBSink):  # type: ignore[misc]
    """Says how much is written."""

    def __init__(self, host: str, port: int, group: str, under: Callable[[SinkItem], dict[str, str]]) -> None:
        super().__init__(
            host,
            "bench_quix",
            group,
            port=port,
            document_matcher=under,
            w="majority",
            journal=True,
            directConnection=True,
        )
        self._written = 0
        self._begun = False

    def add(self, *record: Any, **named: Any) -> None:
        """Take a record in; at the first one the clock starts."""
        if not self._begun:
            self._begun = True
            say(0)
        super().add(*record, **named)

    def write(self, batch: SinkBatch) -> None:
        """Write, then count."""
        super().write(batch)
        self._written += batch.size
        say(self._written)


def say(written: int) -> None:
    """How far it has come."""
    sys.stdout.write(f"@ {written} {time.monotonic()} {time.process_time()}\n")
    sys.stdout.flush()


def cell(record: SinkItem) -> dict[str, str]:
    """The cell of a figure: its KPI, unit and period."""
    value = record.value
    return {"_id": f"{value['kpi']}/{value['org_unit']}/{value['period']}"}


def identity(record: SinkItem) -> dict[str, str]:
    """The identity of a reported figure: its source and id, which stand in the headers."""
    said = dict(record.headers)
    return {"_id": f"{said['ce_source'].decode()} {said['ce_id'].decode()}"}


UNDER = {"observations.v1": cell, "statistics.reported.v1": identity}


def main(bootstrap: str, mongo: str, group: str, name: str = "observations.v1") -> None:
    """Consume until ended."""
    host, _, port = mongo.rpartition(":")
    application = Application(
        bootstrap,
        consumer_group=group,
        auto_offset_reset="earliest",
        auto_create_topics=False,
        commit_every=CHECKPOINT,
        loglevel="WARNING",
    )
    topic = application.topic(name, value_deserializer="json", config=TopicConfig(12, 1))
    application.dataframe(topic).sink(CountingSink(host, int(port), group, UNDER[name]))
    application.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
