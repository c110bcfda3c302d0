"""Apache Kafka 4.1 (KRaft, one node) from Maven Central's jars: the real broker on a machine with Java 17 and Maven.

For what the embedded broker cannot do: durability, idempotent producers, transactions, end offsets, compaction,
retention.
"""

from deploy.embedded.kafka.jars import KAFKA_VERSION, why_not
from deploy.embedded.kafka.server import Guard, Kafka, start

__all__ = ["KAFKA_VERSION", "Guard", "Kafka", "start", "why_not"]
