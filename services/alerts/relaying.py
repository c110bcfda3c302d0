"""The second stage: decided transitions go into the groups of their recipients, and out on `alerts.v1`.

Groups take a transition in once, by its alert and number; readers of the topic know a repeat by its id. So the whole
stage can be done again after a crash anywhere in it.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Protocol

from contracts import envelope
from contracts.topics import ALERTS
from services.alerts.alert import Transition
from services.alerts.grouping import Group, keys_of, take_in
from services.alerts.measures import Measures
from services.alerts.ports import Alerts, GroupChange, Groups, Pending
from services.runtime.clock import Clock
from services.runtime.kafka.producer import Outgoing

SOURCE = "urn:tiendo:alerts"

BATCH = 500
"""Alerts that are relayed in one round."""


class Producer(Protocol):
    """What publishes."""

    async def publish(self, topic: str, records: Sequence[Outgoing]) -> None:
        """Return when all are acknowledged; raise `Transient` otherwise."""
        ...


class Relay:
    """Empties the outboxes of alerts."""

    def __init__(self, alerts: Alerts, groups: Groups, producer: Producer, clock: Clock, measures: Measures) -> None:
        self._alerts = alerts
        self._groups = groups
        self._producer = producer
        self._clock = clock
        self._measures = measures

    async def relay(self, ids: Collection[str] | None) -> int:
        """Relay what these alerts have (None: what was left lying); how many transitions it was."""
        todo = list(ids) if ids is not None else None
        done = 0
        while todo is None or todo:
            share = todo[:BATCH] if todo is not None else None
            pending = await self._alerts.pending(share, BATCH)
            done += await self._relay(pending)
            if todo is None:
                break
            todo = todo[BATCH:]
        return done

    async def _relay(self, pending: Sequence[Pending]) -> int:
        transitions = [transition for one in pending for transition in one.transitions]
        if not transitions:
            return 0
        await self._into_groups(transitions)
        await self._producer.publish(ALERTS.name, [self._outgoing(transition) for transition in transitions])
        await self._alerts.relayed({one.alert_id: one.transitions[-1].wire.seq for one in pending if one.transitions})
        for transition in transitions:
            self._measures.transitions.labels(transition.wire.type.value).inc()
        return len(transitions)

    async def _into_groups(self, transitions: Sequence[Transition]) -> None:
        concerned = [(transition, keys_of(transition)) for transition in transitions]
        received = datetime.now(UTC)
        while True:
            stored = await self._groups.load({one for _, keys in concerned for one in keys})
            groups = dict(stored)
            for transition, keys in concerned:
                for one, (key, recipient) in keys.items():
                    groups[one] = take_in(groups.get(one) or Group(key, recipient), transition, received)
            changes = [GroupChange(group) for one, group in groups.items() if group is not stored.get(one)]
            if await self._groups.save(changes):
                return
            self._measures.conflicts.labels("groups").inc()

    def _outgoing(self, transition: Transition) -> Outgoing:
        wire = transition.wire
        headers = envelope.write(
            id=f"{wire.alert_id}@{wire.seq}",
            source=SOURCE,
            type=f"vn.tiendo.alert.{wire.type.value}.v1",
            time=wire.at,
            subject=wire.alert_id,
            extensions=self._clock.stamp(),
        )
        return Outgoing(wire.alert_id.encode(), wire.model_dump_json().encode(), headers)
