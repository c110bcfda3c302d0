"""What Đắk Nông published of places, speeds and rates, sent through the door: each comes out as it was published."""

import asyncio
from pathlib import Path

import pytest

from deploy.embedded.demo.facts import published_figures
from services.runtime.catalog import Catalog
from services.runtime.catalog.check import check_folder
from tests.unit.metrics.builders import VERSION, local
from tests.unit.metrics.engine import Engine
from tests.unit.metrics.through_the_door import through_the_door

FOLDER = Path(__file__).parents[3] / "deploy" / "catalogs" / "dak-nong"
NOW = local("2023-01-10")


@pytest.fixture(scope="module")
def engine() -> Engine:
    """After every published figure."""
    catalog = Catalog.of(check_folder(FOLDER).folder.items, 1, VERSION)
    said = published_figures(FOLDER / "facts.csv", catalog, NOW)
    engine = Engine(catalog, NOW)
    asyncio.run(engine.handler.handle(through_the_door(catalog, said, NOW)))
    return engine


@pytest.mark.parametrize(
    ("kpi", "period", "as_of", "value", "unit_of_measure"),
    [
        ("dti-rank", "2021", "2021-12-14", 41, "rank"),
        ("smartphone-subs-per-100", "2022", "2022-10-31", 106.6, "per_100_inhabitants"),
        ("mobile-broadband-subs-per-100", "2022", "2022-10-31", 75.12, "per_100_inhabitants"),
        ("broadband-speed-individual", "2022", "2022-12-14", 400, "Mbps"),
        ("broadband-speed-enterprise", "2022", "2022-12-14", 500, "Mbps"),
        ("digital-economy-grdp-share", "2021", "2021-12-31", 6.39, "percent"),
        ("digital-economy-grdp-share", "2022", "2022-12-31", 6.64, "percent"),
    ],
)
def test_a_published_figure_comes_out_as_it_was_published(
    engine: Engine, kpi: str, period: str, as_of: str, value: float, unit_of_measure: str
) -> None:
    record = engine.record("dak-nong", period, kpi)
    assert (str(record.as_of), record.value, record.unit_of_measure) == (as_of, value, unit_of_measure)
    assert (record.numerator, record.denominator) == (None, None)


def test_the_published_target_of_the_digital_economy_is_judged_from_its_baseline(engine: Engine) -> None:
    """From 6.64 % of GRDP at the end of 2022 to 7.5 % in 2023; nothing was published for 2023 yet."""
    asyncio.run(engine.tick())
    record = engine.record("dak-nong", "2023", "digital-economy-grdp-share")
    assert record.target is not None
    assert (record.target.baseline, record.target.value, record.status) == (6.64, 7.5, "unknown")
