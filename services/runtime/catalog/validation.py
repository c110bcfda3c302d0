"""What does not fit a model, said in a sentence with the line where it stands and what to write instead."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from services.runtime.catalog import remedies
from services.runtime.catalog.problems import Path, Problem, Words, did_you_mean

MONTHS = 12
_TABLE = ".csv"
_MEMBERS = ("constrained-str", "literal[")
_CURVES = frozenset({"linear", "milestones", "seasonal", "step"})


def problems_with(model: type[BaseModel], content: Any, name: str, lines: Mapping[Path, int]) -> list[Problem]:
    """One problem for each thing in `content` that does not fit the model, unknown keys included, in order."""
    try:
        model.model_validate(content, extra="forbid")
    except ValidationError as error:
        return list(_problems(error, model, name, lines))
    return []


def _problems(
    error: ValidationError, model: type[BaseModel], name: str, lines: Mapping[Path, int]
) -> Iterator[Problem]:
    found_at: dict[Path, list[Any]] = {}
    for found in error.errors(include_url=False):
        if found["type"] == "too_short" and len(found["input"]) >= found["ctx"]["min_length"]:
            continue  # enough is written; pydantic counts those alone that fit, and of the others it has said why
        found_at.setdefault(_in_the_document(tuple(found["loc"])), []).append(found)
    for path, several in found_at.items():
        found = _of_a_union(several)
        where = _written_path(path, lines)
        sentence = _sentence(found, model, path, in_table=name.endswith(_TABLE))
        yield Problem(name, lines.get(where, lines.get((), 1)), str(sentence))


def _in_the_document(loc: Path) -> Path:
    """The path without the names of a union's members, which are not in the document."""
    path: Path = ()
    for step in loc:
        member = isinstance(step, str) and step.startswith(_MEMBERS)
        if not member and not (path[-1:] == ("plan",) and step in _CURVES):
            path = (*path, step)
    return path


def _of_a_union(several: Sequence[Any]) -> Any:
    """Of what the members of a union say of one value: the last that is no list of words."""
    patterns = [found for found in several if found["type"] != "literal_error"]
    return patterns[-1] if patterns else several[-1]


def _written_path(loc: Path, lines: Mapping[Path, int]) -> Path:
    """The longest path of the document along `loc`."""
    path: Path = ()
    for step in loc:
        if (*path, step) not in lines:
            break
        path = (*path, step)
    return path


def _sentence(found: Any, model: type[BaseModel], loc: Path, *, in_table: bool) -> Words:
    keys = [step for step in loc if isinstance(step, str)]
    name = ".".join(keys) if not in_table else "parent" if keys[:1] == ["parents"] else ".".join(keys)
    value = found.get("input")
    match found["type"]:
        case "extra_forbidden":
            advice = did_you_mean(str(loc[-1]), _fields_at(model, loc[:-1]), _TAKE_OUT)
            return Words(f"không có khóa “{name}”", f"unknown key “{name}”").then(advice)
        case "missing" if in_table:
            return Words(f"ô “{name}” để trống; hãy điền vào", f"the cell “{name}” is empty; fill it in")
        case "missing":
            return Words(f"thiếu “{name}”; hãy viết “{keys[-1]}: …”", f"“{name}” is missing; write “{keys[-1]}: …”")
        case "tuple_type" | "list_type" if value is not None:
            return Words(
                f"“{name}” phải là một danh sách; hãy viết [{value}]",
                f"“{name}” must be a list; write [{value}] instead",
            )
        case "union_tag_not_found":
            return Words(
                f"“{name}” không nói theo đường nào; hãy viết “curve: linear”, milestones, seasonal hoặc step",
                f"“{name}” does not say which curve; write “curve: linear”, milestones, seasonal or step",
            )
        case "union_tag_invalid":
            curve = str(found.get("ctx", {}).get("tag", ""))
            advice = did_you_mean(curve, _CURVES)
            return Words(f"“{name}.curve” không thể là “{curve}”", f"“{name}.curve” cannot be “{curve}”").then(advice)
        case "too_short" | "too_long":
            return _wrong_length(name, value, found.get("ctx", {}))
        case _ if value is None:
            return Words(
                f"“{name}” để trống; hãy viết giá trị hoặc bỏ dòng này",
                f"“{name}” is empty; write a value, or take the line out",
            )
    advice = _advice(found, model, loc, keys[-1] if keys else "")
    if not keys:
        return Words("mục này không đúng dạng", "the entry has another shape").then(advice)
    shown = _shown(value)
    return Words(f"“{name}” không thể là {shown}", f"“{name}” cannot be {shown}").then(advice)


_TAKE_OUT = Words("; hãy bỏ khóa này", "; take it out")


def _shown(value: Any) -> str:
    text = f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)
    return f"“{text if len(text) <= 60 else text[:57] + '…'}”"


def _wrong_length(name: str, value: Any, context: Mapping[str, Any]) -> Words:
    count = len(value) if isinstance(value, Sequence) else context.get("actual_length", 0)
    if name.endswith("shares"):
        return Words(
            f"“{name}” có {count} số, cần đúng {MONTHS} số, mỗi tháng một số; hãy viết đủ {MONTHS} số có tổng là 100, "
            "số 0 cho tháng không có phần nào",
            f"“{name}” has {count} numbers and needs {MONTHS}, one for each month; write {MONTHS} that make 100, 0 for "
            "a month that brings nothing",
        )
    if "min_length" in context:
        least = context["min_length"]
        return Words(
            f"“{name}” có {count} phần, cần ít nhất {least}; hãy viết thêm",
            f"“{name}” has {count} and needs at least {least}; write what is missing",
        )
    return Words(
        f"“{name}” có {count} phần, nhiều nhất được {context.get('max_length')}; hãy bỏ bớt",
        f"“{name}” has {count} and may have {context.get('max_length')}; take some out",
    )


def _advice(found: Any, model: type[BaseModel], loc: Path, field: str) -> Words:
    kind, value, context = str(found["type"]), found.get("input"), found.get("ctx", {})
    if kind == "literal_error":
        return did_you_mean(str(value), re.findall(r"'([^']+)'", str(context.get("expected", ""))))
    if kind == "string_pattern_mismatch":
        return _pattern_advice(str(context.get("pattern", "")), str(value))
    if kind in _BOUNDS:
        return _bound(kind, context)
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        fields = ", ".join(f"{field}: …" for field in sorted(_required_at(model, loc)))
        return Words(
            f": ở đây cần các khóa có giá trị; hãy viết {{{fields}}}",
            f": it takes keys with values; write {{{fields}}}",
        )
    for start, advise in _BY_TYPE.items():
        if kind.startswith(start):
            return advise(str(value), field)
    return _SEE_SCHEMA


_BOUNDS = {
    "greater_than_equal": ("ge", "không nhỏ hơn", "of at least"),
    "greater_than": ("gt", "lớn hơn", "above"),
    "less_than_equal": ("le", "không lớn hơn", "of at most"),
    "less_than": ("lt", "nhỏ hơn", "below"),
}


def _bound(kind: str, context: Mapping[str, Any]) -> Words:
    key, vi, en = _BOUNDS[kind]
    return Words(f"; hãy viết một số {vi} {context.get(key)}", f"; write a number {en} {context.get(key)}")


def _instead(written: str | None, otherwise: Words) -> Words:
    return otherwise if written is None else Words(f"; hãy viết {written}", f"; write {written}")


def _number(value: str, field: str) -> Words:
    return _instead(
        remedies.number_of(value, field),
        Words(
            "; hãy viết số bằng chữ số, dấu chấm trước phần thập phân, không có % và dấu ngăn hàng nghìn (1234.5)",
            "; write digits with a point before the decimals, without % and without separators of thousands (1234.5)",
        ),
    )


def _whole_number(value: str, field: str) -> Words:
    written = remedies.number_of(value.rstrip("hgH "), field)
    whole = written if written is not None and written.isdigit() else None
    return _instead(whole, Words("; hãy viết một số nguyên bằng chữ số (7)", "; write a whole number in digits (7)"))


def _day(value: str, field: str) -> Words:
    written = remedies.day_of(value)
    if written is None and remedies.looks_like_a_day(value):
        return Words(
            ": không có ngày này trên lịch; hãy viết một ngày có thật theo dạng năm-tháng-ngày (2023-09-30)",
            ": there is no such day; write one that exists, as year-month-day (2023-09-30)",
        )
    return _instead(
        written,
        Words("; hãy viết ngày theo dạng năm-tháng-ngày (2023-09-30)", "; write a day as year-month-day (2023-09-30)"),
    )


def _truth(value: str, field: str) -> Words:
    return Words("; hãy viết true hoặc false", "; write true or false")


def _hour(value: str, field: str) -> Words:
    return _instead(
        remedies.hour_of(value),
        Words("; hãy viết giờ từ 00:00 đến 23:59 (07:30)", "; write a time from 00:00 to 23:59 (07:30)"),
    )


def _span(value: str, field: str) -> Words:
    return _instead(
        remedies.span_of(value),
        Words("; hãy viết P30D cho ba mươi ngày", "; write P30D for thirty days"),
    )


def _one_text(value: str, field: str) -> Words:
    return Words("; ở đây chỉ được viết một giá trị", "; write one value here, and no list")


def _shorter(value: str, field: str) -> Words:
    return Words("; hãy viết ngắn hơn", "; write it shorter")


_SEE_SCHEMA = Words(
    "; hãy viết một giá trị như mô tả trong deploy/catalogs/schemas",
    "; write a value as described in deploy/catalogs/schemas",
)

_BY_TYPE: Mapping[str, Callable[[str, str], Words]] = {
    "decimal": _number,
    "finite_number": _number,
    "float": _number,
    "int": _whole_number,
    "date": _day,
    "bool": _truth,
    "time_delta": _span,
    "time": _hour,
    "string_type": _one_text,
    "string_too_long": _shorter,
}
"""How the name of an error begins → what to write instead; the first that fits."""


def _pattern_advice(pattern: str, value: str) -> Words:
    if "@" in pattern and "A-Z" not in pattern:
        return Words(
            "; hãy viết một địa chỉ thư điện tử, chẳng hạn phong-ban@dak-nong.example",
            "; write an e-mail address such as phong-ban@dak-nong.example instead",
        )
    if pattern.startswith("^[a-z0-9]") and ("[" in value or "]" in value):
        return Words(
            "; hãy viết đơn vị[2020-01-01..2023-07-01], có thể bỏ trống một đầu",
            "; write unit[2020-01-01..2023-07-01], with either end left out",
        )
    if pattern.startswith("^[a-z0-9]"):
        vi = "; hãy viết tối đa 80 chữ thường không dấu, chữ số, “.”, “-” và “_”"
        en = "; write at most 80 small letters without accents, digits, “.”, “-” and “_” instead"
        like = remedies.id_of(value)
        return Words(vi, en) if like is None else Words(f"{vi}, chẳng hạn “{like}”", f"{en}, such as “{like}”")
    return Words("; hãy viết liền, không có dấu cách", "; write it without spaces")


def _required_at(model: type[BaseModel], loc: Path) -> set[str]:
    """The fields that have to stand at a place of the model; of several shapes, those that all of them have."""
    required = [
        {name for name, field in each.model_fields.items() if field.is_required()} for each in _models_at(model, loc)
    ]
    return set.intersection(*(each for each in required if each)) if any(required) else set()


def _fields_at(model: type[BaseModel], loc: Path) -> set[str]:
    """The field names that could stand at a place of the model."""
    return {name for each in _models_at(model, loc) for name in each.model_fields}


def _models_at(model: type[BaseModel], loc: Path) -> set[type[BaseModel]]:
    """The models that describe a place of the model: several, where it may have several shapes."""
    models = {model}
    for step in loc:
        if not isinstance(step, str) or step not in {name for each in models for name in each.model_fields}:
            continue  # an index
        models = {
            inner
            for each in models
            if step in each.model_fields
            for inner in _models_in(each.model_fields[step].annotation)
        }
    return models


def _models_in(annotation: Any) -> Iterable[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
