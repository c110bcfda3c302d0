"""Catalog objects as records of `catalog.v1`, and back.

A version of a catalog is a manifest: the key of every object, and the digest of its bytes. The manifest is written
last; a reader that has some objects but not all of a manifest's keeps the version it had.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pydantic import ValidationError

from contracts.catalog import MANIFEST_KIND, OBJECT_MODELS, CatalogObject, Manifest, OrgUnit
from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.check import errors_in
from services.runtime.catalog.problems import Problem

_SAID = 3


class CatalogRecord(NamedTuple):
    """A record to be written: `value` None is a tombstone."""

    key: str
    ce_type: str
    value: bytes | None


class CatalogUnreadable(ValueError):
    """A catalog that is complete but cannot be understood: written by a newer release, or by something else."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"catalog.v1 holds what this release cannot use: {key}: {why}")
        self.key = key
        self.why = why


class CatalogRefused(CatalogUnreadable):
    """A catalog that is complete and readable, and with which figures would be wrong: a cycle in the tree, say."""

    def __init__(self, key: str, problems: Sequence[Problem]) -> None:
        why = "; ".join(str(problem) for problem in problems[:_SAID])
        more = len(problems) - _SAID
        super().__init__(key, f"{why}; and {more} more" if more > 0 else why)
        self.problems = tuple(problems)


def key_of(province: str, item: CatalogObject) -> str:
    """The record key of an object."""
    return f"{province}/{item.object_kind}/{item.object_id}"


def manifest_key(province: str) -> str:
    """The record key of a province's manifest."""
    return f"{province}/{MANIFEST_KIND}/{province}"


def kind_of(key: str) -> str:
    """The kind of object that a record key names; empty if it is no key of ours."""
    parts = key.split("/")
    return parts[1] if len(parts) == 3 else ""


def type_of(key: str) -> str:
    """The CloudEvents type of the record with this key."""
    return f"vn.tiendo.catalog.{kind_of(key)}.v1"


def encode(item: CatalogObject | Manifest) -> bytes:
    """Canonical JSON: sorted keys, no spaces, UTF-8, absent rather than null. Equal objects have equal bytes."""
    content = item.model_dump(mode="json", exclude_none=True)
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest_of(value: bytes) -> str:
    """The digest that a manifest holds for a record's value."""
    return hashlib.sha256(value).hexdigest()


def version_of(number: int, digests: Mapping[str, str]) -> str:
    """`<number>-<12 hex>`: the same objects have the same hex digits, whatever the number."""
    lines = "".join(f"{key} {digest}\n" for key, digest in sorted(digests.items()))
    return f"{number}-{hashlib.sha256(lines.encode()).hexdigest()[:12]}"


def make_manifest(province: str, number: int, digests: Mapping[str, str]) -> Manifest:
    """The manifest of these objects under this number."""
    return Manifest(province=province, number=number, version=version_of(number, digests), digests=dict(digests))


def encode_all(province: str, objects: Iterable[CatalogObject]) -> dict[str, bytes]:
    """Record key → value, for every object."""
    return {key_of(province, item): encode(item) for item in objects}


def changes(
    province: str, objects: Iterable[CatalogObject], held: Mapping[str, str], before: Manifest | None, floor: int = 0
) -> tuple[CatalogRecord, ...]:
    """What to write so that the topic holds exactly these objects: changed ones, tombstones, the manifest last.

    `held` has the digests of what the topic holds now (tombstoned keys absent), `before` its manifest. The new number
    is above both `before`'s and `floor`. Empty if nothing changed.
    """
    values = encode_all(province, objects)
    digests = {key: digest_of(value) for key, value in values.items()}
    if before is not None and before.digests == digests and dict(held) == digests:
        return ()
    number = max(before.number if before else 0, floor) + 1
    written = [CatalogRecord(key, type_of(key), values[key]) for key in values if held.get(key) != digests[key]]
    removed = [CatalogRecord(key, type_of(key), None) for key in held if key not in digests]
    last = manifest_key(province)
    return (
        *written,
        *removed,
        CatalogRecord(last, type_of(last), encode(make_manifest(province, number, digests))),
    )


class CatalogAssembler:
    """Collects the records of one province, in the order of the topic, and switches only to complete catalogs."""

    def __init__(self, province: str) -> None:
        self.province = province
        self.catalog: Catalog | None = None
        self.manifest: Manifest | None = None
        self.refusal = ""
        """Why the newest complete catalog is not in force; empty if it is."""
        self._values: dict[str, bytes] = {}
        self._digests: dict[str, str] = {}
        self._awaited: set[str] = set()

    @property
    def held(self) -> Mapping[str, str]:
        """Digests of the objects that the topic holds, by key."""
        return self._digests

    @property
    def values(self) -> Mapping[str, bytes]:
        """The objects that the topic holds, by key."""
        return self._values

    @property
    def unit_ids(self) -> frozenset[str]:
        """The units of the newest manifest."""
        keys = self.manifest.digests if self.manifest is not None else ()
        return frozenset(key.rsplit("/", 1)[-1] for key in keys if kind_of(key) == OrgUnit.object_kind)

    @property
    def missing(self) -> int:
        """How many objects of the newest manifest have not arrived, or not with the content that it names."""
        return len(self._awaited)

    def feed(self, key: str, value: bytes | None) -> Catalog | None:
        """Take the next record; the new catalog, if this one completed it.

        Raises `CatalogUnreadable` if a complete catalog cannot be understood, `CatalogRefused` if it cannot be computed
        with; the one before stays.
        """
        if key == manifest_key(self.province):
            self._take_manifest(key, value)
        elif key.startswith(f"{self.province}/"):
            self._take_object(key, value)
        else:
            return None
        return self._switch()

    def _take_manifest(self, key: str, value: bytes | None) -> None:
        try:
            self.manifest = Manifest.model_validate_json(value) if value is not None else None
        except ValidationError as error:
            raise CatalogUnreadable(key, _first_problem(error)) from None
        wanted = self.manifest.digests if self.manifest else {}
        self._awaited = {name for name, digest in wanted.items() if self._digests.get(name) != digest}

    def _take_object(self, key: str, value: bytes | None) -> None:
        if value is None:
            self._values.pop(key, None)
            self._digests.pop(key, None)
        else:
            self._values[key] = value
            self._digests[key] = digest_of(value)
        wanted = self.manifest.digests.get(key) if self.manifest else None
        if wanted is not None and wanted != self._digests.get(key):
            self._awaited.add(key)
        else:
            self._awaited.discard(key)

    def _switch(self) -> Catalog | None:
        manifest = self.manifest
        if manifest is None or self._awaited:
            return None
        if self.catalog is not None and self.catalog.version == manifest.version:
            return None
        self.refusal = ""
        try:
            self.catalog = self._catalog_of(manifest)
        except CatalogUnreadable as error:
            self.refusal = error.why
            raise
        return self.catalog

    def _catalog_of(self, manifest: Manifest) -> Catalog:
        objects = {key: _decode(key, self._values[key]) for key in manifest.digests if kind_of(key) in OBJECT_MODELS}
        if errors := errors_in(objects):
            raise CatalogRefused(manifest_key(self.province), errors)
        try:
            return Catalog.of(objects.values(), manifest.number, manifest.version)
        except ValueError as error:
            raise CatalogUnreadable(manifest_key(self.province), str(error)) from None


def _decode(key: str, value: bytes) -> CatalogObject:
    try:
        return OBJECT_MODELS[kind_of(key)].model_validate_json(value)
    except ValidationError as error:
        raise CatalogUnreadable(key, _first_problem(error)) from None


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(step) for step in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"])
