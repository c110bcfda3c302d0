from pathlib import Path

import pytest

from contracts.measures import MEASURED, differing_by, measured_in
from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.check import check_folder

CATALOGS = Path(__file__).parents[2] / "deploy" / "catalogs"


@pytest.mark.parametrize("province", ["dak-nong", "lam-dong"])
def test_every_unit_of_measure_of_a_catalog_has_its_words(province: str) -> None:
    named = {kpi.unit_of_measure for kpi in Catalog.of(check_folder(CATALOGS / province).folder.items).kpis.values()}
    assert len(named) > 5
    assert named <= set(MEASURED)


def test_one_is_singular_in_english_only() -> None:
    assert [measured_in("village", "en", figure) for figure in ("1", "+1", "1.0", "12", "")] == [
        *("village", "village"),
        *("villages", "villages", "villages"),
    ]
    assert {measured_in("village", "vi", figure) for figure in ("1", "12")} == {"thôn, bon, bản"}


def test_what_is_not_in_the_table_is_said_as_the_catalog_writes_it() -> None:
    assert measured_in("km_of-cable", "vi", "3") == measured_in("km_of-cable", "en", "1") == "km of cable"


def test_percentages_differ_by_points_and_ranks_by_places() -> None:
    assert [differing_by("percent", language) for language in ("vi", "en")] == ["điểm %", "percentage points"]
    assert [differing_by("rank", "vi", "1"), differing_by("rank", "en", "1"), differing_by("rank", "en", "4")] == [
        *("bậc", "place", "places")
    ]
    assert differing_by("machine", "en", "−1") == "machine"
