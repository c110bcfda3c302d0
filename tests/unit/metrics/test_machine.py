"""Figures come, are corrected and withdrawn; targets, bounds and the tree change; days pass; processes crash, are
overtaken and start again from the beginning. After every step each field of each record equals the plain recomputation.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contracts.catalog import Kpi, Limits, LinearPlan, Target
from contracts.observations import ObservationRecorded
from contracts.progress import ProgressJudged
from services.runtime.catalog import Catalog
from services.runtime.errors import Fenced, Transient
from tests.model import recompute
from tests.unit.metrics.builders import UNITS, a_kpi, a_target, an_observation, day, local
from tests.unit.metrics.drafts import Drafts
from tests.unit.metrics.engine import Engine, different, plain, published
from tests.unit.metrics.test_against_the_model import CATALOG, DAYS, REPORTED, figures

DEEP = settings.get_current_profile_name() == "deep"

CIVIL_KPI = a_kpi("civil", "flow", calendar="civil", decimals=2, natural_limits=Limits(low=None, high=None))
OF_CIVIL_KPI = (
    a_target("p", 400, None, kpi="civil", id="civil"),
    a_target("p", 2000, None, kpi="civil", period="2021-2025", id="civil.span"),
    a_target("p.a.1", 90, 10, kpi="civil", period="2023-H2", id="civil.half"),
)
ALL_KPIS = (*REPORTED, CIVIL_KPI)
ALL_TARGETS = [one.model_copy(update={"id": f"{one.kpi}.{one.id}"}) for one in (*CATALOG.targets, *OF_CIVIL_KPI)]

BOUNDS: Sequence[dict[str, Any]] = (
    {"on_track_pace": Decimal("0.9"), "at_risk_pace": Decimal("0.5")},
    {"on_track_pace": Decimal(1), "at_risk_pace": Decimal("0.95")},
    {"stale_after": timedelta(days=10)},
    {"report_within_working_days": 20},
    {"cadence": "quarter"},
)

Key = tuple[str, str, str]

CRASHES = ("figures", "judgements", "publish", "half a publish", "commit")
LIMITED = ("as_of", "value", "numerator", "denominator", "planned", "gap", "pace", "completion", "status", "inputs")
"""What a former head says of itself, whatever came after it. The rest is about the present."""

OF_CATALOGS = {"catalog_changed", "closed_judged_again"}
"""Reasons that say what former catalogs had to do with it."""

AROUND = ("previous_status", "version", "catalog_version", "judged_at", "closed")


class Metrics(RuleBasedStateMachine):
    """One province. `log` is `observations.v1`, of which `done` records are committed."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.log: list[ObservationRecorded] = []
        self.done = 0
        self.torn = 0
        """Up to here records may be in the state though they are not committed."""
        self.last: tuple[Sequence[ObservationRecorded], dict[bytes, list[bytes]]] | None = None
        """The last batch and what it said, if nothing happened since."""
        self.raw_log = "log"
        self.offsets: dict[tuple[str, int], int] = {}
        self.heard = 0
        self.versions: dict[Key, dict[int, bytes]] = {}
        """What was said first under each version."""
        self.latest: dict[Key, ProgressJudged] = {}
        self.lost: dict[Key, int] = {}
        """Versions up to these were written by a process that crashed before it published them."""
        self.fresh = False
        self.judged_by: Catalog | None = None
        """The catalog before, while nobody has judged everything by the one in force."""

    def teardown(self) -> None:
        self.loop.close()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    # the world

    @initialize(
        kpis=st.lists(st.sampled_from(ALL_KPIS), min_size=1, max_size=2, unique_by=lambda kpi: kpi.id),
        days=st.lists(st.sampled_from(DAYS), min_size=1, max_size=6, unique=True),
        start=st.sampled_from(["2023-01-20", "2023-06-30", "2023-11-29"]),
    )
    def a_province(self, kpis: Sequence[Kpi], days: Sequence[date], start: str) -> None:
        self.kpis = {kpi.id for kpi in kpis}
        self.days = sorted({*days, day("2022-12-20")})
        self.drafts = Drafts([*UNITS, *kpis, *(one for one in ALL_TARGETS if one.kpi in self.kpis)])
        self.engine = Engine(self.drafts.catalog, local(start))
        self.run(self.engine.tick())
        self.fresh = True

    @property
    def today(self) -> date:
        return self.engine.clock.moment.date()

    @property
    def waiting(self) -> Sequence[ObservationRecorded]:
        return self.log[self.done :]

    # figures

    @rule(data=st.data(), count=st.integers(1, 6))
    def report(self, data: st.DataObject, count: int) -> None:
        for _ in range(count):
            self._report(data)

    def _report(self, data: st.DataObject) -> None:
        kpi = self.drafts.catalog.kpis[data.draw(st.sampled_from(sorted(self.kpis)))]
        as_of = data.draw(st.sampled_from([one for one in (*self.days, self.today) if one <= self.today]))
        units = [one for level in kpi.levels for one in self.drafts.catalog.units.of_level(level, as_of)]
        if not units:
            return
        org_unit = data.draw(st.sampled_from(units))
        increment = "increment" in kpi.modes and data.draw(st.booleans())
        given = data.draw(_figures(kpi, org_unit, increment))
        if not increment:
            given["retracts"] = data.draw(st.sampled_from([False] * 9 + [True]))
        self._append(
            data,
            kpi=kpi.id,
            org_unit=org_unit,
            as_of=as_of,
            mode="increment" if increment else "absolute",
            status=data.draw(st.sampled_from(["actual"] * 5 + ["preliminary", "forecast"])),
            source=data.draw(st.sampled_from(["urn:one", "urn:one", "urn:two"])),
            flags=data.draw(st.sampled_from([(), (), ("late",)])),
            **given,
        )

    def _append(self, data: st.DataObject, *, org_unit: str, as_of: date, **given: Any) -> None:
        """As ingest hands a figure on: raw offsets rise within a raw partition."""
        partition = data.draw(st.integers(0, 1))
        offset = self.offsets.get((self.raw_log, partition), 0)
        self.offsets[self.raw_log, partition] = offset + 1
        late = data.draw(st.integers(0, 40))
        reported_on = min(self.today, as_of + timedelta(days=late))
        evening = data.draw(st.integers(0, 9)) == 0
        observation = an_observation(
            org_unit,
            f"{as_of}T23:30:00+07:00" if evening else as_of.isoformat(),
            source_id=f"e{len(self.log)}",
            reported_at=datetime.fromisoformat(f"{reported_on}T12:00:00+07:00"),
            period="2023",
            **given,
        )
        raw = {"log": self.raw_log, "partition": partition, "offset": offset}
        self.log.append(observation.model_copy(update={"raw": observation.raw.model_copy(update=raw)}))

    @precondition(lambda self: self.log)
    @rule(data=st.data(), retracts=st.booleans())
    def correct(self, data: st.DataObject, retracts: bool) -> None:
        """Or withdraw."""
        absolute = [one for one in self.log if one.mode == "absolute" and not one.retracts]
        if not absolute:
            return
        former = data.draw(st.sampled_from(absolute))
        kpi = self.drafts.catalog.kpis[former.kpi]
        as_of = former.as_of.date() if isinstance(former.as_of, datetime) else former.as_of
        self._append(
            data,
            kpi=kpi.id,
            org_unit=former.org_unit,
            as_of=as_of,
            source=former.source,
            status=former.status,
            revision=former.revision + 1,
            retracts=retracts,
            **({} if retracts else data.draw(_figures(kpi, former.org_unit, False))),
        )

    @precondition(lambda self: self.log)
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        """As ingest does after a crash of its own: the same observations, from some former point on."""
        first = data.draw(st.integers(0, len(self.log) - 1))
        self.log += self.log[first : first + data.draw(st.integers(1, 5))]

    @rule()
    def the_raw_topic_is_made_anew(self) -> None:
        """Its offsets begin again at zero, in a log of another identity."""
        self.raw_log += "'"

    # delivery

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), parts=st.integers(1, 3))
    def deliver(self, data: st.DataObject, parts: int) -> None:
        """All that waits, in a few batches."""
        while parts and self.waiting:
            size = len(self.waiting) if parts == 1 else data.draw(st.integers(1, len(self.waiting)))
            self._take(size)
            parts -= 1

    def _take(self, size: int) -> None:
        batch = self.waiting[:size]
        before = dict(self.latest)
        said = len(self.engine.topic.records)
        self._until_not_fenced(size)
        whole = self.torn <= self.done
        self.last = batch, _by_record(self.engine.topic.records[said:])
        self.done += size
        self._hear()
        if whole:
            self._every_head_was_said(batch, before, said)
            self._whoever_came_first_named_the_catalog(size, before, said)

    def _give(self, engine: Engine, first: int, size: int) -> None:
        """Records of the log as the broker gives them: under their own offsets, by which a repeat is known."""
        self.run(engine.take(*self.log[first : first + size], offset=first))

    def _until_not_fenced(self, size: int) -> None:
        """A process that is fenced forgets, and reads again from the committed offset."""
        try:
            self._give(self.engine, self.done, size)
        except Fenced:
            self.run(self.engine.handler.forget())
            self._give(self.engine, self.done, size)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), where=st.sampled_from(CRASHES))
    def crash_in_a_batch(self, data: st.DataObject, where: str) -> None:
        """The next process gets the batch again, or one that is cut elsewhere."""
        size = data.draw(st.integers(1, len(self.waiting)))
        self._arm(where)
        with suppress(Transient):
            self._give(self.engine, self.done, size)
        self.torn = max(self.torn, self.done + size)
        self._restart()

    @rule()
    def restart(self) -> None:
        self._restart()

    @precondition(lambda self: self.last)
    @rule()
    def deliver_the_last_batch_again(self) -> None:
        """Its offsets were not committed; another process says the same under the same versions."""
        assert self.last is not None
        batch, said = self.last
        self.engine = self.engine.restarted()
        before = len(self.engine.topic.records)
        self._give(self.engine, self.done - len(batch), len(batch))
        again = _by_record(self.engine.topic.records[before:])
        wrong = {key: (again.get(key), said.get(key)) for key in again | said if again.get(key) != said.get(key)}
        assert not wrong, wrong
        self._hear()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def be_overtaken(self, data: st.DataObject) -> None:
        """A process is paused, another one takes over, the first wakes up and works on."""
        paused, self.engine = self.engine, self.engine.restarted()
        if data.draw(st.booleans()):  # it had written something that only it knows
            self._take(1)
        size = data.draw(st.integers(1, 4))
        said = len(self.engine.topic.records)
        try:
            self._give(paused, max(0, self.done - 1), size)
        except Fenced:
            assert len(self.engine.topic.records) == said
            self._note_what_is_lost()
        self.torn = max(self.torn, len(self.log))
        if self.waiting:
            self._take(len(self.waiting))
        self.last = None

    @precondition(lambda self: self.done)
    @rule(data=st.data())
    def deliver_everything_again(self, data: st.DataObject) -> None:
        """The offsets of the group are set to zero: no figure, no judgement and no version moves."""
        whole = self.torn <= self.done and self.judged_by is None
        before = _content(self.engine)
        self._restart()
        at = 0
        while at < self.done:
            size = data.draw(st.integers(1, self.done - at))
            self._give(self.engine, at, size)
            at += size
        if whole:
            after = _content(self.engine)
            wrong = {key: (before.get(key), after[key]) for key in after if after[key] != before.get(key)}
            assert not wrong, wrong
        self._hear()

    @precondition(lambda self: self.torn <= self.done and self.judged_by is None)
    @rule(data=st.data())
    def fold_everything_into_a_new_state(self, data: st.DataObject) -> None:
        """As a rebuild does: every record that it comes to says the same, byte for byte."""
        accepted = list({one.observation_id: one for one in self.log[: self.done]}.values())
        rebuilt = Engine(self.drafts.catalog, self.engine.clock.moment)
        at = 0
        while at < len(accepted):
            size = data.draw(st.integers(1, len(accepted) - at))
            self.run(rebuilt.take(*accepted[at : at + size]))
            at += size
        self.run(rebuilt.tick())
        again = _says(rebuilt)
        mine = _says(self.engine)
        wrong = {key: (mine.get(key), again[key]) for key in again if again[key] != mine.get(key)}
        assert not wrong, wrong

    # time and catalog

    @rule(days=st.sampled_from([1, 1, 2, 7, 15, 31, 62, 120]), crash=st.sampled_from([None, None, *CRASHES[1:4]]))
    def days_pass(self, days: int, crash: str | None) -> None:
        self.engine.clock.moment += timedelta(days=days)
        self._tick(crash)

    @rule(data=st.data(), crash=st.sampled_from([None, None, *CRASHES[1:4]]))
    def change_a_target(self, data: st.DataObject, crash: str | None) -> None:
        """From a day on, or as if it had always been so."""
        targets = self.drafts.targets()
        if not targets:
            return
        target = data.draw(st.sampled_from(targets))
        changes = data.draw(_changes(target))
        how = data.draw(st.sampled_from(["version", "version", "always", "drop"]))
        if how == "version":
            self._applied(self.drafts.change_target(target, data.draw(st.sampled_from(DAYS)), **changes), crash)
        elif how == "always":
            self._applied(self.drafts.apply(target.model_copy(update=changes)), crash)
        else:
            self._applied(self.drafts.drop_target(target), crash)

    @rule(data=st.data(), crash=st.sampled_from([None, None, *CRASHES[1:4]]))
    def set_a_target(self, data: st.DataObject, crash: str | None) -> None:
        kpi = data.draw(st.sampled_from(sorted(self.kpis)))
        unit = data.draw(st.sampled_from([one.id for one in self.drafts.catalog.units]))
        period = data.draw(st.sampled_from(["2023", "2023", "2024", "2022-2024", "2023-Q2"]))
        new = a_target(unit, 50, 5, kpi=kpi, period=period, id=f"new.{len(self.drafts.targets())}")
        self._applied(self.drafts.apply(new), crash)

    @rule(data=st.data(), looks=st.booleans())
    def change_bounds(self, data: st.DataObject, looks: bool) -> None:
        kpi = self.drafts.catalog.kpis[data.draw(st.sampled_from(sorted(self.kpis)))]
        self._applied(self.drafts.change_kpi(kpi, **data.draw(st.sampled_from(BOUNDS))), None, looks=looks)

    @rule(data=st.data())
    def change_a_target_and_come_late_to_look(self, data: st.DataObject) -> None:
        """Batches come before anybody judges by it; so may another catalog, which takes it back."""
        targets = [one for one in self.drafts.targets() if one.comparator != "band"]
        if targets:
            target = data.draw(st.sampled_from(targets))
            value = data.draw(st.sampled_from([Decimal(30), Decimal(95)]))
            self._applied(self.drafts.apply(target.model_copy(update={"value": value})), None, looks=False)

    @rule(data=st.data(), crash=st.sampled_from([None, None, *CRASHES[1:4]]))
    def move_a_unit(self, data: st.DataObject, crash: str | None) -> None:
        unit = data.draw(st.sampled_from([one for one in self.drafts.catalog.units if one.level == "commune"]))
        to = data.draw(st.sampled_from(["p.a", "p.b", "p"]))
        self._applied(self.drafts.move(unit, to, data.draw(st.sampled_from(DAYS))), crash)

    @rule(data=st.data(), crash=st.sampled_from([None, None, *CRASHES[1:4]]))
    def merge_units(self, data: st.DataObject, crash: str | None) -> None:
        on = data.draw(st.sampled_from(DAYS))
        level = data.draw(st.sampled_from(["commune", "commune", "district"]))
        there = self.drafts.catalog.units.of_level(level, on)
        units = [one for one in self.drafts.catalog.units if one.id in there and one.valid_to is None]
        if len(units) < 2:
            return
        some = data.draw(st.lists(st.sampled_from(units), min_size=1, max_size=2, unique_by=lambda one: one.id))
        self._applied(self.drafts.merge(some, f"m{self.drafts.catalog.number}", on), crash)

    def _applied(self, accepted: bool, crash: str | None, *, looks: bool = True) -> None:
        if not accepted:
            return
        if not looks:
            self.last = None
            self.judged_by = self.judged_by or self.engine.catalog
        self.engine.catalogs.switch(self.drafts.catalog)
        if looks:
            self._tick(crash)

    def _tick(self, crash: str | None) -> None:
        self.last = None
        if crash is not None:
            self._arm(crash)
            with suppress(Transient):
                self.run(self.engine.tick())
            self._restart()
        self.run(self.engine.tick())
        self.judged_by = None
        self._hear()

    def _arm(self, where: str) -> None:
        store, topic = self.engine.store, self.engine.topic
        store.lose_figures, store.lose_judgements = where == "figures", where == "judgements"
        topic.fail, topic.fail_after = where == "publish", 1 if where == "half a publish" else None

    def _restart(self) -> None:
        self._arm("nowhere")
        self._hear()
        self._note_what_is_lost()
        self.last = None
        self.engine = self.engine.restarted()

    def _note_what_is_lost(self) -> None:
        """What was written and not published."""
        for document in self.engine.store.judgements.values():
            for unit, cell in document["units"].items():
                key = document["kpi"].split("/", 1)[1], unit.replace("%2E", "."), document["period"]
                if cell["v"] not in self.versions.get(key, ()):
                    self.lost[key] = max(cell["v"], self.lost.get(key, 0))

    # what holds

    def _hear(self) -> None:
        """No version is left out but those that a crash lost."""
        for record in self.engine.topic.records[self.heard :]:
            assert record.value is not None
            one = ProgressJudged.model_validate_json(record.value)
            key = one.kpi, one.org_unit, one.period
            known = self.versions.setdefault(key, {})
            top = max(known, default=0)
            if one.version > top:
                assert one.version == top + 1 or one.version - 1 <= self.lost.get(key, 0), (key, top, one.version)
            else:
                assert one.version in known or one.version <= self.lost.get(key, 0), (key, top, one.version)
            known.setdefault(one.version, _content_of(record.value))
            if one.version >= top:
                self.latest[key] = one
        self.heard = len(self.engine.topic.records)
        self.fresh = False

    def _every_head_was_said(
        self, batch: Sequence[ObservationRecorded], before: dict[Key, ProgressJudged], said: int
    ) -> None:
        """Each date that a figure of the batch made the head of a record went out, in order, as it then stood."""
        records = [ProgressJudged.model_validate_json(one.value or b"") for one in self.engine.topic.records[said:]]
        heads: dict[Key, list[ProgressJudged]] = {}
        for record in records:
            heads.setdefault((record.kpi, record.org_unit, record.period), []).append(record)
        for key, mine in heads.items():
            versions = [one.version for one in mine]
            assert versions == sorted(versions), (key, versions)
        counted = self.log[: self.done]
        days = sorted({_day_of(one) for one in batch if one.status != "forecast"})
        for at in days:
            then = [one for one in counted if _day_of(one) <= at]
            expected = recompute(self.drafts.catalog, then, self.engine.clock.moment, heads)
            for key, mine in heads.items():
                head = expected[key].as_of
                old = before[key].as_of if key in before else None
                if head != at or (old is not None and at <= old):
                    continue
                wanted = plain(expected[key])
                found = [one for one in mine if one.as_of == at]
                assert found, f"{key}: {at} became the head and was not said"
                for seen in (published(one) for one in found if one is not mine[-1]):
                    wrong = {name: (seen[name], wanted[name]) for name in LIMITED if seen[name] != wanted[name]}
                    assert not wrong, f"{key} at its head of {at}: {wrong}"

    def _whoever_came_first_named_the_catalog(self, size: int, before: dict[Key, ProgressJudged], said: int) -> None:
        """A record that says something else since this batch names the catalog, if that judges what was there before
        otherwise than the one before; and no catalog, if all was judged by the one in force."""
        now, then = self.drafts.catalog, self.judged_by
        told = self.log[: self.done - size]
        records = [ProgressJudged.model_validate_json(one.value or b"") for one in self.engine.topic.records[said:]]
        moment = self.engine.clock.moment
        was, would_be = ({}, {}) if then is None else (recompute(one, told, moment, before) for one in (then, now))
        for one in records:
            key = one.kpi, one.org_unit, one.period
            old = before.get(key)
            if old is None or one.version != old.version + 1 or old.version <= self.lost.get(key, 0):
                continue
            named = "catalog_changed" in [why.code for why in one.reasons]
            if then is None:
                assert not named, f"{key}: nothing is new in {now.version}"
            elif key in was and key in would_be and old.catalog_version == then.version:
                others = plain(was[key]) != plain(would_be[key])
                assert named or not others, (
                    f"{key}: {now.version} judges otherwise than {then.version} and is not named"
                )

    @invariant()
    def everything_equals_the_plain_recomputation(self) -> None:
        if self.fresh or self.torn > self.done or self.judged_by is not None:
            return
        self._hear()
        self.fresh = True
        expected = recompute(self.drafts.catalog, self.log[: self.done], self.engine.clock.moment, self.latest)
        wrong = different(expected, self.latest)
        assert not wrong, "\n".join(wrong)
        for key, record in self.latest.items():
            assert record.version == max(self.versions[key])


@st.composite
def _figures(draw: st.DrawFn, kpi: Kpi, org_unit: str, increment: bool) -> dict[str, Any]:
    return figures(draw, kpi, org_unit, increment)


@st.composite
def _changes(draw: st.DrawFn, target: Target) -> dict[str, Any]:
    """What people change about a target."""
    kinds = ["deadline", "grace_days", "baseline", "intent", "plan"]
    kinds += ["value", "value"] if target.comparator != "band" else ["high"]
    what = draw(st.sampled_from(kinds))
    if what == "deadline":
        return {what: draw(st.sampled_from([None, day("2023-10-31"), day("2023-11-30")]))}
    if what == "grace_days":
        return {what: draw(st.sampled_from([0, 40]))}
    if what == "baseline":
        return {what: None}
    if what == "intent":
        return {what: "keep" if target.intent == "reach" else "reach"}
    if what == "plan":
        return {what: draw(st.sampled_from([None, LinearPlan()]))}
    return {what: draw(st.sampled_from([Decimal(30), Decimal("61.5"), Decimal(95)]))}


def _day_of(one: ObservationRecorded) -> date:
    return one.as_of.date() if isinstance(one.as_of, datetime) else one.as_of


def _content_of(value: bytes) -> bytes:
    """What a record says, without what depends on how it came to say so: batches, clocks, former catalogs."""
    content = orjson.loads(value)
    content["reasons"] = [one for one in content["reasons"] if one["code"] not in OF_CATALOGS]
    return orjson.dumps({name: content[name] for name in content if name not in AROUND})


def _by_record(records: Sequence[Any]) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    for record in records:
        found.setdefault(record.key, []).append(record.value)
    return found


def _says(engine: Engine) -> dict[bytes, bytes]:
    """The content of the last version of each record."""
    found: dict[bytes, tuple[int, bytes]] = {}
    for record in engine.topic.records:
        version = orjson.loads(record.value or b"")["version"]
        if version >= found.get(record.key, (0, b""))[0]:
            found[record.key] = version, _content_of(record.value or b"")
    return {key: content for key, (_, content) in found.items()}


def _content(engine: Engine) -> dict[str, Any]:
    """All documents, without what tells who wrote them how often."""
    documents = {**engine.store.stored_figures, **engine.store.judgements}
    return {key: {n: v for n, v in one.items() if n not in ("rev", "writer")} for key, one in documents.items()}


TestMetrics = Metrics.TestCase
TestMetrics.settings = settings(max_examples=10_000 if DEEP else 300, stateful_step_count=15)
