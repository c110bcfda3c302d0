"""What does not fit a model, said in a sentence with the line where it stands and what to write instead."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from services.runtime.catalog.problems import Path, Problem, did_you_mean


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
    for found in error.errors(include_url=False):
        loc = tuple(found["loc"])
        path = _written_path(loc, lines)
        yield Problem(name, lines.get(path, lines.get((), 1)), _sentence(found, model, loc))


def _written_path(loc: Path, lines: Mapping[Path, int]) -> Path:
    """The longest path of the document along `loc`, which also names union members that are not in the document."""
    path: Path = ()
    for step in loc:
        if (*path, step) in lines:
            path = (*path, step)
    return path


def _sentence(found: Any, model: type[BaseModel], loc: Path) -> str:
    field_name = ".".join(str(step) for step in loc)
    value = found.get("input")
    context = found.get("ctx", {})
    match found["type"]:
        case "extra_forbidden":
            return f"unknown key “{field_name}”{did_you_mean(str(loc[-1]), _fields_at(model, loc[:-1]))}"
        case "missing":
            return f"“{field_name}” is missing; write “{loc[-1]}: …”"
        case "literal_error":
            choices = re.findall(r"'([^']+)'", str(context.get("expected", "")))
            return f"“{field_name}” cannot be “{value}”{did_you_mean(str(value), choices)}"
        case "string_pattern_mismatch":
            return f"“{field_name}” cannot be “{value}”; {_pattern_advice(str(context.get('pattern', '')))}"
        case "tuple_type" | "list_type":
            return f"“{field_name}” must be a list; write [{value}] instead"
        case "union_tag_not_found":
            return f"“{field_name}” does not say which curve; write “curve: linear”, milestones, seasonal or step"
        case _:
            return f"“{field_name}” cannot be “{value}”: {found['msg']}" if field_name else str(found["msg"])


def _pattern_advice(pattern: str) -> str:
    if "@" in pattern:
        return "write an e-mail address such as phong-ban@dak-nong.example instead"
    if pattern.startswith("^[a-z0-9]"):
        return "write at most 80 small letters without accents, digits, “.”, “-” and “_” instead"
    return "write it without spaces"


def _fields_at(model: type[BaseModel], loc: Path) -> set[str]:
    """The field names that could stand at a place of the model."""
    models = {model}
    for step in loc:
        if not isinstance(step, str) or step not in {name for each in models for name in each.model_fields}:
            continue  # an index, or the name of a union's member
        models = {
            inner
            for each in models
            if step in each.model_fields
            for inner in _models_in(each.model_fields[step].annotation)
        }
    return {name for each in models for name in each.model_fields}


def _models_in(annotation: Any) -> Iterable[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
