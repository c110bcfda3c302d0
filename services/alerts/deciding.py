"""The first stage: progress records and ticks become decisions, written with their effects in one document.

A batch costs one find and one bulk write. A worker that was overtaken reads and decides again; what the other one wrote
makes its own records no news (C19).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from contracts.catalog import EscalationStep, Rule
from contracts.progress import ProgressJudged
from services.alerts.alert import Alert, Key, Told, Transition
from services.alerts.audience import Gap
from services.alerts.decide import Audience, Command, Decision, Row, Tick, decide
from services.alerts.escalating import NO_WAYS, Ways
from services.alerts.measures import Measures
from services.alerts.ports import AlertChange, Alerts, Catalogs
from services.alerts.watching import Watch
from services.runtime.catalog import Catalog

log = structlog.get_logger()

TICKS = 500
"""Alerts that one round of ticks takes."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A progress record, and the business time that came with it."""

    record: ProgressJudged
    moment: datetime | None = None


@dataclass(slots=True)
class Work:
    """One alert in the course of a batch: as it was read, as it is now, and what was decided on the way."""

    alert: Alert
    changed: bool = False
    effects: tuple[Transition, ...] = ()

    def takes(self, decision: Decision) -> None:
        """The next step."""
        self.changed = self.changed or decision.alert is not self.alert
        self.alert = decision.alert
        self.effects += decision.effects


@dataclass(frozen=True, slots=True)
class Observed:
    """How far a batch was taken, up to which business time, and which alerts have something to relay."""

    taken: int
    now: datetime
    ids: frozenset[str]


class Decider:
    """Decides on records and on timers, and writes what it decided."""

    def __init__(self, alerts: Alerts, catalogs: Catalogs, measures: Measures) -> None:
        self._alerts = alerts
        self._catalogs = catalogs
        self._measures = measures
        self._watches: dict[str, Watch] = {}
        self._reconsidered: dict[str, Catalog] = {}
        """The catalog of each province under which what is open was last looked at."""

    async def observe(self, batch: Sequence[Arrived], now: datetime, horizon: datetime | None) -> Observed:
        """Decide on the records in order, each at the business time that it brings.

        Stops before a record that would move the time to `horizon`, or to where something that was decided on the way
        falls due: that has to be told first.
        """
        while True:
            keys = {key.alert_id: key for arrived in batch for key, _ in self._keys(arrived.record)}
            stored = await self._alerts.load(keys)
            work = {one: Work(stored.get(one) or Alert(key)) for one, key in keys.items()}
            observed, rows = self._decide(batch, work, now, horizon)
            changes = [AlertChange(item.alert, item.effects) for item in work.values() if item.changed]
            if await self._alerts.save(changes):
                for row, times in rows.items():
                    self._measures.decisions.labels(row.value).inc(times)
                return observed
            self._measures.conflicts.labels("alerts").inc()

    async def tick(self, now: datetime) -> frozenset[str]:
        """Decide on every timer that is due; the alerts that have something to relay."""
        relay: set[str] = set()
        while True:
            # Without its catalog nothing is known of an alert's rule; it waits, and holds up no other province.
            due = await self._alerts.due(now, self._catalogs.provinces(), TICKS)
            if not due:
                return frozenset(relay)
            changes = []
            for alert in due:
                rule = self._rule(alert.key)
                decision = decide(
                    alert, rule, Tick(), now, self._audience(alert, rule, now), self._ways(alert.key, now)
                )
                self._measures.decisions.labels(decision.row.value).inc()
                changes.append(AlertChange(decision.alert, decision.effects))
                relay.update(effect.wire.alert_id for effect in decision.effects)
            if not await self._alerts.save(changes):
                self._measures.conflicts.labels("alerts").inc()

    async def command(self, alert_id: str, command: Command, now: datetime) -> Decision | None:
        """Decide on somebody's command; None for an alert that does not exist."""
        while True:
            alert = (await self._alerts.load([alert_id])).get(alert_id)
            if alert is None:
                return None
            concerned = partial(self._concerned, alert, command.by, now)
            decision = decide(alert, self._rule(alert.key), command, now, concerned, self._ways(alert.key, now))
            if decision.alert is alert or await self._alerts.save([AlertChange(decision.alert, decision.effects)]):
                self._measures.decisions.labels(decision.row.value).inc()
                return decision
            self._measures.conflicts.labels("alerts").inc()

    async def reconsider(self, now: datetime) -> frozenset[str]:
        """Decide on what is open in provinces whose catalog changed; the alerts that have something to relay.

        Also once after a start: the catalog may have changed while nobody looked.
        """
        relay: set[str] = set()
        for province in sorted(self._catalogs.provinces()):
            catalog = self._catalogs.of(province)
            if catalog is None or self._reconsidered.get(province) is catalog:
                continue
            await self._reconsider(province, now, relay)
            self._reconsidered[province] = catalog
        return frozenset(relay)

    async def _reconsider(self, province: str, now: datetime, relay: set[str]) -> None:
        after = ""
        while found := await self._alerts.watching(province, after, TICKS):
            watch = self._watch(province)
            assert watch is not None
            decided = [
                (alert, decide(alert, *watch.reconsidered(alert), now, ways=self._ways(alert.key, now)))
                for alert in found
            ]
            changed = [decision for alert, decision in decided if decision.alert is not alert]
            if not await self._alerts.save([AlertChange(one.alert, one.effects) for one in changed]):
                self._measures.conflicts.labels("alerts").inc()
                continue  # read again from the same place
            for decision in changed:
                self._measures.decisions.labels(decision.row.value).inc()
                relay.update(effect.wire.alert_id for effect in decision.effects)
            after = found[-1].key.alert_id

    def _decide(
        self, batch: Sequence[Arrived], work: Mapping[str, Work], now: datetime, horizon: datetime | None
    ) -> tuple[Observed, Counter[Row]]:
        rows: Counter[Row] = Counter()
        taken = 0
        for arrived in batch:
            if arrived.moment is not None and arrived.moment > now:
                if taken and horizon is not None and arrived.moment >= horizon:
                    break
                now = arrived.moment
            taken += 1
            for key, rule in self._keys(arrived.record):
                item = work[key.alert_id]
                decision = self._one(item.alert, rule, arrived.record, now)
                if decision is None:
                    continue
                rows[decision.row] += 1
                item.takes(decision)
                for effect in decision.effects:
                    due = now + timedelta(seconds=effect.wait_s)
                    horizon = due if horizon is None else min(horizon, due)
                if (due_at := decision.alert.next_due_at) is not None:
                    horizon = due_at if horizon is None else min(horizon, due_at)
        changed = frozenset(one for one, item in work.items() if item.effects)
        return Observed(taken, now, changed), rows

    def _one(self, alert: Alert, rule: Rule, record: ProgressJudged, now: datetime) -> Decision | None:
        watch = self._watch(record.province)
        seen = watch.observation(record) if watch is not None else None
        if watch is None or seen is None:
            return None
        if record.target is None and alert.head is None:
            return None  # nothing was promised: nothing to keep

        return decide(alert, rule, seen, now, lambda: self._told(watch, rule, record, now), self._ways(alert.key, now))

    def _told(self, watch: Watch, rule: Rule, record: ProgressJudged, now: datetime) -> Told:
        found = watch.audience(rule, record, now.astimezone(watch.catalog.zone).date())
        self._name_gaps(watch, found.gaps)
        return found.told

    def _audience(self, alert: Alert, rule: Rule | None, now: datetime) -> Audience:
        """Whom a timer of this alert would tell."""
        watch, waits = self._watch(alert.key.province), alert.waiting or alert.waived
        record = waits.record if waits is not None else None
        if watch is None or rule is None or record is None:
            return Told
        return lambda: self._told(watch, rule, record, now)

    def _concerned(self, alert: Alert, by: str, now: datetime) -> Told:
        """Who answers for the figure of an alert that is open, and who asks them."""
        watch = self._watch(alert.key.province)
        if watch is None or alert.open is None:
            return Told()
        found = watch.concerned(alert.open.record, by, now.astimezone(watch.catalog.zone).date())
        self._name_gaps(watch, found.gaps)
        return found.told

    def _ways(self, key: Key, now: datetime) -> Ways:
        """How this alert climbs under the catalog of now."""
        watch = self._watch(key.province)
        if watch is None:
            return NO_WAYS

        def standing(step: EscalationStep) -> Told:
            found = watch.standing(step, key.org_unit, now.astimezone(watch.catalog.zone).date())
            self._name_gaps(watch, found.gaps)
            return found.told

        return Ways(watch.clock, standing)

    def _name_gaps(self, watch: Watch, gaps: Sequence[Gap]) -> None:
        """Count vacant posts, and name each once for a version of the catalog."""
        for gap in gaps:
            self._measures.org_gaps.labels(gap.role).inc()
            if gap not in watch.gaps_named:
                watch.gaps_named.add(gap)
                remedy = "name somebody for the post in people.yaml"
                log.warning("org_gap", role=gap.role, org_unit=gap.unit, remedy=remedy)

    def _keys(self, record: ProgressJudged) -> list[tuple[Key, Rule]]:
        watch = self._watch(record.province)
        if watch is None:
            return []
        return [
            (Key(record.province, rule.id, record.kpi, record.org_unit, record.period), rule)
            for rule in watch.rules_for(record)
        ]

    def _rule(self, key: Key) -> Rule | None:
        watch = self._watch(key.province)
        return watch.rules.get(key.rule) if watch is not None else None

    def _watch(self, province: str) -> Watch | None:
        catalog: Catalog | None = self._catalogs.of(province)
        if catalog is None:
            return None
        watch = self._watches.get(province)
        if watch is None or watch.catalog is not catalog:
            watch = self._watches[province] = Watch(catalog)
        return watch
