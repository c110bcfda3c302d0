"""Every remark in the column `check` of the published figures: which flag shows it, or why no event can."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.observations import ObservationRecorded, observation_id
from deploy.embedded.demo.facts import published_figures
from services.runtime.catalog import table
from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.check import check_folder
from tests.unit.metrics.builders import day, local
from tests.unit.metrics.engine import Engine, run

FOLDER = Path(__file__).parents[3] / "deploy" / "catalogs" / "dak-nong"

SHOWN = {
    "dn-002-034": "cumulative_fell",  # 516, then 423
    "dn-002-036": "cumulative_fell",  # 437, then 436
    "dn-002-059": "repeated_figure",  # 111390 and 92.8 in June and October
}
"""Raised by the figures before it, on the later one of the two."""

FIRST_OF_TWO = {"dn-001-014", "dn-001-016", "dn-001-021", "dn-001-022"}
"""The remark says the same of the earlier figure; the later one is doubted."""

BY_THE_EVENT_ALONE = {"dn-002-033", "dn-002-037", "dn-002-045", "dn-002-081", "dn-002-082"}
"""Rounding, and parts that contradict the value: flags that ingest raises."""

FORECAST = {"dn-002-065", "dn-002-070", "dn-002-071"}
"""Said to be forecasts by their status: stored apart, and doubted by nobody."""

NOT_IN_THE_EVENTS = {
    "dn-000-017": "the same cumulative figure of the same day: a second report of it, not a later figure",
    "dn-002-061": "25 % twice: a rounded share may truthfully stand where it stood",
    "dn-000-006": "6 of 10 twice, six weeks apart: so may a small count",
    "dn-002-009": "contradicts other KPIs, and a rate above its base is possible",
    "dn-002-011": "a misprinted unit, mended when it was written down",
    "dn-002-013": "a round figure: whether measured or subscribed is not said",
    "dn-002-014": "the same",
    "dn-000-012": "the same",
    "dn-000-013": "the same",
    "dn-002-018": "of how many teams is not said",
    "dn-002-031": "of which documents is not said",
    "dn-002-060": "its numerator is the denominator of another KPI",
    "dn-002-085": "the other number, 10 components, is not among the figures",
    "dn-000-007": "the other number, +8, is in the text of another figure",
    "dn-002-063": "its date is an estimate",
}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.of(check_folder(FOLDER).folder.items)


@pytest.fixture(scope="module")
def engine(catalog: Catalog) -> Engine:
    figures = published_figures(FOLDER / "facts.csv", catalog, datetime(2023, 1, 3, tzinfo=UTC))
    recorded = []
    for at, one in enumerate(figures):
        calendar = catalog.calendar_of(one.data["kpi"])
        period = calendar.period(catalog.kpis[one.data["kpi"]].period, day(one.data["as_of"]))
        recorded.append(
            ObservationRecorded.model_validate(
                {
                    **one.data,
                    "period": period.id,
                    "observation_id": observation_id(one.source, one.id),
                    "source": one.source,
                    "source_id": one.id,
                    "publisher": "reports",
                    "raw": {"log": "l", "topic": "statistics.reported.v1", "partition": 0, "offset": at},
                    "reported_at": one.at,
                    "received_at": one.at,
                    "catalog_version": "0-000000000000",
                }
            )
        )
    return run(catalog, local("2023-01-03"), recorded)


def test_every_remark_is_shown_by_a_flag_or_explained() -> None:
    rows = list(table.rows((FOLDER / "facts.csv").read_text(encoding="utf-8")))
    remarked = {row["fact_id"] for row in rows if row["check"]}
    explained = [SHOWN, FIRST_OF_TWO, BY_THE_EVENT_ALONE, FORECAST, NOT_IN_THE_EVENTS]
    assert sorted(fact for group in explained for fact in group) == sorted(remarked)


def test_the_published_figures_raise_these_doubts_and_no_others(engine: Engine) -> None:
    told = {one.id: [flag.code for flag in one.flags] for one in engine.topic.doubted()}
    assert told == {fact: [code] for fact, code in SHOWN.items()}


def test_they_stand_on_the_records(engine: Engine) -> None:
    records = {kpi: record.flags for (kpi, _, _), record in engine.latest().items() if record.flags}
    assert records == {
        "online-services-level3": ("cumulative_fell",),
        "npsp-integrated-procedures": ("cumulative_fell",),
        "agri-households-digitised-share": ("repeated_figure",),
    }
