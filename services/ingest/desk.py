"""The desk at which a province's figures are examined: one catalog, prepared for being asked many times a second."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import NamedTuple

from contracts.catalog import Kpi, OrgUnit, Publisher
from contracts.envelope import Event
from contracts.statistics import Flag, Problem, RejectionCode, StatisticReported
from contracts.topics import owner_of
from services.ingest import checks, flags, kinds, nearest
from services.ingest.binding import Binding
from services.ingest.case import Case, Rights, local_day
from services.ingest.checks import Rule
from services.ingest.flags import Doubt
from services.ingest.nearest import Nearest
from services.ingest.targets import TargetBook
from services.ingest.wording import NONE, Problems, listed, problem
from services.runtime.catalog import Calendar, Catalog, Period

_REMEMBERED = 50_000

Form = tuple[date, date, date, str | None, str, str | None, str, bool, bool]
"""What `checks.EVERY_FIGURE` asks of a figure beside its place: the days (its own, that of sending, today), and what it
says of period, mode, unit of measure, status, and whether it corrects or retracts."""

Place = tuple[str, str, int]
"""Who reports of which unit, and the stretch of days on which the tree stands still."""


class Passed(NamedTuple):
    """A figure that may be recorded, with the doubts about it."""

    case: Case
    flags: tuple[Flag, ...]


class KpiDesk:
    """One KPI: its calendar and targets, and the rules that its figures must keep, in the order of asking.

    Figures come by the thousand that differ in nothing but their numbers and units, so what was admitted is remembered:
    a figure of a form that was admitted, and of a place that was, need only be asked about its numbers.
    """

    def __init__(self, catalog: Catalog, kpi: Kpi) -> None:
        self.kpi = kpi
        self.calendar: Calendar = catalog.calendars[kpi.calendar]
        self.targets = TargetBook(catalog, kpi.id, self.calendar)
        self.absolute: tuple[Rule, ...] = kinds.rules_of_absolute(kpi.kind)
        self.increment: tuple[Rule, ...] = kinds.rules_of_increment(kpi.kind)
        self.doubts_absolute: tuple[Doubt, ...] = flags.doubts_of_absolute(kpi.kind)
        self.doubts_increment: tuple[Doubt, ...] = flags.doubts_of_increment(kpi.kind)
        self._units = catalog.units
        self._forms: dict[Form, tuple[Period, int]] = {}
        self._places: dict[Place, tuple[OrgUnit, Publisher]] = {}

    def known(self, source: str, unit_ref: str, form: Form) -> tuple[OrgUnit, Publisher, Period] | None:
        """What is known of such a figure. None says nothing: it may be the first of its kind."""
        formed = self._forms.get(form)
        if formed is None:
            return None
        period, stretch = formed
        placed = self._places.get((source, unit_ref, stretch))
        if placed is None:
            return None
        unit, publisher = placed
        return (unit, publisher, period) if publisher.valid_on(form[0]) else None

    def remember(self, form: Form, case: Case) -> None:
        """A figure of this form kept every rule of `checks.EVERY_FIGURE`."""
        unit, publisher, period = case.unit, case.publisher, case.period
        assert unit is not None  # whoever passed has all of them
        assert publisher is not None
        assert period is not None
        stretch = self._units.stretch(case.day)
        if len(self._forms) >= _REMEMBERED or len(self._places) >= _REMEMBERED:
            self._forms.clear()
            self._places.clear()
        self._forms[form] = period, stretch
        self._places[case.source, case.figure.org_unit, stretch] = unit, publisher

    def rules(self, figure: StatisticReported) -> tuple[Rule, ...]:
        """What its numbers must keep. A retraction needs no figure, so nothing is asked of them."""
        if figure.mode == "increment":
            return self.increment
        return () if figure.retracts else self.absolute

    def doubts(self, figure: StatisticReported) -> tuple[Doubt, ...]:
        """Nothing is doubted about a figure that is being withdrawn."""
        if figure.retracts:
            return ()
        return self.doubts_increment if figure.mode == "increment" else self.doubts_absolute


class Desk:
    """Everything that the checks ask of one version of a province's catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._zone = catalog.zone
        self._now = datetime.min.replace(tzinfo=UTC), date.min
        self._rights = Rights(catalog.publishers)
        self._unit_of = lru_cache(maxsize=50_000)(catalog.units.resolve)
        self._kpis = {
            kpi.id: KpiDesk(catalog, kpi) for kpi in catalog.kpis.values() if kpi.calendar in catalog.calendars
        }

    def examine(
        self, event: Event, figure: StatisticReported, reported_at: datetime, now: datetime
    ) -> Passed | Problems:
        """Every problem of the figure, all reported together; or the figure with its flags."""
        catalog, zone = self.catalog, self._zone
        day, today = local_day(figure.as_of, zone), self._today(now)
        reported_on = local_day(reported_at, zone)
        desk = self._kpis.get(figure.kpi)
        form = (
            day,
            reported_on,
            today,
            figure.period,
            figure.mode,
            figure.unit_of_measure,
            figure.status,
            figure.revision != 1,
            figure.retracts,
        )
        known = desk.known(event.source, figure.org_unit, form) if desk is not None else None
        if desk is not None and known is not None:
            case = self._case(event, figure, form, desk, *known)
            problems: Problems = NONE
        else:
            publisher = catalog.publishers.by_source(event.source)
            problems = checks.known_source(event.source, publisher)
            far_away = checks.within_horizon(day, today)
            if far_away:
                return (*problems, *far_away)
            unit = self._unit_of(figure.org_unit, day)
            problems += checks.known_unit(figure, unit, day, catalog, self._units_like)
            if desk is None:
                return (*problems, self._unknown_kpi(figure.kpi))
            case = self._case(event, figure, form, desk, unit, publisher, None)
            for rule in checks.EVERY_FIGURE:
                problems += rule(case)
            if not problems:
                desk.remember(form, case)
        for rule in desk.rules(figure):
            problems += rule(case)
        if problems:
            return problems
        doubts: tuple[Flag, ...] = ()
        for doubt in desk.doubts(figure):
            doubts += doubt(case)
        return Passed(case, doubts)

    def _case(
        self,
        event: Event,
        figure: StatisticReported,
        form: Form,
        desk: KpiDesk,
        unit: OrgUnit | None,
        publisher: Publisher | None,
        period: Period | None,
    ) -> Case:
        day, reported_on, today = form[:3]
        return Case(
            figure,
            event.source,
            self.catalog,
            self._rights,
            self._zone,
            desk.kpi,
            desk.calendar,
            desk.targets,
            unit,
            publisher,
            day,
            reported_on,
            today,
            period,
        )

    def _today(self, now: datetime) -> date:
        if now is not self._now[0]:
            self._now = now, now.astimezone(self._zone).date()
        return self._now[1]

    @cached_property
    def _near_units(self) -> Nearest:
        return nearest.of_units(self.catalog.units)

    @cached_property
    def _near_kpis(self) -> Nearest:
        return Nearest((id, id) for id in sorted(self._kpis))

    def _units_like(self, ref: str) -> tuple[str, ...]:
        """None for what is a number: codes that look alike are those of other units."""
        return () if ref.isdecimal() else self._near_units.like(ref)

    def _unknown_kpi(self, ref: str) -> Problem:
        some = listed(sorted(self._kpis))
        near_vi, near_en = nearest.asked(self._near_kpis.like(ref))
        known_vi, known_en = (
            ("; các mã có:", "; it has:") if near_vi == ":" else (f"{near_vi} Các mã có:", f"{near_en} It has:")
        )
        return problem(
            RejectionCode.UNKNOWN_KPI,
            "kpi",
            f"Không có chỉ tiêu “{ref}” trong danh mục{known_vi} {some} (đủ: GET /api/v1/catalog/kpi).",
            f"The catalog has no KPI “{ref}”{known_en} {some} (all: GET /api/v1/catalog/kpi).",
            ref,
        )


class Desks:
    """The desks of all provinces, each renewed when its catalog is replaced by a newer version."""

    def __init__(self, catalogs: Mapping[str, Catalog], lead: timedelta) -> None:
        self._catalogs = catalogs
        self._lead = lead
        self._desks: dict[str, Desk] = {}
        self._bindings: dict[str, tuple[Catalog | None, Binding]] = {}

    def examine(
        self, event: Event, figure: StatisticReported, reported_at: datetime, clock: datetime, now: datetime
    ) -> Passed | Problems:
        """As `Desk.examine`, at the desk of the figure's province.

        `clock` is the business time, `now` the same moved on by this very event where the clock moves with the data;
        an event too far ahead of `clock` is refused before anything else.
        """
        early = checks.event_time(event.time, clock, self._lead)
        if early:
            return early
        catalog = self._catalogs.get(figure.province)
        if catalog is None:
            return (self._unknown_province(figure.province),)
        desk = self._desks.get(figure.province)
        if desk is None or desk.catalog is not catalog:
            desk = self._desks[figure.province] = Desk(catalog)
        return desk.examine(event, figure, reported_at, now)

    def kpi(self, key: str) -> Kpi | None:
        """The KPI of observations with this key, `province/kpi`."""
        province, _, kpi = key.partition("/")
        catalog = self._catalogs.get(province)
        return None if catalog is None else catalog.kpis.get(kpi)

    def registered(self, source: str) -> bool:
        """Whether a publisher of any province speaks under this source."""
        return any(catalog.publishers.by_source(source) is not None for catalog in self._catalogs.values())

    def bound(self, topic: str) -> Binding | None:
        """Who alone may write to the topic; None if it is not a publisher's own."""
        known = self._bindings.get(topic)
        if known is None or known[0] is not self._catalogs.get(known[1].owner.province):
            owner = owner_of(topic)
            if owner is None:
                return None
            catalog = self._catalogs.get(owner.province)
            publisher = None if catalog is None else catalog.publishers.get(owner.publisher)
            known = self._bindings[topic] = catalog, Binding.of(topic, owner, publisher)
        return known[1]

    def _unknown_province(self, ref: str) -> Problem:
        known = listed(sorted(self._catalogs))
        return problem(
            RejectionCode.UNKNOWN_PROVINCE,
            "province",
            f"Không có danh mục của tỉnh “{ref}”: ghi một trong: {known}.",
            f"There is no catalog of a province “{ref}”: write one of: {known}.",
            ref,
        )
