"""Operational metrics: each is declared here once, with what it means and what to do when it looks wrong."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest


class Telemetry:
    """The metrics that every service has. Services add their own on the same registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.consumed = self.counter(
            "consumed", "Records handled and committed. Standing still while lag grows: see the log.", "topic"
        )
        self.published = self.counter("published", "Records acknowledged by the broker.", "topic")
        self.dead_letters = self.counter(
            "dead_letters",
            "Records quarantined. They are kept, unchanged, in the topic `<topic>.dlq`; their headers `dlq_*` say why.",
            "topic",
            "reason",
        )
        self.not_unpacked = self.counter(
            "batches_not_unpacked",
            "Compressed batches that are damaged, or too large unpacked. Each went on as one record; see the log.",
        )
        self.retries = self.counter(
            "retries", "Batches tried again. Rising: broker or database is away or slow.", "topic"
        )
        self.fenced = self.counter(
            "fenced", "Writes refused because another process had written. Normal in a rebalance.", "topic"
        )
        self.halted = self.gauge(
            "halted_partitions",
            "Partitions stopped by the fuse. Above 0: read the log, mend, restart (ingest: `tiendo dlq resume`).",
            "topic",
        )
        self.lag = self.gauge("consumer_lag_records", "Records on the broker that are not handled yet.", "topic")
        self.oldest = self.gauge(
            "oldest_unprocessed_seconds", "Age of the oldest record of the batch in hand; 0 when idle.", "topic"
        )
        self.batch_seconds = self.histogram(
            "batch_seconds", "Time from the first byte of a batch to its commit.", "topic"
        )

    def counter(self, name: str, meaning: str, *labels: str) -> Counter:
        """`tiendo_<name>_total`."""
        return Counter(f"tiendo_{name}", meaning, labels, registry=self.registry)

    def gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        """`tiendo_<name>`."""
        return Gauge(f"tiendo_{name}", meaning, labels, registry=self.registry)

    def histogram(self, name: str, meaning: str, *labels: str) -> Histogram:
        """`tiendo_<name>`, with buckets from 1 ms to 30 s."""
        buckets = (0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
        return Histogram(f"tiendo_{name}", meaning, labels, registry=self.registry, buckets=buckets)

    def exposition(self) -> bytes:
        """The text that Prometheus scrapes."""
        return generate_latest(self.registry)
