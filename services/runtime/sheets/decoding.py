"""From the bytes of a text file to Unicode; other encodings are refused by name, with the way out."""

import codecs
import re
import unicodedata

from services.runtime.sheets.cells import SheetRefused

_UTF8_BOM = codecs.BOM_UTF8
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_UTF32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)

_VISCII_ONLY = frozenset("\x02\x05\x06\x14\x19\x1e")
_TCVN3 = re.compile(
    "[A-Za-z\xc0-\xff][\xa7-\xa9\xaa-\xac\xae\xb5-\xb9\xbb-\xbe]|[\xa7-\xa9\xab\xae\xb5-\xb9\xbb-\xbe][A-Za-z]"
)
_VNI = re.compile("[\xd1\xf1\xd6\xf6]|[AEIOUYaeiouy][\xc4\xc5\xcb\xcf\xd8\xdb\xe4\xe5\xeb\xef\xf8\xfb]")

_UNIKEY_VI = "chuyển sang Unicode (Unikey: Ctrl+Shift+F6) rồi lưu lại"
_UNIKEY_EN = "convert it to Unicode (Unikey: Ctrl+Shift+F6) and save it again"


def decoded(body: bytes) -> str:
    """The text, composed (NFC). Raises `SheetRefused` on anything but UTF-8 and UTF-16."""
    return unicodedata.normalize("NFC", _decoded(body))


def legacy(text: str) -> str | None:
    """The encoding of a legacy font in which Unicode text seems to have been typed: TCVN3 or VNI; else None.

    Such text shows as “§¾k N«ng” or “Ñaék Noâng” without its font.
    """
    if text.isascii():
        return None
    if _TCVN3.search(text):
        return "TCVN3 (ABC)"
    return "VNI" if _VNI.search(text) else None


def legacy_told(name: str) -> tuple[str, str]:
    """What to do about text in a legacy encoding."""
    return f"chữ gõ theo bảng mã {name}: {_UNIKEY_VI}.", f"text in the encoding {name}: {_UNIKEY_EN}."


def _decoded(body: bytes) -> str:
    if body.startswith(_UTF32):
        raise _not_read("UTF-32")
    for mark, name in _UTF16.items():
        if body.startswith(mark):
            return _utf16(body[len(mark) :], name)
    body = body.removeprefix(_UTF8_BOM)
    if b"\0" in body[:4_096]:
        even, odd = body[:4_096:2].count(0), body[1:4_096:2].count(0)
        if min(even, odd) > max(even, odd) // 4:
            raise _no_text()
        return _utf16(body, "utf-16-be" if even > odd else "utf-16-le")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise _not_read(_named(body)) from None
    return _without_nul(text)


def _utf16(body: bytes, name: str) -> str:
    try:
        return _without_nul(body.decode(name))
    except UnicodeDecodeError:
        raise _not_read("UTF-16 hỏng / broken UTF-16") from None


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise _no_text()
    return text


def _named(body: bytes) -> str:
    """The most likely of the encodings that were in use before Unicode."""
    text = body[:65_536].decode("latin-1")
    if any(one in _VISCII_ONLY for one in text):
        return "VISCII"
    return legacy(text) or "Windows-1258, Windows-1252"


def _not_read(name: str) -> SheetRefused:
    return SheetRefused(
        "encoding",
        f"Tệp không phải UTF-8 hay UTF-16 (có vẻ là {name}): trong Excel chọn Lưu thành → CSV UTF-8; "
        f"chữ gõ bằng phông cũ thì {_UNIKEY_VI}.",
        f"The file is neither UTF-8 nor UTF-16 (it seems to be {name}): in Excel choose Save as → CSV UTF-8; "
        f"if it was typed in an old font, {_UNIKEY_EN}.",
    )


def _no_text() -> SheetRefused:
    return SheetRefused(
        "not_text",
        "Tệp có byte rỗng (NUL), không phải văn bản CSV: lưu lại từ Excel bằng Lưu thành → CSV UTF-8, hoặc gửi XLSX.",
        "The file holds NUL bytes and is no CSV text: save it again from Excel by Save as → CSV UTF-8, or send XLSX.",
    )
