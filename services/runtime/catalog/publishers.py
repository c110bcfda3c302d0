"""Who publishes, and what they may report."""

from collections.abc import Iterable, Iterator
from datetime import date

from contracts.catalog import Publisher
from contracts.topics import Topic, own_topic
from services.runtime.catalog.tree import OrgTree

ALL = "*"


def own_topics(province: str, publishers: Iterable[Publisher]) -> list[Topic]:
    """The topics of those that write to Kafka themselves."""
    return [own_topic(province, publisher.id) for publisher in publishers if publisher.principal is not None]


class Publishers:
    """Publishers, looked up by the CloudEvents `source` under which they speak."""

    def __init__(self, publishers: Iterable[Publisher], units: OrgTree) -> None:
        self._all = {publisher.id: publisher for publisher in sorted(publishers, key=lambda publisher: publisher.id)}
        self._by_source = {source: publisher for publisher in self._all.values() for source in publisher.sources}
        self._units = units

    def __iter__(self) -> Iterator[Publisher]:
        return iter(self._all.values())

    def __len__(self) -> int:
        return len(self._all)

    def get(self, publisher_id: str) -> Publisher | None:
        """The publisher of that id."""
        return self._all.get(publisher_id)

    def by_source(self, uri: str) -> Publisher | None:
        """The publisher that speaks under this `source`."""
        return self._by_source.get(uri)

    def may_report(self, publisher: Publisher, kpi_id: str, unit_id: str, on: date) -> bool:
        """Whether the publisher may report this KPI for this unit, as the tree is on that day."""
        if not publisher.valid_on(on) or not (ALL in publisher.kpis or kpi_id in publisher.kpis):
            return False
        allowed = publisher.units
        if ALL in allowed or unit_id in allowed:
            return True
        return any(above in allowed for above in self._units.ancestors(unit_id, on))
