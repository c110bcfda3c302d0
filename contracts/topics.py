"""The registry of topics: a topic is a declaration, and this is the only place that makes one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import NamedTuple

from contracts.alerts import AlertTransition, TransitionType
from contracts.base import WireModel
from contracts.catalog import MANIFEST_KIND, OBJECT_MODELS, Manifest
from contracts.observations import ObservationRecorded
from contracts.progress import ProgressJudged
from contracts.statistics import StatisticDoubted, StatisticRejected, StatisticReported

DLQ_SUFFIX = ".dlq"

MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Topic:
    """What is said on a topic, by whom, to whom, and how long it is kept. `retention` None: kept by compaction."""

    name: str
    purpose: str
    key: str
    payloads: Mapping[str, type[WireModel]]
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    partitions: int = 12
    retention: timedelta | None = MONTH
    min_compaction_lag: timedelta | None = None
    dead_letters: bool = False
    log_identity: bool = field(default=False)
    """Whether offsets of this topic are kept outside it, so that a recreated one must be told from the old."""

    @property
    def dlq(self) -> str:
        """Where the bytes go that cannot be processed."""
        return self.name + DLQ_SUFFIX

    def config(self) -> dict[str, str]:
        """The topic's settings on the broker."""
        if self.retention is not None:
            return {"cleanup.policy": "delete", "retention.ms": _ms(self.retention)}
        lag = {"min.compaction.lag.ms": _ms(self.min_compaction_lag)} if self.min_compaction_lag else {}
        return {"cleanup.policy": "compact", **lag}


def _ms(span: timedelta) -> str:
    return str(int(span.total_seconds() * 1000))


STATISTICS_REPORTED = Topic(
    name="statistics.reported.v1",
    purpose="What publishers say.",
    key="any; advice: province/kpi/org_unit",
    payloads={"vn.tiendo.statistic.reported.v1": StatisticReported},
    producers=("publishers", "gateway"),
    consumers=("ingest",),
    dead_letters=True,
    log_identity=True,
)
STATISTICS_REJECTED = Topic(
    name="statistics.rejected.v1",
    purpose="Why a statistic was refused.",
    key="source of the publisher",
    payloads={"vn.tiendo.statistic.rejected.v1": StatisticRejected},
    producers=("ingest",),
    consumers=("publishers", "gateway", "alerts"),
    partitions=3,
)
STATISTICS_DOUBTED = Topic(
    name="statistics.doubted.v1",
    purpose="Accepted, but other figures raise a doubt.",
    key="source of the publisher",
    payloads={"vn.tiendo.statistic.doubted.v1": StatisticDoubted},
    producers=("metrics",),
    consumers=("publishers", "gateway", "alerts"),
    partitions=3,
)
OBSERVATIONS = Topic(
    name="observations.v1",
    purpose="Checked, resolved and stamped figures.",
    key="province/kpi",
    payloads={"vn.tiendo.observation.recorded.v1": ObservationRecorded},
    producers=("ingest",),
    consumers=("metrics", "alerts"),
)
PROGRESS = Topic(
    name="progress.v1",
    purpose="The judgement of each KPI, unit and period.",
    key="province/kpi/org_unit/period",
    payloads={"vn.tiendo.progress.judged.v1": ProgressJudged},
    producers=("metrics",),
    consumers=("alerts", "gateway"),
    retention=None,
    min_compaction_lag=timedelta(days=7),
)
ALERTS = Topic(
    name="alerts.v1",
    purpose="The transitions of alerts.",
    key="alert_id",
    payloads={f"vn.tiendo.alert.{kind}.v1": AlertTransition for kind in TransitionType},
    producers=("alerts",),
    consumers=("gateway",),
    partitions=6,
)
CATALOG = Topic(
    name="catalog.v1",
    purpose="Definitions, org tree, targets, rules and calendars; the manifest of a version comes last.",
    key="province/<kind>/<id>; the manifest: province/catalog/<province>",
    payloads={
        **{f"vn.tiendo.catalog.{kind}.v1": model for kind, model in OBJECT_MODELS.items()},
        f"vn.tiendo.catalog.{MANIFEST_KIND}.v1": Manifest,
    },
    producers=("operators",),
    consumers=("ingest", "metrics", "alerts", "gateway"),
    partitions=1,
    retention=None,
)

TOPICS = (STATISTICS_REPORTED, STATISTICS_REJECTED, STATISTICS_DOUBTED, OBSERVATIONS, PROGRESS, ALERTS, CATALOG)
"""All topics, in the order of the flow."""


# A publisher that writes to Kafka itself has a topic of its own, to which the broker lets nobody else write.

OWN_PREFIX = STATISTICS_REPORTED.name + ".from."
"""How the names of such topics begin."""

_PROVINCE_AND_PUBLISHER = r"([a-z0-9][a-z0-9_-]*)\.([a-z0-9][a-z0-9._-]*)"

INBOUND = rf"{re.escape(STATISTICS_REPORTED.name)}(?:\.from\.{_PROVINCE_AND_PUBLISHER})?$"
"""Matches the topics over which figures come in: the one for all, and those of single publishers."""

_INBOUND = re.compile(INBOUND)


OWN = replace(
    STATISTICS_REPORTED,
    name=OWN_PREFIX + "{province}.{publisher}",
    purpose="What one publisher says, whom the broker knows by its principal. There is one for each that has one.",
    producers=("publishers",),
    dead_letters=False,
)
"""The pattern of the publishers' own topics. Their dead letters go where those of the topic for all go."""


class TopicOwner(NamedTuple):
    """The publisher whose topic it is."""

    province: str
    publisher: str


def own_topic(province: str, publisher: str) -> Topic:
    """The topic of one publisher.

    The province's id must be without dots, by which it is told from the publisher's.
    """
    topic = replace(OWN, name=OWN.name.format(province=province, publisher=publisher))
    if owner_of(topic.name) != (province, publisher):
        raise ValueError(f"no topic can be named after {province!r} and {publisher!r}")
    return topic


def owner_of(topic: str) -> TopicOwner | None:
    """Whose own topic it is; None for every other topic."""
    found = _INBOUND.match(topic)
    return TopicOwner(found[1], found[2]) if found is not None and found[1] is not None else None
