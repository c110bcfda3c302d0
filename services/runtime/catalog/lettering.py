"""The bytes of a catalog file as text, and what kept them from being one."""

import re

from services.runtime.catalog.problems import Words

Place = tuple[int, Words]

_MANGLED = re.compile("á[»º]|Ä‘|Æ°|\ufffd")
"""Vietnamese that was saved as UTF-8 and read as something else, or whose letters were lost."""


class NotText(ValueError):
    """The file cannot be used; `line` and `why` say where and what to do."""

    def __init__(self, line: int, why: Words) -> None:
        super().__init__(str(why))
        self.line = line
        self.why = why


def text_of(raw: bytes) -> str:
    """The text, without a byte order mark. Raises `NotText`."""
    if raw.startswith(b"PK\x03\x04"):
        raise NotText(
            0,
            Words(
                "đây là tệp bảng tính hoặc tệp nén, không phải văn bản; hãy lưu lại dưới dạng “CSV UTF-8”",
                "this is a workbook or an archive and no text; save it as “CSV UTF-8”",
            ),
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise NotText(0 if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else line, _OTHER_ENCODING) from None
    found = _MANGLED.search(text)
    if found is not None:
        raise NotText(
            text.count("\n", 0, found.start()) + 1,
            Words(
                f"chữ tiếng Việt bị hỏng mã (“{found[0]}”); hãy lấy lại bản gốc, hoặc gõ lại, rồi lưu tệp dạng UTF-8",
                f"Vietnamese letters are mangled (“{found[0]}”); take the original or type them anew, and save the "
                "file as UTF-8",
            ),
        )
    return text


_OTHER_ENCODING = Words(
    "có ký tự không phải mã UTF-8; hãy lưu lại tệp dạng UTF-8 (trong Excel: “CSV UTF-8”)",
    "a character is not UTF-8; save the file as UTF-8 (in Excel: “CSV UTF-8”)",
)
