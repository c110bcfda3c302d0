"""Whether a changed schema may keep its version. Pure: old schema, new schema → changes, each with a verdict.

Within a version both directions must hold: a new reader reads old payloads, and an old reader, which ignores fields
that it does not know, reads new ones. A change that cannot be classified is an error, never a shrug.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Verdict(Enum):
    """What a change means for those who are deployed already."""

    COMPATIBLE = "compatible"
    READERS_FIRST = "deploy the readers first, then the writers"
    BREAKING = "needs a new version of the topic"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference, where it is, and what it means."""

    where: str
    what: str
    verdict: Verdict

    def __str__(self) -> str:
        return f"{self.where}: {self.what} ({self.verdict.value})"


class Unclassified(ValueError):
    """Two schemas differ in a way that no rule here knows. Add the rule, with a test, before the change."""


Schema = Mapping[str, Any]

_PROSE = {"title", "description", "examples", "$schema", "$id", "$comment"}
_UPPER = {"maxLength", "maximum", "maxItems", "exclusiveMaximum"}
_LOWER = {"minLength", "minimum", "minItems", "exclusiveMinimum"}
_STRUCTURE = {
    "properties",
    "required",
    "$defs",
    "$ref",
    "items",
    "anyOf",
    "oneOf",
    "allOf",
    "additionalProperties",
    "prefixItems",
}
_KNOWN = (
    _PROSE | _UPPER | _LOWER | _STRUCTURE | {"type", "enum", "const", "pattern", "format", "discriminator", "default"}
)


def compare(old: Schema, new: Schema) -> list[Change]:
    """All changes from `old` to `new`. Raises `Unclassified` for a keyword that has no rule."""
    return list(_compare(old, new, old, new, "$", frozenset()))


def breaking(changes: list[Change]) -> list[Change]:
    """Those that need a new version."""
    return [change for change in changes if change.verdict is Verdict.BREAKING]


def _compare(
    old: Schema, new: Schema, old_root: Schema, new_root: Schema, where: str, seen: frozenset[tuple[str, str]]
) -> Iterator[Change]:
    refs = (str(old.get("$ref", "")), str(new.get("$ref", "")))
    if refs != ("", ""):
        if refs in seen:
            return
        seen = seen | {refs}
    old, new = _resolved(old, old_root), _resolved(new, new_root)
    for schema in (old, new):
        strange = {key for key in schema if key not in _KNOWN and not key.startswith("x-")}
        if strange:
            raise Unclassified(f"{where}: no rule for {', '.join(sorted(strange))}")
    yield from _alternatives(old, new, old_root, new_root, where, seen)
    yield from _scalars(old, new, where)
    yield from _bounds(old, new, where)
    yield from _properties(old, new, old_root, new_root, where, seen)
    for keyword in ("items", "additionalProperties"):
        yield from _nested(old.get(keyword), new.get(keyword), old_root, new_root, f"{where}.{keyword}", seen)


def _resolved(schema: Schema, root: Schema) -> Schema:
    """The schema behind a `$ref`, with what stands beside it."""
    while "$ref" in schema:
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        name = str(schema["$ref"]).removeprefix("#/$defs/")
        schema = {**root["$defs"][name], **beside}
    return schema


def _properties(
    old: Schema, new: Schema, old_root: Schema, new_root: Schema, where: str, seen: frozenset[tuple[str, str]]
) -> Iterator[Change]:
    before, after = old.get("properties", {}), new.get("properties", {})
    needed_before, needed_after = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(before.keys() - after.keys()):
        yield Change(f"{where}.{name}", "removed", Verdict.BREAKING)
    for name in sorted(after.keys() - before.keys()):
        verdict = Verdict.BREAKING if name in needed_after else Verdict.COMPATIBLE
        yield Change(f"{where}.{name}", "added" + (" as required" if name in needed_after else ""), verdict)
    for name in sorted(before.keys() & after.keys()):
        if name in needed_after - needed_before:
            yield Change(f"{where}.{name}", "became required", Verdict.BREAKING)
        if name in needed_before - needed_after:
            yield Change(f"{where}.{name}", "became optional: an old reader needs it", Verdict.BREAKING)
        yield from _compare(before[name], after[name], old_root, new_root, f"{where}.{name}", seen)


def _scalars(old: Schema, new: Schema, where: str) -> Iterator[Change]:
    for keyword in ("type", "const", "pattern", "format", "default", "discriminator"):
        if old.get(keyword) != new.get(keyword):
            what = f"{keyword} changed from {old.get(keyword)!r} to {new.get(keyword)!r}"
            yield Change(where, what, Verdict.BREAKING)
    before, after = old.get("enum"), new.get("enum")
    if before == after:
        return
    if before is None or after is None:
        yield Change(
            where, "became an enumeration" if before is None else "is no enumeration any more", Verdict.BREAKING
        )
        return
    if gone := [value for value in before if value not in after]:
        yield Change(where, f"values removed: {gone}", Verdict.BREAKING)
    if come := [value for value in after if value not in before]:
        yield Change(where, f"values added: {come}", Verdict.READERS_FIRST)


def _bounds(old: Schema, new: Schema, where: str) -> Iterator[Change]:
    for keyword in sorted(_UPPER | _LOWER):
        before, after = old.get(keyword), new.get(keyword)
        if before == after:
            continue
        looser = after is None or (before is not None and (after > before if keyword in _UPPER else after < before))
        verdict = Verdict.READERS_FIRST if looser else Verdict.BREAKING
        yield Change(where, f"{keyword} changed from {before} to {after}", verdict)


def _alternatives(
    old: Schema, new: Schema, old_root: Schema, new_root: Schema, where: str, seen: frozenset[tuple[str, str]]
) -> Iterator[Change]:
    for keyword in ("anyOf", "oneOf", "allOf", "prefixItems"):
        before, after = old.get(keyword, []), new.get(keyword, [])
        if len(after) < len(before):
            yield Change(where, f"fewer alternatives in {keyword}", Verdict.BREAKING)
        elif len(after) > len(before):
            yield Change(
                where, f"more alternatives in {keyword}", Verdict.READERS_FIRST if before else Verdict.BREAKING
            )
        for number, (left, right) in enumerate(zip(before, after, strict=False)):
            yield from _compare(left, right, old_root, new_root, f"{where}.{keyword}[{number}]", seen)


def _nested(
    old: Any, new: Any, old_root: Schema, new_root: Schema, where: str, seen: frozenset[tuple[str, str]]
) -> Iterator[Change]:
    if old == new and not isinstance(old, Mapping):
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _compare(old, new, old_root, new_root, where, seen)
    else:
        yield Change(where, "changed", Verdict.BREAKING)
