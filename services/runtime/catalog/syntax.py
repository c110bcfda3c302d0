"""What keeps a text from being read as YAML, in the words of somebody who writes a catalog and not of a parser."""

import re

import yaml

from services.runtime.catalog.problems import Words

Place = tuple[int, Words]
"""The line where the mistake is, and what to do about it."""

_CLOSING = {"[": "]", "{": "}"}
_LOOKALIKES = {"\u00a0": "dấu cách đặc biệt", "\u3000": "dấu cách đặc biệt", "\uff1a": "dấu “：”"}
_LOOKALIKES_EN = {"\u00a0": "a special space", "\u3000": "a special space", "\uff1a": "a wide colon “：”"}
_PLAIN = str.maketrans({"\u00a0": " ", "\u3000": " ", "\uff1a": ":"})
_ENTRY = re.compile(r"(?P<head>\s*(?:- )?[\w-]+:)\s+(?P<value>.*\S)\s*")
_GLUED = re.compile(r"\s*(?:- )?(?P<key>\w+)(?::|\s+)(?P<value>\S.*)")

TOO_DEEP = Words(
    "các dấu “[” hoặc “{” lồng nhau quá sâu; hãy viết như trong tệp mẫu",
    "brackets within brackets go too deep; write it as in the example files",
)


def explained(error: yaml.YAMLError, text: str) -> Place:
    """Where the mistake is, and what to write instead."""
    if isinstance(error, yaml.reader.ReaderError):
        return text.count("\n", 0, error.position) + 1, Words(
            f"có ký tự điều khiển không nhìn thấy (U+{error.character:04X}); hãy xóa nó hoặc gõ lại dòng này",
            f"an invisible control character stands here (U+{error.character:04X}); delete it, or type the line anew",
        )
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return 0, _UNCLEAR
    return _marked(error, text.splitlines())


def _marked(error: yaml.MarkedYAMLError, lines: list[str]) -> Place:
    assert error.problem_mark is not None
    at = error.problem_mark.line
    began = error.context_mark.line if error.context_mark is not None else at
    problem, context = error.problem or "", error.context or ""
    for number in dict.fromkeys((at, began, at - 1)):
        found = _by_its_signs(_line(lines, number))
        if found is not None:
            return number + 1, found
    if "quoted scalar" in context and ("end of stream" in problem or "document separator" in problem):
        return began + 1, _OPEN_QUOTE
    if "flow" in context and "expected ',' or" in problem:
        assert error.context_mark is not None
        bracket = _line(lines, began)[error.context_mark.column : error.context_mark.column + 1]
        return began + 1, _open_bracket(bracket)
    if "sequence entries are not allowed" in problem or "expected the node content" in problem:
        before = _line(lines, at - 1)
        return (at, _open_bracket("[")) if before.count("[") > before.count("]") else (at + 1, _ITEM_IN_LINE)
    if "could not find expected ':'" in problem:
        return began + 1, _no_colon(_line(lines, began))
    if "mapping values are not allowed" in problem:
        return at + 1, _two_colons(_line(lines, at)) or _indented(began, at)
    if "expected <block end>" in problem:
        return at + 1, _stray_item(began) if "sequence" in problem or "'-'" in problem else _indented(began, at)
    if "another document" in problem:
        return at + 1, Words(
            "“---” bắt đầu một tài liệu thứ hai; mỗi tệp chỉ có một, hãy bỏ dòng này",
            "“---” begins a second document, and a file holds one; take this line out",
        )
    if "escape character" in problem:
        return at + 1, Words(
            "dấu “\\” trong nháy kép có nghĩa riêng; hãy dùng nháy đơn '…' cho đoạn này",
            "a “\\” in double quotes means something else; put the text into single quotes '…'",
        )
    if _begins_with_a_sign(problem, context):
        return at + 1, _to_be_quoted(_line(lines, at))
    return at + 1, _UNCLEAR


def _line(lines: list[str], number: int) -> str:
    return lines[number] if number < len(lines) else ""


def _by_its_signs(line: str) -> Words | None:
    """What a look at the line shows, whatever the parser stumbled over."""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return Words(
            "dòng này thụt vào bằng phím Tab; hãy thay bằng dấu cách, như các dòng xung quanh",
            "the line is indented with a tab; write spaces instead, as in the lines around it",
        )
    sign = next((sign for sign in _LOOKALIKES if sign in line), None)
    if sign is not None:
        plain = line.translate(_PLAIN).strip()
        return Words(
            f"có {_LOOKALIKES[sign]} (U+{ord(sign):04X}) thay cho ký tự thường; hãy gõ lại: {plain}",
            f"{_LOOKALIKES_EN[sign]} (U+{ord(sign):04X}) stands for the plain one; type it anew: {plain}",
        )
    return None


def _begins_with_a_sign(problem: str, context: str) -> bool:
    return (
        "cannot start any token" in problem
        or "expected alphabetic or numeric character" in problem
        or "undefined alias" in problem
        or "block scalar" in context
        or "directive" in context
        or "scanning a tag" in context
    )


def _to_be_quoted(line: str) -> Words:
    found = _ENTRY.fullmatch(line)
    written = f"{found['head'].strip()} {_quoted(found['value'])}" if found else '"…"'
    return Words(
        f"giá trị bắt đầu bằng dấu mà YAML hiểu theo nghĩa khác; hãy đặt trong nháy: {written}",
        f"the value begins with a sign that means something else in YAML; put it into quotes: {written}",
    )


def _quoted(value: str) -> str:
    if value[0] in _CLOSING and value[-1] == _CLOSING[value[0]]:
        inner = ", ".join(f'"{part.strip()}"' for part in value[1:-1].split(","))
        return f"{value[0]}{inner}{value[-1]}"
    return f'"{value}"' if '"' not in value else f"'{value}'"


def _open_bracket(bracket: str) -> Words:
    closing = _CLOSING.get(bracket, "]")
    return Words(
        f"dấu “{bracket}” mở ở dòng này không được đóng, hoặc thiếu dấu phẩy ở giữa; hãy viết “{closing}” ở cuối",
        f"the “{bracket}” opened on this line is not closed, or a comma is missing in it; write “{closing}” at its end",
    )


_OPEN_QUOTE = Words(
    "dấu nháy mở ở dòng này không được đóng; hãy viết dấu nháy thứ hai ở cuối giá trị",
    "the quote opened on this line is not closed; write the second one at the end of the value",
)

_ITEM_IN_LINE = Words(
    "“- ” đứng giữa dòng; hãy để mỗi mục của danh sách trên một dòng riêng, bắt đầu bằng “- ”",
    "“- ” stands within a line; write each entry of a list on a line of its own, begun with “- ”",
)

_UNCLEAR = Words(
    "không đọc được dòng này theo YAML; hãy so dấu cách, dấu hai chấm, ngoặc và nháy với các dòng xung quanh",
    "the line cannot be read as YAML; hold its spaces, colons, brackets and quotes against the lines around it",
)


def _no_colon(line: str) -> Words:
    found = _GLUED.fullmatch(line)
    written = f"{found['key']}: {found['value']}" if found else "khóa: giá trị"
    return Words(
        f"thiếu dấu hai chấm và dấu cách giữa khóa và giá trị; hãy viết “{written}”",
        f"colon and space are missing between key and value; write “{written}”",
    )


def _two_colons(line: str) -> Words | None:
    found = _ENTRY.fullmatch(line)
    if found is None or found["value"][0] in _CLOSING or not re.search(r":\s", found["value"]):
        return None
    written = f"{found['head'].strip()} {_quoted(found['value'])}"
    return Words(
        f"giá trị có dấu hai chấm; hãy đặt trong nháy: {written}",
        f"the value has a colon; put it into quotes: {written}",
    )


def _indented(began: int, at: int) -> Words:
    beside = f" {began + 1}" if began < at else ""
    return Words(
        f"dòng này thụt vào không khớp với các dòng cùng mục{_of(beside, 'dòng')}; "
        "hãy để số dấu cách ở đầu dòng bằng nhau",
        f"the line is not indented like the others of its entry{_of(beside, 'line')}; "
        "begin them with the same number of spaces",
    )


def _of(number: str, word: str) -> str:
    return f" ({word}{number})" if number else ""


def _stray_item(began: int) -> Words:
    return Words(
        f"dấu “- ” mở một mục mới, nhưng mục ở dòng {began + 1} không bắt đầu bằng “- ” hoặc thụt vào khác; "
        "hãy bắt đầu mọi mục của danh sách bằng “- ” với cùng số dấu cách",
        f"“- ” begins an entry, and the one on line {began + 1} does not begin so, or is indented otherwise; "
        "begin every entry of a list with “- ” after the same number of spaces",
    )
