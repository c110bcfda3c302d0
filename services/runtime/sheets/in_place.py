"""An XLSX with marks put into it, and everything else in it byte for byte as it was.

Cells are coloured by conditional formats that always hold, so that no cell, style or protection is touched, and that
are known by their formula when the file comes back: those of an earlier time are taken out. What is wrong is listed on
a sheet of its own. Parts are changed by cutting their bytes at the places that a parser names.
"""

import posixpath
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, NamedTuple
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from services.runtime.sheets import looks
from services.runtime.sheets.archive import BROKEN, broken
from services.runtime.sheets.cells import letters
from services.runtime.sheets.columns import CHECKED

WRONG, DOUBTFUL, HEADING, LINK = "wrong", "doubtful", "heading", "link"

_FILL = '<fill><patternFill><bgColor rgb="{}"/></patternFill></fill>'
_LOOKS: Mapping[str, str] = {
    WRONG: '<font><color rgb="FF9C0006"/></font>' + _FILL.format("FFFFC7CE"),
    DOUBTFUL: '<font><color rgb="FF7F6000"/></font>' + _FILL.format("FFFFEB9C"),
    HEADING: "<font><b/></font>",
    LINK: '<font><u/><color rgb="FF0563C1"/></font>',
}
_OURS = "tiendo:"
"""Begins the text in the formulas of our formats."""

_WORKBOOK, _RELATED, _TYPES, _STYLES = (
    "xl/workbook.xml",
    "xl/_rels/workbook.xml.rels",
    "[Content_Types].xml",
    "xl/styles.xml",
)
_WORKSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_BEFORE_FORMATS = frozenset(
    {
        *("sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData", "sheetCalcPr", "sheetProtection"),
        *("protectedRanges", "scenarios", "autoFilter", "sortState", "dataConsolidate", "customSheetViews"),
        *("mergeCells", "phoneticPr"),
    }
)
_BEFORE_DXFS = frozenset(["numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles"])
_TAG = re.compile(rb"<[^\s/>]+(?:\s+[^\s=]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*/?>")
_COUNT = re.compile(rb"(\scount\s*=\s*)(?:\"[^\"]*\"|'[^']*')")
_PRIORITY = re.compile(rb"(\spriority\s*=\s*)(?:\"([^\"]*)\"|'([^']*)')")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_AT_ONCE = 100
"""Ranges of one format: programs take so many for certain."""

_MOST_LINKS = 60_000
_LONGEST_TEXT = 32_000

Cell = tuple[int, int]
"""Row from 1, column from 0."""


class Line(NamedTuple):
    """A line of the list: the sheet and row, the cell if it is about one, and what is to be said."""

    sheet: str
    row: int
    column: int | None
    first: int
    """The column of the row to which a link leads where it is about the whole row."""
    look: str
    vi: str
    en: str


class Told(NamedTuple):
    """The list: its name, what stands above it, its headings, and the lines."""

    name: str
    above: Sequence[str]
    headings: Sequence[str]
    severities: Mapping[str, str]
    lines: Sequence[Line]


@dataclass(slots=True)
class _Cut:
    """Bytes of a part that are replaced."""

    begin: int
    end: int
    new: bytes


Colours = Mapping[str, Mapping[str, Iterable[Cell]]]
"""By sheet and look: which cells."""


def marked(archive: zipfile.ZipFile, colours: Colours, told: Told, out: IO[bytes]) -> None:
    """Write the workbook with these cells coloured and this list in it. Raises `SheetRefused`."""
    try:
        _write(archive, _changes(archive, colours, told), out)
    except (*BROKEN, expat.ExpatError):
        raise broken() from None


Change = Callable[[bytes], Iterable[_Cut]]


def _changes(archive: zipfile.ZipFile, colours: Colours, told: Told) -> dict[str, Change | bytes]:
    """What becomes of which parts; bytes: a part that is written as a whole."""
    parts = looks.workbook(archive).parts
    changes: dict[str, Change | bytes] = {}
    formats: dict[str, int] = {}
    if _STYLES in archive.namelist():
        dxfs, cuts = _dxfs(archive.read(_STYLES))
        formats = {name: dxfs + at for at, name in enumerate(_LOOKS)}
        changes[_STYLES] = lambda _: cuts
    for name, part in parts.items():
        changes[part] = _colouring(colours.get(name, {}), formats)
    content = archive.read(_WORKBOOK)
    namespace = _root(content)[1]
    list_of = _list(told, formats, namespace)
    before = next((part for name, part in parts.items() if _is_ours(archive, name, part, told.name)), None)
    if before is not None:
        changes[before] = list_of
        return changes
    part = _free_part(archive)
    changes[part] = list_of
    strict = "purl.oclc.org" in namespace
    root = "http://purl.oclc.org/ooxml" if strict else "http://schemas.openxmlformats.org"
    relations = f"{root}/officeDocument/{'' if strict else '2006/'}relationships"
    related = archive.read(_RELATED)
    identity = _free(set(re.findall(rb"[\w.-]+", related)), "rIdCheck")
    changes[_WORKBOOK] = lambda body: [_sheet_named(body, _free_name(told.name, parts), identity, relations)]
    target = f'Type="{relations}/worksheet" Target="{posixpath.relpath(part, "xl")}"'
    changes[_RELATED] = lambda body: [_last_child(body, f'<{{p}}Relationship Id="{identity}" {target}/>')]
    changes[_TYPES] = lambda body: [
        _last_child(body, f'<{{p}}Override PartName="/{part}" ContentType="{_WORKSHEET}"/>')
    ]
    return changes


def _write(archive: zipfile.ZipFile, changes: Mapping[str, Change | bytes], out: IO[bytes]) -> None:
    known = set(archive.namelist())
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in archive.infolist():
            body, change = archive.read(entry), changes.get(entry.filename)
            info = zipfile.ZipInfo(entry.filename, entry.date_time)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, entry.external_attr
            with new.open(info, "w") as part:
                if isinstance(change, bytes):
                    part.write(change)
                else:
                    for piece in _pieces(body, change(body) if change is not None else ()):
                        part.write(piece)
        for name, change in changes.items():
            if name not in known and isinstance(change, bytes):
                info = zipfile.ZipInfo(name)
                info.compress_type = zipfile.ZIP_DEFLATED
                new.writestr(info, change)


def _pieces(body: bytes, cuts: Iterable[_Cut]) -> Iterator[bytes | memoryview]:
    whole, at = memoryview(body), 0
    for cut in sorted(cuts, key=lambda one: (one.begin, one.end)):
        yield whole[at : cut.begin]
        yield cut.new
        at = cut.end
    yield whole[at:]


# the colours of a sheet


def _colouring(cells: Mapping[str, Iterable[Cell]], formats: Mapping[str, int]) -> Change:
    """Our formats in place of those of an earlier time, and before all others."""
    wanted = [(look, chunk) for look in (WRONG, DOUBTFUL) for chunk in _chunks(_ranges(cells.get(look, ())))]

    def change(body: bytes) -> list[_Cut]:
        seen = _Formats(body)
        cuts = seen.ours
        if not wanted:
            return cuts
        p = seen.prefix
        new = "".join(
            f'<{p}conditionalFormatting sqref="{" ".join(chunk)}">'
            f"{_rule(p, look, formats.get(look), priority)}</{p}conditionalFormatting>"
            for priority, (look, chunk) in enumerate(wanted, 1)
        )
        cuts.append(_Cut(seen.place, seen.place, new.encode()))
        cuts += _after(body, seen.others, len(wanted))
        return cuts

    return change


def _rule(prefix: str, look: str, dxf: int | None, priority: int) -> str:
    """A format that always holds; it colours nothing where the workbook has no styles."""
    styled = "" if dxf is None else f' dxfId="{dxf}"'
    return (
        f'<{prefix}cfRule type="expression"{styled} priority="{priority}">'
        f'<{prefix}formula>LEN("{_OURS}{look}")&gt;0</{prefix}formula></{prefix}cfRule>'
    )


def _after(body: bytes, tags: Iterable[int], by: int) -> Iterator[_Cut]:
    """Let the formats with these tags come after ours."""
    for begin in tags:
        tag = _tag(body, begin)
        if found := _PRIORITY.search(tag):
            number = (found[2] or found[3] or b"0").strip()
            later = int(number) + by if number.isdigit() else by + 1
            yield _Cut(begin + found.start(), begin + found.end(), found[1] + b'"%d"' % later)


class _Formats:
    """The conditional formats of a sheet: where ours go, which are ours of an earlier time, and where others stand."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.prefix = ""
        self.place = -1
        self.ours: list[_Cut] = []
        self.others: list[int] = []
        self._path: list[str] = []
        self._element = self._rule = 0
        self._kept = 0
        self._rules: list[_Cut] = []
        self._texts: list[str] = []
        self._data_seen = False
        self._parser = parser = expat.ParserCreate("UTF-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.Parse(body, True)

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        prefix, _, local = name.rpartition(":")
        at = self._parser.CurrentByteIndex
        if len(self._path) == 1:
            if local == "sheetData":
                self._data_seen = True
                self.prefix = f"{prefix}:" if prefix else ""
            elif self._data_seen and self.place < 0 and local not in _BEFORE_FORMATS:
                self.place = at
            if local == "conditionalFormatting":
                self._element, self._kept, self._rules = at, 0, []
        elif local == "cfRule":
            self._rule, self._texts = at, []
        self._path.append(local)

    def _text(self, text: str) -> None:
        if self._path[-1] in ("formula", "f"):
            self._texts.append(text)

    def _end(self, name: str) -> None:
        local = self._path.pop()
        at = self._parser.CurrentByteIndex
        if not self._path and self.place < 0:
            self.place = at
        elif local == "cfRule":
            if self._path[-1] == "conditionalFormatting" and f'"{_OURS}' in "".join(self._texts):
                self._rules.append(_Cut(self._rule, self._past(at), b""))
            else:
                self.others.append(self._rule)
                self._kept += 1
        elif local == "conditionalFormatting" and len(self._path) == 1 and self._rules:
            whole = [_Cut(self._element, self._past(at), b"")]
            self.ours += self._rules if self._kept else whole

    def _past(self, at: int) -> int:
        """Behind an end tag."""
        return self.body.index(b">", at) + 1


def _ranges(cells: Iterable[Cell]) -> list[str]:
    """Cells as references; those below one another as one."""
    found: list[str] = []
    begin: Cell | None = None
    last: Cell = (0, -1)
    for row, column in sorted(set(cells), key=lambda one: (one[1], one[0])):
        if begin is None or (row, column) != (last[0] + 1, last[1]):
            if begin is not None:
                found.append(_range(begin, last))
            begin = (row, column)
        last = (row, column)
    return found if begin is None else [*found, _range(begin, last)]


def _range(first: Cell, last: Cell) -> str:
    return _name(first) if first == last else f"{_name(first)}:{_name(last)}"


def _name(cell: Cell) -> str:
    return f"{letters(cell[1])}{cell[0]}"


def _chunks(ranges: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ranges[at : at + _AT_ONCE] for at in range(0, len(ranges), _AT_ONCE))


# the styles of the workbook


def _dxfs(body: bytes) -> tuple[int, list[_Cut]]:
    """How many formats there are already, and the change that adds ours behind them."""
    count, place, found, depth = 0, -1, -1, 0
    prefix = ""
    parser = expat.ParserCreate("UTF-8")

    def start(name: str, attributes: Mapping[str, str]) -> None:
        nonlocal count, place, found, depth, prefix
        before, _, local = name.rpartition(":")
        if depth == 0:
            prefix = f"{before}:" if before else ""
        elif depth == 1 and local == "dxfs":
            found = parser.CurrentByteIndex
        elif depth == 1 and place < 0 and local not in _BEFORE_DXFS:
            place = parser.CurrentByteIndex
        elif depth == 2 and local == "dxf" and found >= 0 and end < 0:
            count += 1
        depth += 1

    end = -1

    def ended(name: str) -> None:
        nonlocal depth, end, place
        depth -= 1
        if depth == 1 and name.rpartition(":")[2] == "dxfs":
            end = parser.CurrentByteIndex
        elif depth == 0 and place < 0:
            place = parser.CurrentByteIndex

    parser.StartElementHandler, parser.EndElementHandler = start, ended
    parser.Parse(body, True)
    new = "".join(f"<{prefix}dxf>{_prefixed(look, prefix)}</{prefix}dxf>" for look in _LOOKS.values())
    if found < 0:
        whole = f'<{prefix}dxfs count="{len(_LOOKS)}">{new}</{prefix}dxfs>'
        return 0, [_Cut(place, place, whole.encode())]
    tag = _tag(body, found)
    counted = _COUNT.sub(rb'\1"%d"' % (count + len(_LOOKS)), tag)
    if tag.endswith(b"/>"):
        opened = counted[:-2].rstrip() + b">" + new.encode() + f"</{prefix}dxfs>".encode()
        return count, [_Cut(found, found + len(tag), opened)]
    return count, [_Cut(found, found + len(tag), counted), _Cut(end, end, new.encode())]


def _prefixed(xml: str, prefix: str) -> str:
    return re.sub(r"<(/?)", rf"<\1{prefix}", xml) if prefix else xml


# the list


def _list(told: Told, formats: Mapping[str, int], namespace: str) -> bytes:
    """The sheet that lists what was found, with a link to each place."""
    rows: list[list[str | int]] = [[CHECKED]]
    rows += [[one] for one in told.above]
    rows += [[], [*told.headings]]
    top = len(rows)
    links: list[str] = []
    xml = [_row(number, cells) for number, cells in enumerate(rows, 1)]
    for number, line in enumerate(told.lines, top + 1):
        place = _name((line.row, line.column if line.column is not None else line.first))
        said = told.severities[line.look], line.vi, line.en
        shown = place if line.column is not None else ""
        xml.append(_row(number, [line.sheet, line.row, shown, *said]))
        if len(links) < _MOST_LINKS:
            sheet = line.sheet.replace("'", "''")
            where = quoteattr(f"'{sheet}'!{place}")
            links.append(
                f'<hyperlink ref="{"C" if shown else "B"}{number}" location={where} display={quoteattr(place)}/>'
            )
    last = top + max(len(told.lines), 1)
    coloured = {
        HEADING: ["A1", f"A{top}:F{top}"],
        LINK: [f"B{top + 1}:C{last}"],
        **{
            look: _ranges((number, 3) for number, line in enumerate(told.lines, top + 1) if line.look == look)
            for look in (WRONG, DOUBTFUL)
        },
    }
    chunks = [(look, chunk) for look, ranges in coloured.items() for chunk in _chunks(ranges)]
    widths = (24, 8, 8, 34, 90, 90)
    return "".join(
        [
            f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet xmlns={quoteattr(namespace)}>',
            '<sheetPr><tabColor rgb="FFC00000"/></sheetPr><sheetViews><sheetView workbookViewId="0">',
            f'<pane ySplit="{top}" topLeftCell="A{top + 1}" activePane="bottomLeft" state="frozen"/></sheetView>',
            "</sheetViews><cols>",
            *(f'<col min="{at}" max="{at}" width="{width}" customWidth="1"/>' for at, width in enumerate(widths, 1)),
            "</cols><sheetData>",
            *xml,
            "</sheetData>",
            *(
                f'<conditionalFormatting sqref="{" ".join(chunk)}">{_rule("", look, formats.get(look), at)}'
                "</conditionalFormatting>"
                for at, (look, chunk) in enumerate(chunks, 1)
            ),
            f"<hyperlinks>{''.join(links)}</hyperlinks>" if links else "",
            "</worksheet>",
        ]
    ).encode()


def _row(number: int, cells: Sequence[str | int]) -> str:
    return f'<row r="{number}">{"".join(_cell(number, at, value) for at, value in enumerate(cells) if value)}</row>'


def _cell(row: int, column: int, value: str | int) -> str:
    if isinstance(value, int):
        return f'<c r="{_name((row, column))}"><v>{value}</v></c>'
    safe = escape(_NOT_XML.sub("�", value[:_LONGEST_TEXT]))
    return f'<c r="{_name((row, column))}" t="inlineStr"><is><t xml:space="preserve">{safe}</t></is></c>'


def _is_ours(archive: zipfile.ZipFile, name: str, part: str, wanted: str) -> bool:
    """Whether the sheet is a list of an earlier time: by its name, and by formats that only we write."""
    return (
        name.startswith(wanted)
        and part in archive.namelist()
        and f'"{_OURS}{HEADING}'.encode() in archive.read(part).replace(b"&quot;", b'"')
    )


def _free_name(wanted: str, taken: Iterable[str]) -> str:
    names = {name.lower() for name in taken}
    options = (wanted, *(f"{wanted} ({number})" for number in range(2, len(names) + 3)))
    return next(one for one in options if one.lower() not in names)


def _free_part(archive: zipfile.ZipFile) -> str:
    names = {name.lower() for name in archive.namelist()}
    return next(one for n in range(1, len(names) + 2) if (one := f"xl/worksheets/sheet{n}.xml") not in names)


def _free(taken: set[bytes], wanted: str) -> str:
    return next(one for n in range(1, len(taken) + 2) if (one := f"{wanted}{n}").encode() not in taken)


# the parts that name others


def _sheet_named(body: bytes, name: str, identity: str, relations: str) -> _Cut:
    """The sheet as the last of the workbook."""
    numbers = [int(one) for one in re.findall(rb"\ssheetId\s*=\s*[\"'](\d{1,9})[\"']", body)]
    about = f'name={quoteattr(name)} sheetId="{max(numbers, default=0) + 1}"'
    return _last_child(body, f'<{{p}}sheet xmlns:r="{relations}" {about} r:id="{identity}"/>', within="sheets")


def _last_child(body: bytes, new: str, within: str | None = None) -> _Cut:
    """Put an element (`{p}`: the prefix of its parent) at the end of the root, or of this child of it."""
    place, p, path = -1, "", list[str]()
    parser = expat.ParserCreate("UTF-8")

    def start(name: str, _: Mapping[str, str]) -> None:
        path.append(name.rpartition(":")[2])

    def ended(name: str) -> None:
        nonlocal place, p
        local = path.pop()
        if len(path) == (0 if within is None else 1) and within in (None, local):
            before = name.rpartition(":")[0]
            place, p = parser.CurrentByteIndex, f"{before}:" if before else ""

    parser.StartElementHandler, parser.EndElementHandler = start, ended
    parser.Parse(body, True)
    if place < 0 or body[place : place + 2] != b"</":
        raise broken()
    return _Cut(place, place, new.replace("{p}", p).encode())


def _root(body: bytes) -> tuple[str, str]:
    """Name and namespace of the outermost element."""
    found: list[tuple[str, str]] = []
    parser = expat.ParserCreate("UTF-8")

    def start(name: str, attributes: Mapping[str, str]) -> None:
        if not found:
            prefix = name.rpartition(":")[0]
            found.append((name, attributes.get(f"xmlns:{prefix}" if prefix else "xmlns", "")))

    parser.StartElementHandler = start
    parser.Parse(body, True)
    return found[0]


def _tag(body: bytes, begin: int) -> bytes:
    tag = _TAG.match(body, begin)
    if tag is None:
        raise broken()
    return tag[0]
