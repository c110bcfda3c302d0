"""CSV with line numbers and comments: lines that begin with # say where the data comes from."""

import csv
import io
from collections.abc import Iterator


def cells(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the numbers of their first lines, the head first; empty rows and comments are left out, spaces around
    cells too. Raises `csv.Error` for what is no table at all."""
    reader = csv.reader(io.StringIO(text, newline=""))
    line = 1
    for row in reader:
        if any(row) and not row[0].startswith("#"):
            yield line, [cell.strip() for cell in row]
        line = reader.line_num + 1


def rows(text: str) -> Iterator[dict[str, str]]:
    """Rows by column name. Raises ValueError where a row has another number of cells than the head."""
    lines = cells(text)
    _, head = next(lines, (0, []))
    for number, row in lines:
        if len(row) != len(head):
            raise ValueError(f"line {number} has {len(row)} cells, the head {len(head)}")
        yield dict(zip(head, row, strict=True))
