"""What the four services say about themselves while they run: their `/metrics`, as a Prometheus would read them."""

import asyncio
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

from contracts.topics import OBSERVATIONS, PROGRESS, STATISTICS_REPORTED
from deploy.embedded.system import SERVICES, System

TIMEOUT_S = 2.0

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


@dataclass(frozen=True, slots=True)
class Gauges:
    """One reading of all services. A service that did not answer has no samples."""

    samples: Mapping[str, Samples] = field(default_factory=dict)

    def total(self, service: str, name: str, **labels: str) -> int:
        """The sum of one metric of a service over all labels but those given."""
        wanted = frozenset(labels.items())
        return round(
            sum(
                value
                for (sample, tags), value in self.samples.get(service, {}).items()
                if sample == name and wanted <= tags
            )
        )

    def halted(self) -> str | None:
        """The first service whose fuse has stopped a partition, or None."""
        return next((service for service in self.samples if self.total(service, "tiendo_halted_partitions")), None)

    def behind(self) -> int:
        """Records that are on the broker and not handled yet, over all services."""
        return sum(self.total(service, "tiendo_consumer_lag_records") for service in self.samples)

    def settled(self, sent: int) -> bool:
        """Whether everything sent has gone all the way: each service handled what the one before published."""
        published = {topic: self.total(by, "tiendo_published_total", topic=topic) for by, topic in _BY}
        return self.total("ingest", "tiendo_consumed_total", topic=STATISTICS_REPORTED.name) >= sent and all(
            self.total(reader, "tiendo_consumed_total", topic=topic) >= published[topic] for reader, topic in _READERS
        )


_BY = (("ingest", OBSERVATIONS.name), ("metrics", PROGRESS.name))
_READERS = (("metrics", OBSERVATIONS.name), ("alerts", PROGRESS.name), ("gateway", PROGRESS.name))


async def read(system: System, services: Iterable[str] = SERVICES) -> Gauges:
    """Read all services side by side."""
    names = list(services)
    texts = await asyncio.gather(*(asyncio.to_thread(_get, system.url(name, "/metrics")) for name in names))
    return Gauges({name: _parse(text) for name, text in zip(names, texts, strict=True)})


def _get(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
            text: str = answer.read().decode()
            return text
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return ""


def _parse(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
