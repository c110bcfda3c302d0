"""A unit id belongs to one catalog of a system."""

import pytest

from services.runtime.catalog.tenancy import UnitsClaimed, refuse_claimed


def test_catalogs_with_units_of_their_own_live_side_by_side() -> None:
    refuse_claimed("lam-dong", ["lam-dong", "lam-dong.xa-a"], {"dak-nong": ["dak-nong"], "lam-dong": ["lam-dong"]})


def test_a_unit_of_another_catalog_is_refused_by_name_with_an_id_to_write_instead() -> None:
    with pytest.raises(UnitsClaimed) as refused:
        refuse_claimed("lam-dong", ["lam-dong", "dak-nong", *"abcd"], {"dak-nong": ["dak-nong", *"abcd"]})
    assert str(refused.value) == (
        "The catalog of lam-dong names units that belong to the catalog of dak-nong: a, b, c and 2 more; unit ids are "
        "unique over all catalogs, so give them other ids, such as lam-dong.a."
    )
    assert refused.value.province == "dak-nong"
    assert refused.value.units == ("a", "b", "c", "d", "dak-nong")
