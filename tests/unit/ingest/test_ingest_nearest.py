"""What is near to a name that the catalog does not have."""

import time
from pathlib import Path

import pytest

from services.ingest import nearest
from services.ingest.nearest import Nearest
from services.runtime.catalog import Catalog
from services.runtime.catalog.loader import load_folder

CATALOG = Catalog.of(load_folder(Path("deploy/catalogs/dak-nong")).items)
UNITS = nearest.of_units(CATALOG.units)
KPIS = Nearest((id, id) for id in CATALOG.kpis)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("edoc-signed-shares", "edoc-signed-share"),
        ("edoc-singed-share", "edoc-signed-share"),
        ("edoc_signed_share", "edoc-signed-share"),
        ("dti-rnak", "dti-rank"),
    ],
)
def test_a_slip_in_the_name_of_a_kpi_is_seen(written: str, meant: str) -> None:
    assert KPIS.like(written)[0] == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("dak-nong.krong-no.xa-dak-sorr", "dak-nong.krong-no.xa-dak-sor"),
        ("xa-dak-sor", "dak-nong.krong-no.xa-dak-sor"),
        ("Xã Đắk Sôr", "dak-nong.krong-no.xa-dak-sor"),
        ("Huyện Krông Nô", "dak-nong.huyen-krong-no"),
    ],
)
def test_a_unit_is_found_by_its_name_too(written: str, meant: str) -> None:
    assert UNITS.like(written)[0] == meant


@pytest.mark.parametrize("written", ["happiness", "", "x", "zzzz-qqqq", "\u0301" * 80])
def test_what_is_like_nothing_is_near_to_nothing(written: str) -> None:
    assert KPIS.like(written) == UNITS.like(written) == ()


def test_what_is_near_is_asked_in_both_languages() -> None:
    assert nearest.asked(["a", "b"]) == (", có phải “a” hoặc “b”?", ", did you mean “a” or “b”?")


def test_thousands_of_unknown_names_hold_nobody_up() -> None:
    near = Nearest((f"dak-nong.huyen-{at % 40}.xa-thuan-an-{at:04}", str(at)) for at in range(10_000))
    begun = time.process_time()
    for at in range(10_000):
        near.like(f"dak-nong.huyen-{at}.xa-thuan-{at:05}-" + "xa-thuan-an-" * 4)
    assert time.process_time() - begun < 8  # about 1
