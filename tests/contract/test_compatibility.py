"""The checker's own tests: a checker that checks nothing is worse than none."""

from typing import Any

import pytest

from contracts.compatibility import Unclassified, Verdict, compare
from contracts.generate import asyncapi, schemas


def an_object(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required or []}


TEXT = {"type": "string"}
COUNT = {"type": "integer"}


def verdicts(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, Verdict]]:
    return [(change.where, change.verdict) for change in compare(old, new)]


def test_equal_schemas_have_no_changes() -> None:
    assert verdicts(an_object({"a": TEXT}), an_object({"a": TEXT})) == []


def test_prose_may_change() -> None:
    assert verdicts(an_object({"a": TEXT}), an_object({"a": {**TEXT, "description": "better said"}})) == []


def test_a_new_optional_field_is_compatible() -> None:
    assert verdicts(an_object({}), an_object({"a": TEXT})) == [("$.a", Verdict.COMPATIBLE)]


def test_a_new_required_field_breaks_the_writers_that_do_not_know_it() -> None:
    assert verdicts(an_object({}), an_object({"a": TEXT}, ["a"])) == [("$.a", Verdict.BREAKING)]


def test_a_removed_field_breaks_the_readers_that_use_it() -> None:
    assert verdicts(an_object({"a": TEXT}), an_object({})) == [("$.a", Verdict.BREAKING)]


@pytest.mark.parametrize(
    ("before", "after"),
    [([], ["a"]), (["a"], [])],
    ids=["an optional field that becomes required", "a required field that becomes optional"],
)
def test_required_must_stay_as_it_is(before: list[str], after: list[str]) -> None:
    assert verdicts(an_object({"a": TEXT}, before), an_object({"a": TEXT}, after)) == [("$.a", Verdict.BREAKING)]


def test_a_changed_type_is_breaking() -> None:
    assert verdicts(an_object({"a": TEXT}), an_object({"a": COUNT})) == [("$.a", Verdict.BREAKING)]


def test_a_changed_default_changes_what_was_said_before() -> None:
    before, after = {**TEXT, "default": "actual"}, {**TEXT, "default": "preliminary"}
    assert verdicts(an_object({"a": before}), an_object({"a": after})) == [("$.a", Verdict.BREAKING)]


def test_a_new_value_of_an_enumeration_reaches_readers_first() -> None:
    before, after = {"enum": ["x"]}, {"enum": ["x", "y"]}
    assert verdicts(an_object({"a": before}), an_object({"a": after})) == [("$.a", Verdict.READERS_FIRST)]
    assert verdicts(an_object({"a": after}), an_object({"a": before})) == [("$.a", Verdict.BREAKING)]


def test_a_tighter_bound_is_breaking_and_a_looser_one_reaches_readers_first() -> None:
    tight, loose = {**TEXT, "maxLength": 10}, {**TEXT, "maxLength": 20}
    assert verdicts(an_object({"a": loose}), an_object({"a": tight})) == [("$.a", Verdict.BREAKING)]
    assert verdicts(an_object({"a": tight}), an_object({"a": loose})) == [("$.a", Verdict.READERS_FIRST)]


def test_changes_behind_a_reference_and_inside_a_list_are_found() -> None:
    def schema(inner: dict[str, Any]) -> dict[str, Any]:
        return {**an_object({"list": {"type": "array", "items": {"$ref": "#/$defs/Part"}}}), "$defs": {"Part": inner}}

    assert verdicts(schema(an_object({"a": TEXT})), schema(an_object({}))) == [("$.list.items.a", Verdict.BREAKING)]


def test_a_schema_that_refers_to_itself_is_compared_once() -> None:
    tree = {"$ref": "#/$defs/Node", "$defs": {"Node": an_object({"child": {"$ref": "#/$defs/Node"}})}}
    assert verdicts(tree, tree) == []


def test_an_alternative_that_goes_is_breaking() -> None:
    both, one = {"anyOf": [TEXT, {"type": "null"}]}, {"anyOf": [TEXT]}
    assert verdicts(an_object({"a": both}), an_object({"a": one})) == [("$.a", Verdict.BREAKING)]


def test_a_keyword_without_a_rule_is_an_error_and_never_a_shrug() -> None:
    with pytest.raises(Unclassified, match="aditionalProperties"):
        compare(an_object({}), {**an_object({}), "aditionalProperties": False})


@pytest.mark.parametrize("name", sorted(schemas()))
def test_our_own_schemas_use_only_keywords_that_have_rules(name: str) -> None:
    assert compare(schemas()[name], schemas()[name]) == []


@pytest.mark.parametrize("name", sorted(schemas()))
def test_removing_any_field_of_ours_is_noticed(name: str) -> None:
    whole = schemas()[name]
    for field in whole["properties"]:
        less = {**whole, "properties": {k: v for k, v in whole["properties"].items() if k != field}}
        assert (f"$.{field}", Verdict.BREAKING) in verdicts(whole, less)


def test_every_message_of_the_asyncapi_document_has_a_schema() -> None:
    for message in asyncapi()["components"]["messages"].values():
        assert message["payload"]["$ref"].removeprefix("./schemas/").removesuffix(".json") in schemas()
