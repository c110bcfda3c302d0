"""Merged cells among the figures: which rows they take in, told once a row and column, however often they overlap."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from services.runtime.sheets.cells import Mark, SheetRefused, Table

MOST = 1_000
"""Merged columns below the headings, beyond which a table is no table."""


class _Merged(NamedTuple):
    first: int
    last: int
    mark: Mark


class Merges:
    """Asked row by row, downwards; what lies above the row last asked is forgotten."""

    def __init__(self, table: Table, header: int, fields: Mapping[int, str]) -> None:
        """Raises `SheetRefused` where there are too many."""
        found = sorted(
            (column, max(top, header + 1), bottom)
            for top, left, bottom, right in table.merged
            if bottom > header
            for column in fields
            if left <= column <= right
        )
        if len(found) > MOST:
            raise SheetRefused(
                "merged",
                "Bảng có quá nhiều ô gộp: bỏ gộp ô (Merge & Center) trong phần số liệu.",
                "The table has too many merged cells: unmerge those among the figures.",
            )
        apart = (_Merged(first, last, _mark(column, fields[column])) for column, first, last in _united(found))
        self._below = sorted(apart, key=lambda one: (one.first, one.mark.column), reverse=True)
        self._here: list[_Merged] = []

    def marks(self, row: int) -> list[Mark]:
        """What is to be said of this row."""
        while self._below and self._below[-1].first <= row:
            self._here.append(self._below.pop())
        if self._here:
            self._here = [one for one in self._here if one.last >= row]
        return [one.mark for one in self._here]


def _united(found: Iterable[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    """Column, first and last row, sorted: those of a column that overlap as one."""
    held: tuple[int, int, int] | None = None
    for column, first, last in found:
        if held is not None and held[0] == column and first <= held[2]:
            held = (column, held[1], max(held[2], last))
            continue
        if held is not None:
            yield held
        held = (column, first, last)
    if held is not None:
        yield held


def _mark(column: int, name: str) -> Mark:
    return Mark(
        column,
        name,
        "merged",
        "Ô bị gộp: bỏ gộp và ghi giá trị vào từng dòng.",
        "The cell is merged: unmerge it, and write the value into each row.",
    )
