"""The corpus of each target, as it is and varied: what `make fuzz` does at length, briefly and always the same."""

import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

from tests.fuzz.__main__ import CORPUS
from tests.fuzz.targets import TARGETS

SEEDS = {name: [file.read_bytes() for file in sorted((CORPUS / name).iterdir())] for name in TARGETS}
WORDS = (
    *(b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc0\xaf", b"\n\n", b": ", b"\n", b"%", b'"'),
    *(
        b"NaN",
        b"1e400",
        b"-0",
        b"1e-999999999",
        b"9" * 40,
        b"\\ud800",
        b"null",
        b"[" * 50,
        b"{}",
        b"ce_id: ",
        b"ce-id: ",
    ),
)


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_breaks_no_promise(name: str) -> None:
    assert SEEDS[name]
    for data in SEEDS[name]:
        TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
@seed(20231123)
@given(st.data())
def test_nothing_but_our_own_error_comes_out_of_a_decoder(name: str, data: st.DataObject) -> None:
    TARGETS[name](data.draw(st.binary() | varied(SEEDS[name])))


@st.composite
def varied(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """One of the seeds, with pieces cut out and put in."""
    text = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        text = text[:start] + draw(st.sampled_from(WORDS) | st.binary(max_size=6)) + text[end:]
    return text
