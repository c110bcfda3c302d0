import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway import cursors
from services.gateway.cursors import BadCursor

MARK = cursors.mark_of({"kpi": "a"})


@given(st.text(), st.integers())
def test_a_cursor_comes_back_as_it_went(text: str, number: int) -> None:
    assert cursors.unpack(cursors.pack(MARK, (number, text)), MARK, (int, str)) == (number, text)


def test_a_cursor_of_other_filters_is_refused() -> None:
    word = cursors.pack(cursors.mark_of({"kpi": "b"}), ("x",))
    with pytest.raises(BadCursor):
        cursors.unpack(word, MARK, (str,))


def test_a_position_of_another_kind_is_refused() -> None:
    with pytest.raises(BadCursor):
        cursors.unpack(cursors.pack(MARK, (1,)), MARK, (str,))
    with pytest.raises(BadCursor):
        cursors.unpack(cursors.pack(MARK, (True,)), MARK, (int,))


@given(st.text(max_size=60))
def test_whatever_somebody_writes_is_refused_in_one_way(word: str) -> None:
    with pytest.raises(BadCursor):
        cursors.unpack(word, MARK, (str,))
