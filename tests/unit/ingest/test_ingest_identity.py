"""Who an event is, and how it stands to what was accepted under its identity."""

import unicodedata

from contracts.observations import observation_id
from services.ingest.decide import Entry, Standing, stands, was_free
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


def test_two_spellings_of_one_id_are_two_events() -> None:
    composed, decomposed = (
        observation_id("urn:x", unicodedata.normalize(form, "xã Đắk Lao")) for form in ("NFC", "NFD")
    )
    assert composed != decomposed
