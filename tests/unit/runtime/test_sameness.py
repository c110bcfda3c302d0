"""When two contents are the same, and that what ledgers have kept of them stays true."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import strict_json
from services.runtime.sameness import digest_of, plain

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


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (
            b'{"province":"dak-nong","kpi":"signed-share","org_unit":"24611","as_of":"2023-09-30","numerator":913,'
            b'"denominator":1000.0}',
            "fac9f7cf3ff50a7c8a8868d3676d94f0",
        ),
        (b'{"value":"91.30","note":"x\xc3\xa3 \\u0110\\u1eafk \\n \\u0001\x7f"}', "e166bf04f9245c7bfd117017ba880150"),
        (
            b'{"b":[true,null,-0.0,1e18,1e17,12345.678e-9],"a":{"z":18446744073709551615,"y":-1.50}}',
            "a0a8ffee06db06d9715ab0b0576005ce",
        ),
        (b'{"value":18446744073709551616,"d":91.30}', "e809c60cecc7c92174ba308635da2230"),
        (b'{"note":"\\ud800","d":91.30}', "e01bf1fc60b9ab46b5dac7df77f2ff13"),
        (b"1e999999999", "e71d301e1912c5fb272c1aa908eb9da5"),
        (b"[" * 300 + b"1.50" + b"]" * 300, "1bf23a682c67175deec6fbc339b1c8b8"),
    ],
)
def test_a_digest_that_a_ledger_has_kept_is_made_again(text: bytes, digest: str) -> None:
    assert digest_of(strict_json.loads(text), text).hex() == digest


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_number_has_one_plain_writing(number: Decimal) -> None:
    if number.adjusted() < -1_000 or number.adjusted() > 1_000:
        return
    text = plain(number)
    assert Decimal(text) == number
    assert "E" not in text
    assert text == plain(Decimal(text))


def test_nothing_is_written_without_its_thousand_million_decimals() -> None:
    assert [plain(Decimal(text)) for text in ("0E-999999", "-0.00", "0E+999999")] == ["0", "0", "0"]
