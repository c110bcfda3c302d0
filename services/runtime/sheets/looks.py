"""How the cells of a workbook look, which its values do not tell: percent signs, errors, formulas, hidden rows.

Read from the parts' XML by a streaming parser that keeps nothing but this. DTDs were refused before (`archive.py`).
"""

import posixpath
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.parsers import expat

from services.runtime.sheets.archive import BROKEN, broken
from services.runtime.sheets.cells import SheetRefused
from services.runtime.sheets.delimited import too_many_columns, too_many_rows
from services.runtime.sheets.limits import Limits

Attributes = Mapping[str, str]

_PERCENT_FORMATS = frozenset({"9", "10"})
_QUOTED = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_LONGEST_FORMAT = 255
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_WORKBOOK = "xl/workbook.xml"


@dataclass(slots=True)
class Looks:
    """Of one sheet; rows from 1, columns from 0."""

    percent: set[tuple[int, int]] = field(default_factory=set)
    errors: set[tuple[int, int]] = field(default_factory=set)
    formulas: set[tuple[int, int]] = field(default_factory=set)
    """Formulas that a program has calculated."""
    uncalculated: set[tuple[int, int]] = field(default_factory=set)
    hidden: set[int] = field(default_factory=set)
    filled: int = 0


class Workbook(NamedTuple):
    """What is asked of every sheet: where its part is, which styles are percentages, whether formulas are fresh."""

    parts: Mapping[str, str]
    percents: frozenset[str]
    stale: bool


def workbook(archive: zipfile.ZipFile) -> Workbook:
    """The parts of the sheets by name, and the styles. Raises `SheetRefused`."""
    named: dict[str, str] = {}
    stale = False

    def sheet(name: str, attributes: Attributes) -> None:
        nonlocal stale
        if name == "sheet":
            related = next((text for key, text in attributes.items() if _local(key) == "id" and ":" in key), "")
            named[attributes.get("name", "")] = related
        elif name == "calcPr":
            stale = attributes.get("fullCalcOnLoad", "0") in ("1", "true")

    targets: dict[str, str] = {}

    def related(name: str, attributes: Attributes) -> None:
        if name == "Relationship":
            targets[attributes.get("Id", "")] = attributes.get("Target", "")

    _parse(archive, _WORKBOOK, sheet)
    _parse(archive, "xl/_rels/workbook.xml.rels", related)
    parts = {name: _path(targets.get(identity, "")) for name, identity in named.items()}
    return Workbook(parts, _percents(archive), stale)


def looks(archive: zipfile.ZipFile, part: str, of: Workbook, limits: Limits) -> Looks:
    """How the cells of a sheet look. Raises `SheetRefused` where it is larger than is read."""
    found = Looks()
    row = column = 0
    here = (0, 0)
    style, kind = "", ""
    formula = value = False

    def settle() -> None:
        if formula:
            (found.formulas if value and not of.stale else found.uncalculated).add(here)
        if value or kind == "inlineStr":
            found.filled += 1
            if here[0] > limits.rows:
                raise too_many_rows(limits)
            if here[1] >= limits.columns:
                raise too_many_columns(limits)
            if kind == "e":
                found.errors.add(here)
            elif style in of.percents and kind in ("", "n"):
                found.percent.add(here)

    def started(name: str, attributes: Attributes) -> None:
        nonlocal row, column, here, style, kind, formula, value
        if name == "v":
            value = True
        elif name == "f":
            formula = True
        elif name == "c":
            settle()
            row, column = _place(attributes.get("r"), row, column)
            here, style, kind = (row, column), attributes.get("s", ""), attributes.get("t", "")
            column += 1
            formula = value = False
        elif name == "row":
            row = int(attributes.get("r", row + 1))
            column = 0
            if attributes.get("hidden", "0") in ("1", "true"):
                found.hidden.add(row)

    _parse(archive, part, started)
    settle()
    return found


def _place(reference: str | None, row: int, column: int) -> tuple[int, int]:
    """Row and column of a cell; those that come next where it does not say."""
    if reference is None:
        return row, column
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise broken()
    number = 0
    for letter in match[1]:
        number = number * 26 + ord(letter) - 64
    return int(match[2]), number - 1


def _percents(archive: zipfile.ZipFile) -> frozenset[str]:
    """The styles whose numbers are shown with a percent sign."""
    custom: set[str] = set()
    styles: list[bool] = []
    within = False

    def style(name: str, attributes: Attributes) -> None:
        nonlocal within
        if name == "numFmt" and "%" in _QUOTED.sub("", attributes.get("formatCode", "")[:_LONGEST_FORMAT]):
            custom.add(attributes.get("numFmtId", ""))
        elif name in ("cellXfs", "cellStyleXfs", "cellStyles", "dxfs"):
            within = name == "cellXfs"
        elif name == "xf" and within:
            number = attributes.get("numFmtId", "")
            styles.append(number in _PERCENT_FORMATS or number in custom)

    if "xl/styles.xml" in archive.namelist():
        _parse(archive, "xl/styles.xml", style)
    return frozenset(str(at) for at, percent in enumerate(styles) if percent)


def _parse(archive: zipfile.ZipFile, part: str, started: Callable[[str, Attributes], None]) -> None:
    parser = expat.ParserCreate("UTF-8")  # whatever the part itself says of its encoding
    parser.StartElementHandler = lambda name, attributes: started(_local(name), attributes)
    try:
        with archive.open(part) as content:
            parser.ParseFile(content)
    except SheetRefused:
        raise
    except (*BROKEN, LookupError, expat.ExpatError):
        raise broken() from None


def _path(target: str) -> str:
    return target[1:] if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))


def _local(name: str) -> str:
    return name.rpartition(":")[2]
