"""YAML with the line of every value.

Scalars stay text, except true, false and null: the models turn them into numbers and dates exactly, `period: 2023` is
the text that it looks like, and a key `on` is not a boolean.
"""

from typing import Any

import yaml

from services.runtime.catalog.problems import Path, Words
from services.runtime.catalog.syntax import TOO_DEEP, explained

_BOOLEANS = {"true": True, "false": False}
_NULLS = {"", "~", "null"}


class NotYaml(ValueError):
    """The text cannot be read as YAML; `line` is where the trouble was noticed, `why` says what to write."""

    def __init__(self, line: int, why: Words) -> None:
        super().__init__(str(why))
        self.line = line
        self.why = why


def read(text: str) -> tuple[Any, dict[Path, int]]:
    """The document, and the line of every value and key by path. Raises `NotYaml`."""
    lines: dict[Path, int] = {}
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        return (None if node is None else _build(node, (), lines)), lines
    except yaml.YAMLError as error:
        raise NotYaml(*explained(error, text)) from None
    except RecursionError:
        raise NotYaml(0, TOO_DEEP) from None


def _build(node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_build(child, (*path, index), lines) for index, child in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, lines)
    return _scalar(node)


def _mapping(node: yaml.MappingNode, path: Path, lines: dict[Path, int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        line = key_node.start_mark.line + 1
        if key in found:
            raise NotYaml(
                line,
                Words(
                    f"“{key}” viết hai lần trong cùng một mục (lần đầu ở dòng {lines[*path, key]}); hãy giữ lại một",
                    f"“{key}” stands twice in one entry (first on line {lines[*path, key]}); keep one of them",
                ),
            )
        lines[(*path, key)] = line
        found[key] = _build(value_node, (*path, key), lines)
    return found


def _scalar(node: yaml.Node) -> Any:
    text = node.value
    if getattr(node, "style", None) is not None:  # quoted or a block: text, whatever it looks like
        return text
    if text in _NULLS:
        return None
    return _BOOLEANS.get(text, text)
