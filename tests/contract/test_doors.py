"""The name of an event in a link can be made by whoever knows the pair, and only one name stands for it."""

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.attributes import MAX_ATTRIBUTE
from contracts.doors import MAX_EVENT_REF, NoEventRef, event_of, event_ref

ATTRIBUTES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)


def test_an_event_is_named_by_its_source_and_id() -> None:
    assert event_ref("urn:s", "1") == "dXJuOnMAMQ"  # base64url("urn:s" NUL "1"), without its padding
    assert event_of("dXJuOnMAMQ") == ("urn:s", "1")


@given(ATTRIBUTES, ATTRIBUTES)
@example("urn:tiendo:source:đắk-nông", "2023-09-30/Đắk Mil?a=1")
def test_a_name_leads_back_to_its_event_and_fits_into_a_path(source: str, id: str) -> None:
    name = event_ref(source, id)
    assert event_of(name) == (source, id)
    assert set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_the_longest_attributes_have_a_name() -> None:
    longest = "\U0001f300" * MAX_ATTRIBUTE
    assert event_of(event_ref(longest, longest)) == (longest, longest)
    with pytest.raises(NoEventRef):
        event_of("a" * (MAX_EVENT_REF + 1))


@pytest.mark.parametrize(
    "word",
    [
        "",
        "a",
        "not base64!",
        "dXJuOnMAMQ==",  # padded
        "dXJuOnMAMR",  # bits behind the last byte
        "dXJuOnM",  # no id
        "AGE",  # no source
        "dXJuOnMA",  # an empty id
        base64.urlsafe_b64encode(b"urn:s\0a\0b").decode().rstrip("="),  # three parts
        base64.urlsafe_b64encode(b"urn:s\0\xff\xfe").decode().rstrip("="),  # not UTF-8
        "đắk",
    ],
)
def test_other_words_name_no_event(word: str) -> None:
    with pytest.raises(NoEventRef):
        event_of(word)


@given(st.text(max_size=60))
def test_any_word_names_an_event_or_none(word: str) -> None:
    try:
        source, id = event_of(word)
    except NoEventRef:
        return
    assert event_ref(source, id) == word
