"""Figures that a test makes up, judged as metrics would judge them."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from fractions import Fraction

from pydantic import Field

from contracts.base import Exact, Id, WireModel
from contracts.catalog import Baseline, Kpi, Target
from contracts.progress import ProgressJudged, Status, TargetJudged
from services.cli.notation import NotASeries, series
from services.metrics.kinds import kind_of
from services.runtime.catalog import Catalog
from services.runtime.catalog.plans import PlanLine, plan_of
from services.runtime.catalog.problems import Words, did_you_mean


class PlanGiven(WireModel):
    """A target of the test's own: a straight line from the baseline on the period's first day."""

    baseline: Exact
    value: Exact
    deadline: date


class SeriesGiven(WireModel):
    """The figures of one unit, one an interval: as paces, from which values follow, or as values."""

    kpi: Id
    org: Id
    pace: str | None = None
    value: str | None = None
    plan: PlanGiven | None = Field(default=None, description="By default the target of the catalog.")


class NotATest(ValueError):
    """What a test asks for cannot be played; the message says in both languages what to write."""

    def __init__(self, words: Words) -> None:
        super().__init__(str(words))


def records(
    given: SeriesGiven, interval: timedelta, catalog: Catalog, start: datetime
) -> Iterator[tuple[datetime, ProgressJudged]]:
    """Each figure with the moment at which it comes. Raises `NotATest`."""
    if (given.pace is None) == (given.value is None):
        raise NotATest(Words("mỗi dãy cần hoặc “pace:” hoặc “value:”", "each series needs either “pace:” or “value:”"))
    kpi = catalog.kpis.get(given.kpi)
    if kpi is None:
        wrong = Words(f"không có chỉ tiêu “{given.kpi}”", f"there is no KPI “{given.kpi}”")
        raise NotATest(wrong.then(did_you_mean(given.kpi, catalog.kpis)))
    if catalog.units.get(given.org) is None:
        wrong = Words(f"không có đơn vị “{given.org}”", f"there is no unit “{given.org}”")
        raise NotATest(wrong.then(did_you_mean(given.org, (unit.id for unit in catalog.units))))
    try:
        values = series(given.pace if given.pace is not None else given.value or "")
    except NotASeries as error:
        raise NotATest(Words(*str(error).split(" · ", 1))) from None
    judge = _Judge(given, kpi, catalog)
    for number, value in enumerate(values):
        if value is not None:
            moment = start + number * interval
            yield moment, judge.record(value, moment, number + 1)


class _Judge:
    """Figures of one series, as metrics would judge them: pace is progress made over progress planned."""

    def __init__(self, given: SeriesGiven, kpi: Kpi, catalog: Catalog) -> None:
        self._given, self._kpi, self._catalog = given, kpi, catalog
        self._from_zero = kind_of(kpi, catalog.kpis).from_zero

    def record(self, figure: Fraction, moment: datetime, version: int) -> ProgressJudged:
        """The record of the figure that is reported then, of that very day."""
        day = moment.astimezone(self._catalog.zone).date()
        target = self._target(day)
        line = self._line(target)
        baseline, planned = line.points[0][1], line.on(day)
        if planned == baseline:
            raise NotATest(
                Words(
                    f"ngày {day:%d/%m/%Y} kế hoạch còn ở mức xuất phát nên chưa có tiến độ; hãy bắt đầu muộn hơn",
                    f"on {day} the plan has not left its baseline, so that there is no pace; start later",
                )
            )
        way = planned - baseline
        pace = figure if self._given.pace is not None else (figure - baseline) / way
        value = baseline + pace * way
        goal = Fraction(target.value or 0)
        met = value >= goal if target.comparator == ">=" else value <= goal
        return ProgressJudged(
            province=self._catalog.province.id,
            kpi=self._kpi.id,
            org_unit=self._given.org,
            period=target.period,
            as_of=day,
            value=float(value),
            unit_of_measure=self._kpi.unit_of_measure,
            target=TargetJudged(
                id=target.id,
                value=float(goal),
                comparator=target.comparator,
                deadline=line.points[-1][0],
                baseline=float(baseline),
                baseline_on=line.points[0][0],
                version=target.version,
            ),
            planned=float(planned),
            gap=float(value - planned),
            pace=float(pace),
            status=Status.ACHIEVED if met else self._status(pace),
            version=version,
            catalog_version=self._catalog.version,
            judged_at=moment,
        )

    def _status(self, pace: Fraction) -> Status:
        norms = self._catalog.province.defaults
        if pace < 0:
            return Status.MOVING_AWAY
        if pace < Fraction(norms.at_risk_pace):
            return Status.BEHIND
        return Status.AT_RISK if pace < Fraction(norms.on_track_pace) else Status.ON_TRACK

    def _target(self, day: date) -> Target:
        catalog, kpi, unit = self._catalog, self._kpi.id, self._given.org
        periods = [period.id for period in catalog.targets.periods(kpi, unit) if period.contains(day)]
        found = (catalog.targets.judging(kpi, unit, period, day) for period in periods)
        declared = next((target for target in found if target is not None), None)
        plan = self._given.plan
        if plan is not None:
            return Target(
                id=declared.id if declared is not None else "test",
                kpi=kpi,
                unit=unit,
                period=declared.period if declared is not None else catalog.calendar_of(kpi).period("year", day).id,
                value=plan.value,
                comparator=">=" if plan.value >= plan.baseline else "<=",
                baseline=Baseline(value=plan.baseline),
                deadline=plan.deadline,
            )
        if declared is None:
            raise NotATest(
                Words(
                    f"ngày {day:%d/%m/%Y}, “{unit}” không có mục tiêu “{kpi}”; hãy viết “plan:” cho dãy này",
                    f"on {day} “{unit}” has no target of “{kpi}”; write a “plan:” for the series",
                )
            )
        return declared

    def _line(self, target: Target) -> PlanLine:
        calendar = self._catalog.calendar_of(self._kpi.id)
        line = plan_of(target, self._kpi, calendar, from_zero=self._from_zero)
        if line is None or len(line.points) < 2:
            raise NotATest(
                Words(
                    f"mục tiêu “{target.id}” không có đường kế hoạch; hãy viết “plan:” cho dãy này",
                    f"the target “{target.id}” has no line of a plan; write a “plan:” for the series",
                )
            )
        return line
