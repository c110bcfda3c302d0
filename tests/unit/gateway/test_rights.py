"""What people may do about an alert: by their posts, at the unit and above it, on the day."""

from datetime import date, timedelta

import pytest

from contracts.catalog import Person, Post
from services.gateway.rights import About, Act, Right, ruling
from tests.unit.gateway.judged_province import NOW, dak_nong

CATALOG = dak_nong()
TODAY = NOW.date()
COMMUNE, SIBLING = "dak-nong.cu-jut.xa-dak-wil", "dak-nong.cu-jut.xa-ea-po"
DISTRICT = CATALOG.units.parent(COMMUNE, TODAY)
assert DISTRICT is not None
KPI = "edoc-signed-share"
ABOUT = About("dak-nong", KPI, COMMUNE, "2023", date(2023, 9, 30))


def somebody(*posts: tuple[str, str], **dates: date) -> Person:
    """Somebody who holds these posts."""
    held = tuple(Post(role=role, unit=unit, **dates) for role, unit in posts)
    return Person(id="somebody", name="Ai đó", email="ai-do@dak-nong.example", posts=held)


@pytest.mark.parametrize(
    ("post", "acknowledge", "comment", "close"),
    [
        (("owner", COMMUNE), Right.ANSWERS_FOR_IT, Right.ANSWERS_FOR_IT, Right.NOT_YOUR_ROLE),
        (("manager", COMMUNE), *[Right.HEADS_THE_UNIT] * 3),
        (("manager", DISTRICT), *[Right.HEADS_A_UNIT_ABOVE] * 3),
        (("manager", "dak-nong"), *[Right.HEADS_A_UNIT_ABOVE] * 3),
        (("province-lead", "dak-nong"), *[Right.HEADS_A_UNIT_ABOVE] * 3),
        (("owner", DISTRICT), Right.NOT_YOUR_ROLE, Right.HAS_A_POST_THERE, Right.NOT_YOUR_ROLE),
        (("data-steward", "dak-nong"), Right.NOT_YOUR_ROLE, Right.HAS_A_POST_THERE, Right.NOT_YOUR_ROLE),
        (("manager", SIBLING), *[Right.NOT_YOUR_UNIT] * 3),
        (("owner", SIBLING), *[Right.NOT_YOUR_UNIT] * 3),
        (("manager", "dak-nong.huyen-tuy-duc"), *[Right.NOT_YOUR_UNIT] * 3),
    ],
)
def test_it_follows_from_the_post_and_the_unit(
    post: tuple[str, str], acknowledge: Right, comment: Right, close: Right
) -> None:
    who = somebody(post)
    assert ruling(who, Act.COMMENT, ABOUT, CATALOG, TODAY).right is comment
    assert ruling(who, Act.GIVE_ACCOUNT, ABOUT, CATALOG, TODAY).right is acknowledge
    assert ruling(who, Act.ASK_ACCOUNT, ABOUT, CATALOG, TODAY).right is close
    assert ruling(who, Act.ACKNOWLEDGE, ABOUT, CATALOG, TODAY).right is acknowledge
    assert ruling(who, Act.CLOSE, ABOUT, CATALOG, TODAY).right is close


def test_who_heads_a_unit_has_no_say_about_the_unit_above() -> None:
    about = About("dak-nong", KPI, DISTRICT or "", "2023", None)
    assert ruling(somebody(("manager", COMMUNE)), Act.ACKNOWLEDGE, about, CATALOG, TODAY).right is Right.NOT_YOUR_UNIT


def test_of_several_posts_the_strongest_counts() -> None:
    who = somebody(("data-steward", "dak-nong"), ("owner", COMMUNE), ("manager", DISTRICT or ""))
    assert ruling(who, Act.ACKNOWLEDGE, ABOUT, CATALOG, TODAY).right is Right.ANSWERS_FOR_IT
    assert ruling(who, Act.CLOSE, ABOUT, CATALOG, TODAY).right is Right.HEADS_A_UNIT_ABOVE


@pytest.mark.parametrize(
    ("days", "allowed"), [({"valid_to": TODAY}, False), ({"valid_to": TODAY + timedelta(days=1)}, True)]
)
def test_a_post_counts_while_it_is_held(days: dict[str, date], allowed: bool) -> None:
    assert ruling(somebody(("manager", COMMUNE), **days), Act.CLOSE, ABOUT, CATALOG, TODAY).allowed is allowed


def test_an_alert_of_another_province_is_nobodys_of_this_one() -> None:
    about = About("lam-dong", KPI, "dak-nong", "2023", None)
    found = ruling(somebody(("manager", "dak-nong")), Act.ACKNOWLEDGE, about, CATALOG, TODAY)
    assert (found.right, found.allowed) == (Right.NOT_YOUR_PROVINCE, False)


def test_above_a_unit_that_has_ended_are_those_of_its_last_day() -> None:
    unit = CATALOG.units.get(COMMUNE)
    assert unit is not None
    assert unit.valid_to is not None
    later = unit.valid_to + timedelta(days=40)
    assert CATALOG.units.ancestors(COMMUNE, later) == ()
    assert ruling(somebody(("manager", "dak-nong")), Act.CLOSE, ABOUT, CATALOG, later).allowed


def test_every_reason_is_said_in_both_languages() -> None:
    for post in (("owner", COMMUNE), ("manager", COMMUNE), ("manager", "dak-nong"), ("owner", DISTRICT or "")):
        words = ruling(somebody(post), Act.ACKNOWLEDGE, ABOUT, CATALOG, TODAY).words
        assert words.vi
        assert words.en
