"""A folder of catalog files → objects, each with file and line. What a single file shows to be wrong is said here;
what only shows when files are held against each other, by `check`."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contracts.catalog import CatalogObject, Defaults, Kpi, Province, Target
from services.runtime.catalog import marks, table
from services.runtime.catalog.files import (
    CATALOG_FILE,
    OPTIONAL_FILES,
    TABLE_FILES,
    YAML_FILES,
    CatalogFile,
    FileNames,
)
from services.runtime.catalog.problems import Located, Problem, did_you_mean
from services.runtime.catalog.problems import Path as FieldPath
from services.runtime.catalog.validation import problems_with

_ID_LENGTH = 80

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

    def give_up(self, file: str, line: int, why: str) -> None:
        """A whole file cannot be used."""
        self.problems.append(Problem(file, line, why))
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
        folder.give_up(str(path), 0, "there is no such folder; name the folder that has catalog.yaml")
        return folder
    names, defaults = _load_province(path, folder)
    for section, (_, columns) in TABLE_FILES.items():
        _load_table(path, getattr(names, section), section, columns, folder)
    for section in YAML_FILES:
        _load_yaml(path, getattr(names, section), section, defaults, folder)
    return folder


def _load_province(path: Path, folder: Folder) -> tuple[FileNames, Defaults]:
    read = _read_yaml(path, CATALOG_FILE, False, folder)
    if read is None:
        return FileNames(), Defaults()
    content, lines = read
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
    entries = content.get(section)
    if not isinstance(entries, list):
        folder.give_up(name, lines.get((section,), 1), f"“{section}:” must hold a list; write “{section}: []” for none")
        return
    beside = {key: value for key, value in content.items() if key != section}
    wrong = problems_with(shape, {**beside, section: []}, name, lines)
    folder.problems.extend(wrong)
    shared = {} if wrong else beside
    for index, entry in enumerate(entries):
        whole = _with_defaults(model, entry, shared, defaults) if isinstance(entry, dict) else entry
        _take(model, whole, name, lines, (section, index), folder)


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
    rows = list(table.cells(text))
    if not rows:
        folder.give_up(name, 0, f"the file is empty; begin it with {','.join(columns)}")
        return
    line, head = rows[0]
    wrong = [f"unknown column “{column}”{did_you_mean(column, columns)}" for column in head if column not in columns]
    wrong += [f"the column “{column}” is missing" for column in columns[:2] if column not in head]
    if wrong:
        folder.problems.extend(Problem(name, line, message) for message in wrong)
        folder.complete = False
        return
    model = TABLE_FILES[section][0]
    for line, cells in rows[1:]:
        if len(cells) > len(head):
            message = f"the row has {len(cells)} cells, the head {len(head)}; put quotes around commas"
            folder.problems.append(Problem(name, line, message))
        else:
            _take(model, _row(section, dict(zip(head, cells, strict=False))), name, {(): line}, (), folder)


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
        return (path / name).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        if not optional:
            folder.give_up(name, 0, f"the file is missing; write {name} into {path}")
    except UnicodeDecodeError as error:
        folder.give_up(name, 0, f"byte {error.start} is not UTF-8; save the file as UTF-8")
    except OSError as error:
        folder.give_up(name, 0, f"the file cannot be read ({error.strerror}); make it readable")
    return None


def _read_yaml(
    path: Path, name: str, optional: bool, folder: Folder
) -> tuple[dict[str, Any], Mapping[FieldPath, int]] | None:
    text = _read_text(path, name, optional, folder)
    if text is None:
        return None
    try:
        content, lines = marks.read(text)
    except marks.NotYaml as error:
        folder.give_up(name, error.line, f"not readable as YAML: {error.why}")
        return None
    if not isinstance(content, dict):
        folder.give_up(name, 1, "the file must hold “key: value” lines; see its JSON Schema")
        return None
    return content, lines


def _take(
    model: type[CatalogObject],
    content: Any,
    name: str,
    lines: Mapping[FieldPath, int],
    at: FieldPath,
    folder: Folder,
) -> None:
    own = {path[len(at) :]: line for path, line in lines.items() if path[: len(at)] == at}
    wrong = problems_with(model, content, name, own)
    folder.problems.extend(wrong)
    if wrong and isinstance(content, dict):
        folder.unread.add(str(content.get("id")))
    elif not wrong:
        folder.objects.append(Located(model.model_validate(content), name, own.get((), 1), own))
