"""A folder of catalog files → objects, each with file and line. What a single file shows to be wrong is said here;
what only shows when files are held against each other, by `check`."""

import csv
import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from contracts.catalog import CatalogObject, Defaults, Kpi, Province, Target
from services.runtime.catalog import lettering, marks, table
from services.runtime.catalog.files import (
    CATALOG_FILE,
    OPTIONAL_FILES,
    TABLE_FILES,
    YAML_FILES,
    CatalogFile,
    FileNames,
)
from services.runtime.catalog.problems import Located, Problem, Words, did_you_mean
from services.runtime.catalog.problems import Path as FieldPath
from services.runtime.catalog.validation import problems_with

_ID_LENGTH = 80
_ALIKE = 0.8
"""How much alike two names of files are of which one is misspelt."""

_TAKES_DEFAULTS: dict[type[CatalogObject], tuple[str, ...]] = {
    Kpi: ("calendar", "on_track_pace", "at_risk_pace"),
    Target: ("grace_days",),
}


@dataclass(slots=True)
class Folder:
    """What a folder holds. With problems, `objects` has only those that could be read."""

    objects: list[Located] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    """Ids of entries that stand there but have mistakes of their own."""
    complete: bool = True
    """Whether every file could be read at all."""
    misnamed: dict[str, str] = field(default_factory=dict)
    """File that is missing → the one that seems to be meant for it."""

    def give_up(self, file: str, line: int, why: Words) -> None:
        """A whole file cannot be used."""
        self.problems.append(Problem(file, line, str(why)))
        self.complete = False

    @property
    def items(self) -> list[CatalogObject]:
        """The objects alone."""
        return [located.item for located in self.objects]

    @property
    def province(self) -> str | None:
        """The province's id, if `catalog.yaml` could be read."""
        return next((item.id for item in self.items if isinstance(item, Province)), None)


def load_folder(path: Path) -> Folder:
    """Read every file of the folder. Never raises for what somebody wrote in it: all mistakes are in `problems`."""
    folder = Folder()
    if not path.is_dir():
        folder.give_up(
            str(path),
            0,
            Words(
                "không có thư mục này; hãy ghi thư mục có tệp catalog.yaml",
                "there is no such folder; name the folder that has catalog.yaml",
            ),
        )
        return folder
    names, defaults = _load_province(path, folder)
    _look_for_strangers(path, names, folder)
    folder.problems = [problem for problem in folder.problems if problem.file not in folder.misnamed]
    for section, (_, columns) in TABLE_FILES.items():
        _load_table(path, getattr(names, section), section, columns, folder)
    for section in YAML_FILES:
        _load_yaml(path, getattr(names, section), section, defaults, folder)
    return folder


def _look_for_strangers(path: Path, names: FileNames, folder: Folder) -> None:
    """Files that look like a part of the catalog and that nothing reads: an error where one seems to be the file that
    is missing, under a name that is not quite right."""
    read = {CATALOG_FILE, *names.model_dump().values()}
    there = {each.name for each in path.iterdir() if each.is_file() and not each.name.startswith(".")}
    for name in sorted(there - read):
        meant = get_close_matches(name.casefold(), sorted(read - there), n=1, cutoff=_ALIKE)
        if meant:
            folder.misnamed[meant[0]] = name
            folder.give_up(
                name,
                0,
                Words(
                    f"tệp có tên này không được đọc, còn {meant[0]} thì thiếu; hãy đổi tên tệp thành {meant[0]}",
                    f"a file of this name is not read, and {meant[0]} is missing; rename the file to {meant[0]}",
                ),
            )
        elif name.endswith((".yaml", ".yml")):
            folder.problems.append(Problem(name, 0, str(_NOT_READ), "warning"))


_NOT_READ = Words(
    "tệp này không được đọc; hãy chép nội dung vào tệp cùng loại, hoặc chuyển tệp ra khỏi thư mục",
    "the file is not read; put what it says into the file of its kind, or move it out of the folder",
)


def _load_province(path: Path, folder: Folder) -> tuple[FileNames, Defaults]:
    read = _read_yaml(path, CATALOG_FILE, False, folder)
    if read is None:
        return FileNames(), Defaults()
    content, lines = read
    if not isinstance(content, dict):
        folder.give_up(
            CATALOG_FILE,
            0 if content is None else 1,
            Words(
                "tệp phải có các dòng “khóa: giá trị”; hãy viết ít nhất “id: …” và “name_vi: …”",
                "the file must hold “key: value” lines; write at least “id: …” and “name_vi: …”",
            ),
        )
        return FileNames(), Defaults()
    wrong = problems_with(CatalogFile, content, CATALOG_FILE, lines)
    if wrong:
        folder.problems.extend(wrong)
        folder.complete = False
        return FileNames(), Defaults()
    whole = CatalogFile.model_validate(content)
    province = Province(**{name: getattr(whole, name) for name in Province.model_fields})
    folder.objects.append(Located(province, CATALOG_FILE, 1, lines))
    return whole.files, whole.defaults


def _load_yaml(path: Path, name: str, section: str, defaults: Defaults, folder: Folder) -> None:
    read = _read_yaml(path, name, section in OPTIONAL_FILES, folder)
    if read is None:
        return
    content, lines = read
    shape, model = YAML_FILES[section]
    if not isinstance(content, dict) or not isinstance(content.get(section), list):
        folder.give_up(name, *_no_list(content, section, lines))
        return
    entries = content[section]
    beside = {key: value for key, value in content.items() if key != section}
    wrong = problems_with(shape, {**beside, section: []}, name, lines)
    folder.problems.extend(wrong)
    shared = {} if wrong else beside
    if wrong:
        lists = [value for value in beside.values() if isinstance(value, list)]
        folder.unread.update(str(one.get("id")) for each in lists for one in each if isinstance(one, dict))
    for index, entry in enumerate(entries):
        whole = _with_defaults(model, entry, shared, defaults) if isinstance(entry, dict) else entry
        above = [key for key in shared if isinstance(entry, dict) and key not in entry and key in model.model_fields]
        _take(model, whole, name, lines, (section, index), folder, above)


def _no_list(content: Any, section: str, lines: Mapping[FieldPath, int]) -> tuple[int, Words]:
    """Where the list of a file is missing, and what to write."""
    if content is None:
        return 0, Words(
            f"tệp trống; hãy viết “{section}: []” nếu chưa có gì", f"the file is empty; write “{section}: []” for none"
        )
    if not isinstance(content, dict):
        return 1, Words(
            f"tệp phải bắt đầu bằng dòng “{section}:”; hãy viết dòng đó ở trên",
            f"the file must begin with the line “{section}:”; write it above this",
        )
    for key in content if section not in content else ():
        if get_close_matches(key, [section], n=1, cutoff=_ALIKE):
            return lines.get((key,), 1), Words(
                f"không có khóa “{key}”; hãy viết “{section}:”", f"unknown key “{key}”; write “{section}:” instead"
            )
    return lines.get((section,), 1), Words(
        f"“{section}:” phải là một danh sách, mỗi mục bắt đầu bằng “- ”; hãy viết “{section}: []” nếu chưa có gì",
        f"“{section}:” must hold a list, each entry begun with “- ”; write “{section}: []” for none",
    )


def _with_defaults(
    model: type[CatalogObject], entry: dict[str, Any], shared: Mapping[str, Any], defaults: Defaults
) -> dict[str, Any]:
    """The entry, with what it leaves to the province's defaults or to the top of its file."""
    inherited = {key: getattr(defaults, key) for key in _TAKES_DEFAULTS.get(model, ())}
    beside = {
        key: [*value, *(entry.get(key) or [])]
        for key, value in shared.items()
        if key in model.model_fields and isinstance(value, list)
    }
    return {**inherited, **entry, **beside}


def _load_table(path: Path, name: str, section: str, columns: tuple[str, ...], folder: Folder) -> None:
    text = _read_text(path, name, section in OPTIONAL_FILES, folder)
    if text is None:
        return
    try:
        rows = list(table.cells(text))
    except csv.Error:
        folder.give_up(name, 0, _NO_TABLE)
        return
    if not rows:
        head_line = ",".join(columns)
        folder.give_up(
            name,
            0,
            Words(f"tệp trống; hãy bắt đầu bằng dòng {head_line}", f"the file is empty; begin it with {head_line}"),
        )
        return
    line, head = rows[0]
    wrong = list(_wrong_head(head, columns))
    if wrong:
        folder.problems.extend(Problem(name, line, str(message)) for message in wrong)
        folder.complete = False
        return
    model = TABLE_FILES[section][0]
    for line, cells in rows[1:]:
        message = _wrong_row(cells, head)
        if message is None:
            _take(model, _row(section, dict(zip(head, cells, strict=False))), name, {(): line}, (), folder)
        else:
            folder.give_up(name, line, message)


_NO_TABLE = Words(
    "không đọc được thành bảng; hãy kiểm tra dấu nháy và lưu lại dạng “CSV UTF-8”",
    "it cannot be read as a table; look at its quotes, and save it as “CSV UTF-8”",
)


def _wrong_head(head: Sequence[str], columns: Sequence[str]) -> Iterator[Words]:
    if not set(head) & set(columns):
        yield _no_head(head, columns)
        return
    for column in dict.fromkeys(head):
        if column not in columns:
            yield Words(f"không có cột “{column}”", f"unknown column “{column}”").then(did_you_mean(column, columns))
        elif head.count(column) > 1:
            yield Words(
                f"cột “{column}” có hai lần; hãy đổi tên hoặc bỏ một cột",
                f"the column “{column}” stands twice; rename one, or take it out",
            )
    for column in columns[:2]:
        if column not in head:
            yield Words(
                f"thiếu cột “{column}”; hãy thêm vào dòng đầu", f"the column “{column}” is missing; add it to this line"
            )


def _no_head(head: Sequence[str], columns: Sequence[str]) -> Words:
    separator = next((sign for sign in (";", "\t", "|") if sign in head[0]), None)
    if separator is None:
        line = ",".join(columns)
        return Words(
            f"dòng đầu phải là tên các cột; hãy viết dòng {line} ở trên, bỏ những cột không dùng",
            f"the first line must name the columns; write {line} above it, without those that are not used",
        )
    vi, en = ("phím Tab", "tabs") if separator == "\t" else (f"dấu “{separator}”", f"“{separator}”")
    return Words(
        f"các cột ngăn nhau bằng {vi}; hãy lưu lại với dấu phẩy",
        f"the columns are separated by {en}; save the file with commas",
    )


def _wrong_row(cells: Sequence[str], head: Sequence[str]) -> Words | None:
    if any("\n" in cell or "\r" in cell for cell in cells):
        return Words(
            "dấu nháy kép mở ở dòng này không được đóng trên cùng dòng; hãy thêm dấu nháy thứ hai hoặc bỏ dấu này",
            "the quote opened on this line is not closed on it; write the second one, or take this one out",
        )
    if len(cells) > len(head):
        return Words(
            f"dòng có {len(cells)} ô, dòng tên cột có {len(head)}; hãy đặt ô có dấu phẩy trong nháy kép",
            f"the row has {len(cells)} cells, the head {len(head)}; put quotes around commas",
        )
    return None


def _row(section: str, cells: dict[str, str]) -> dict[str, Any]:
    content: dict[str, Any] = {key: value for key, value in cells.items() if value != ""}
    if section == "org_units":
        content["external_ids"] = [part.strip() for part in content.pop("external_ids", "").split(";") if part.strip()]
        content["parents"] = [_parent(part.strip()) for part in content.pop("parent", "").split(";") if part.strip()]
    elif "from_unit" in content and "to_unit" in content:
        content.setdefault("id", _succession_id(content["from_unit"], content["to_unit"]))
    return content


def _succession_id(predecessor: str, successor: str) -> str:
    """Both ids in one; cut, and made unlike any other by a digest, where they are too long for that."""
    whole = f"{predecessor}--{successor}"
    if len(whole) <= _ID_LENGTH:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
    return f"{predecessor[-34:].lstrip('._-')}--{successor[-34:].lstrip('._-')}-{digest}"


def _parent(cell: str) -> dict[str, Any]:
    """`unit`, or `unit[2020-01-01..2023-07-01]` with either end left out; the second day is exclusive."""
    if not cell.endswith("]") or "[" not in cell:
        return {"unit": cell}
    unit, _, dates = cell[:-1].partition("[")
    first, _, last = dates.partition("..")
    return {"unit": unit, "valid_from": first or None, "valid_to": last or None}


def _read_text(path: Path, name: str, optional: bool, folder: Folder) -> str | None:
    try:
        return lettering.text_of((path / name).read_bytes())
    except FileNotFoundError:
        if not optional and name not in folder.misnamed:
            folder.give_up(
                name,
                0,
                Words(
                    f"thiếu tệp này; hãy viết tệp {name} trong {path}",
                    f"the file is missing; write {name} into {path}",
                ),
            )
    except lettering.NotText as error:
        folder.give_up(name, error.line, error.why)
    except OSError as error:
        folder.give_up(
            name,
            0,
            Words(
                f"không mở được tệp ({error.strerror}); hãy cho quyền đọc",
                f"the file cannot be read ({error.strerror}); make it readable",
            ),
        )
    return None


def _read_yaml(path: Path, name: str, optional: bool, folder: Folder) -> tuple[Any, Mapping[FieldPath, int]] | None:
    text = _read_text(path, name, optional, folder)
    if text is None:
        return None
    try:
        return marks.read(text)
    except marks.NotYaml as error:
        folder.give_up(name, error.line, error.why)
        return None


def _take(
    model: type[CatalogObject],
    content: Any,
    name: str,
    lines: Mapping[FieldPath, int],
    at: FieldPath,
    folder: Folder,
    above: Collection[str] = (),
) -> None:
    """`above`: what the entry has from the top of its file alone, so that its lines are those there."""
    own = {path[len(at) :]: line for path, line in lines.items() if path[: len(at)] == at}
    own.update({path: line for path, line in lines.items() if path and path[0] in above})
    wrong = problems_with(model, content, name, own)
    folder.problems.extend(wrong)
    if wrong and isinstance(content, dict):
        folder.unread.add(str(content.get("id")))
    elif not wrong:
        folder.objects.append(Located(model.model_validate(content), name, own.get((), 1), own))
