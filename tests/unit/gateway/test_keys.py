"""Keys: what they look like, what is kept of them, when they hold, how many a publisher has."""

import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway import keys
from services.gateway.keys import Key, Refusal, Scope, Standing, TooManyKeys
from tests.unit.gateway.fake_keys import a_key

NOW = datetime(2026, 1, 15, 8, 30, 1, 999_999, tzinfo=UTC)
MADE = a_key("edoc", now=NOW)
DAY = timedelta(days=1)


def test_a_key_has_an_id_that_may_be_seen_and_256_random_bits_that_may_not() -> None:
    found = re.fullmatch(r"tdk_([a-z0-9]{12})_([A-Za-z0-9_-]{43})", MADE.text)
    assert found is not None
    assert found[1] == MADE.key.id == keys.id_of(MADE.text)
    assert keys.is_id(found[1])


def test_no_two_keys_are_the_same() -> None:
    made = [a_key("edoc") for _ in range(500)]
    assert len({one.text for one in made}) == len({one.key.id for one in made}) == 500


def test_what_is_kept_does_not_hold_the_secret_and_neither_does_what_is_printed() -> None:
    secret = MADE.text.split("_", 2)[2]
    assert MADE.key.digest == hashlib.sha256(MADE.text.encode()).digest()
    assert secret not in repr(MADE)
    assert secret not in repr(MADE.key)


def test_times_of_a_key_are_whole_seconds_as_the_database_keeps_them() -> None:
    assert MADE.key.created == datetime(2026, 1, 15, 8, 30, 1, tzinfo=UTC)
    assert MADE.key.expires - MADE.key.created == timedelta(days=365)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tdk_",
        "tdk_abc_def",
        MADE.text[:-1],
        MADE.text + "a",
        MADE.text + "\n",
        MADE.text.upper(),
        MADE.text.replace("tdk", "tdx"),
        MADE.text[:-1] + "é",
        MADE.text[:-1] + "=",
        "Bearer " + MADE.text,
    ],
    ids=range(11),  # the key is another one in each process
)
def test_what_does_not_look_like_a_key_is_none(text: str) -> None:
    assert keys.id_of(text) is None


@given(st.text(max_size=80))
def test_any_text_is_a_key_or_none(text: str) -> None:
    assert keys.id_of(text) is None or text.startswith("tdk_")
    assert keys.refusal(MADE.key, text.encode("utf-8", "replace").decode(), NOW) is Refusal.BAD_KEY


def test_a_key_opens_from_when_it_was_made_until_before_it_expires() -> None:
    begins, ends = MADE.key.created, MADE.key.expires
    assert keys.refusal(MADE.key, MADE.text, begins) is None
    assert keys.refusal(MADE.key, MADE.text, ends - timedelta(seconds=1)) is None
    assert keys.refusal(MADE.key, MADE.text, ends) is Refusal.EXPIRED_KEY
    assert MADE.key.standing(ends) is Standing.EXPIRED


def test_a_revoked_key_opens_no_more_and_is_revoked_also_after_its_end() -> None:
    revoked = replace(MADE.key, revoked=NOW)
    assert keys.refusal(revoked, MADE.text, NOW) is Refusal.REVOKED_KEY
    assert revoked.standing(revoked.expires + DAY) is Standing.REVOKED


@pytest.mark.parametrize("at", [17, 30, -1], ids=["first letter", "in the middle", "last letter"])
def test_a_secret_that_is_wrong_anywhere_is_a_bad_key_and_says_no_more(at: int) -> None:
    letters = list(MADE.text)
    letters[at] = "A" if letters[at] != "A" else "B"
    wrong = "".join(letters)
    expired, revoked = MADE.key.expires + DAY, replace(MADE.key, revoked=NOW)
    told = {keys.refusal(key, wrong, now) for key in (MADE.key, revoked, None) for now in (NOW, expired)}
    assert told == {Refusal.BAD_KEY}


def test_the_secret_of_one_key_does_not_open_another() -> None:
    other = a_key("edoc", now=NOW)
    mixed = f"tdk_{MADE.key.id}_{other.text.split('_', 2)[2]}"
    assert keys.refusal(MADE.key, mixed, NOW) is Refusal.BAD_KEY


def seated(seat: int | None, *, expires: timedelta = DAY, revoked: bool = False) -> Key:
    made = a_key("edoc", now=NOW).key
    return replace(made, seat=seat, expires=NOW + expires, revoked=NOW if revoked else None)


def test_a_publisher_has_two_keys_that_hold_and_no_third() -> None:
    one, two = seated(1), seated(2)
    assert keys.seat_for([], NOW) == 1
    assert keys.seat_for([one], NOW) == 2
    assert keys.seat_for([two], NOW) == 1
    with pytest.raises(TooManyKeys) as refused:
        keys.seat_for([one, two], NOW)
    assert refused.value.keys == (one, two)


def test_a_key_that_has_ended_takes_no_seat() -> None:
    assert keys.seat_for([seated(1, expires=-DAY), seated(2)], NOW) == 1
    assert keys.seat_for([seated(1), seated(None, revoked=True), seated(2, expires=timedelta())], NOW) == 2


@given(st.lists(st.tuples(st.sampled_from(["add", "revoke"]), st.integers(1, 40)), max_size=30))
def test_whatever_is_made_and_revoked_and_expires_two_hold_at_most(steps: list[tuple[str, int]]) -> None:
    kept: list[Key] = []
    now = NOW
    for what, days in steps:
        now += 5 * DAY
        if what == "revoke":
            kept = [replace(key, revoked=now, seat=None) if place == 0 else key for place, key in enumerate(kept)]
        else:
            try:
                seat = keys.seat_for(kept, now)
            except TooManyKeys:
                continue
            kept.append(replace(a_key("edoc", now=now).key, seat=seat, expires=now + days * DAY))
        valid = [key for key in kept if key.standing(now) is Standing.VALID]
        assert len(valid) <= 2
        assert len({key.seat for key in valid}) == len(valid)


def test_a_key_that_is_replaced_holds_a_while_and_never_longer_than_before() -> None:
    assert keys.retires(MADE.key, NOW, 14 * DAY) == MADE.key.created + 14 * DAY
    soon = replace(MADE.key, expires=NOW + DAY)
    assert keys.retires(soon, NOW, 14 * DAY) == NOW + DAY


def test_scopes_are_written_as_their_holders_know_them() -> None:
    assert [str(scope) for scope in Scope] == ["statistics:write", "imports:write", "events:read", "alerts:act"]
    assert sorted([*keys.PUBLISHERS_SCOPES, *keys.PEOPLES_SCOPES]) == sorted(Scope)
