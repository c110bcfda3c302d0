"""Who an event is, and when two contents are the same."""

import json
import unicodedata
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts import strict_json
from contracts.observations import observation_id
from services.ingest.decide import Entry, Standing, digest_of, stands, was_free
from services.ingest.normalise import Raw
from tests.unit.ingest.door import LOG, NOON, TOPIC

HERE = Raw(LOG, TOPIC, 3, 41)
ENTRY = Entry("1b74", "urn:x", "e-1", HERE, b"digest", "dak-nong/kpi", b"{}", NOON, "1-a")


def test_the_same_record_again_is_a_redelivery_whatever_it_says() -> None:
    assert stands(ENTRY, HERE, b"digest") is Standing.REDELIVERED
    assert stands(ENTRY, HERE, b"other") is Standing.REDELIVERED


def test_the_same_content_elsewhere_is_a_duplicate_and_another_one_a_reuse() -> None:
    elsewhere = HERE._replace(offset=42)
    assert stands(ENTRY, elsewhere, b"digest") is Standing.DUPLICATE
    assert stands(ENTRY, elsewhere, b"other") is Standing.REUSED


def test_the_same_offset_in_another_log_is_another_record() -> None:
    assert stands(ENTRY, HERE._replace(log="another"), b"digest") is Standing.DUPLICATE


def test_an_identity_was_free_for_what_stands_before_its_claim_in_the_same_partition() -> None:
    assert was_free(None, HERE)
    assert was_free(ENTRY, HERE._replace(offset=40))
    assert not was_free(ENTRY, HERE)
    assert not was_free(ENTRY, HERE._replace(offset=42))
    assert not was_free(ENTRY, HERE._replace(partition=1, offset=1))
    assert not was_free(ENTRY, HERE._replace(log="another", offset=1))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def shuffled(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: shuffled(content[key]) for key in reversed(content)}
    return [shuffled(item) for item in content] if isinstance(content, list) else content


@given(JSON)
def test_order_of_keys_spaces_and_escapes_do_not_make_another_content(content: Any) -> None:
    one = strict_json.loads(json.dumps(content))
    other = strict_json.loads(json.dumps(shuffled(content), indent=2, ensure_ascii=False))
    assert digest_of(one) == digest_of(other)


@given(JSON, JSON)
def test_other_contents_have_other_digests(one: Any, other: Any) -> None:
    read = [strict_json.loads(json.dumps(content, sort_keys=True)) for content in (one, other)]
    if repr(read[0]) == repr(read[1]):
        assert digest_of(read[0]) == digest_of(read[1])
    elif read[0] != read[1]:
        assert digest_of(read[0]) != digest_of(read[1])


def test_a_number_is_the_same_however_it_is_written() -> None:
    same = [b"100", b"100.0", b"1e2", b"1.00E+2"]
    assert len({digest_of(strict_json.loads(text)) for text in same}) == 1
    assert digest_of(strict_json.loads(b"91.30")) == digest_of(strict_json.loads(b"91.3"))
    assert digest_of(strict_json.loads(b"91.3")) != digest_of(strict_json.loads(b'"91.3"'))
    assert digest_of(strict_json.loads(b"-0.0")) == digest_of(strict_json.loads(b"0"))


def test_numbers_and_texts_beyond_the_fast_encoder_have_digests_too() -> None:
    huge = strict_json.loads(b'{"n": 123456789012345678901234567890, "t": "\\ud800", "d": 1.5}')
    assert digest_of(huge) == digest_of(dict(reversed(huge.items())))
    assert digest_of(strict_json.loads(b"1e999999999")) != digest_of(strict_json.loads(b"1e999999998"))


def test_two_spellings_of_one_id_are_two_events() -> None:
    composed, decomposed = (
        observation_id("urn:x", unicodedata.normalize(form, "xã Đắk Lao")) for form in ("NFC", "NFD")
    )
    assert composed != decomposed
