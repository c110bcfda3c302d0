"""The archive that an XLSX is, before anything in it is believed: its size, its parts, what they really unpack to."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

from services.runtime.sheets.cells import SheetRefused
from services.runtime.sheets.limits import Limits

_END = b"PK\x05\x06"
_END_BYTES = 22
_MOST_COMMENT = 65_535
_LOCATOR = b"PK\x06\x07"
_LOCATOR_BYTES = 20
_ENTRY_BYTES = 4_096
"""Of the directory, for each entry: a header of 46 bytes, a name, some extra fields."""
_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = 0x1
_CHUNK = 262_144
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error, ValueError, OSError, KeyError)

_FORBIDDEN = (
    (("vbaproject", "macrosheets/", "activex/"), "macros", "macro", "macros"),
    (("externallinks/",), "external_links", "liên kết tới tệp khác", "links to other files"),
    (("connections.xml", "querytables/"), "connections", "kết nối dữ liệu ngoài", "connections to outside data"),
    (("embeddings/", "oleobject"), "embedded", "đối tượng nhúng", "embedded objects"),
)
_FORBIDDEN_TYPES = (
    (b"macroEnabled", "macros", "macro", "macros"),
    (b"vbaProject", "macros", "macro", "macros"),
    (b"externalLink+xml", "external_links", "liên kết tới tệp khác", "links to other files"),
    (b"oleObject", "embedded", "đối tượng nhúng", "embedded objects"),
)


def opened(body: bytes, limits: Limits) -> zipfile.ZipFile:
    """The archive, every part of which was unpacked once and is as large as it says. Raises `SheetRefused`."""
    archive = declared(body, limits)
    try:
        for entry in archive.infolist():
            _unpacked(body, entry)
        _wanted_types(archive)
    except BROKEN:
        raise broken() from None
    return archive


def declared(body: bytes, limits: Limits) -> zipfile.ZipFile:
    """The archive as its directory describes it, with nothing unpacked yet: a matter of a millisecond, by which most of
    what is too much is refused. Raises `SheetRefused`."""
    if body.startswith(_COMPOUND_FILE):
        raise SheetRefused(
            "old_or_encrypted",
            "Tệp Excel kiểu cũ (.xls) hoặc có mật khẩu: lưu lại thành .xlsx, không đặt mật khẩu.",
            "An Excel file of the old kind (.xls), or one with a password: save it as .xlsx without a password.",
        )
    _few_entries(body, limits)
    try:
        archive = zipfile.ZipFile(io.BytesIO(body))
        _as_declared(archive, len(body), limits)
    except BROKEN:
        raise broken() from None
    return archive


def broken() -> SheetRefused:
    """Not an XLSX, or a damaged one."""
    return SheetRefused(
        "not_xlsx",
        "Không đọc được tệp XLSX (hỏng, hoặc không phải XLSX): mở bằng Excel và lưu lại thành .xlsx.",
        "The XLSX cannot be read (damaged, or no XLSX): open it in Excel and save it as .xlsx.",
    )


def _few_entries(body: bytes, limits: Limits) -> None:
    """Look at the end of the directory before anybody reads all of it."""
    at = body.rfind(_END, max(0, len(body) - _END_BYTES - _MOST_COMMENT))
    if not body.startswith(b"PK") or at < 0 or at + _END_BYTES > len(body):
        raise broken()
    entries, directory = struct.unpack_from("<HI", body, at + 10)
    if body[max(0, at - _LOCATOR_BYTES) :].startswith(_LOCATOR):  # a second directory's end, for huge archives
        entries = limits.entries + 1
    if entries > limits.entries or directory > limits.entries * _ENTRY_BYTES:
        raise SheetRefused(
            "too_many_parts",
            f"Tệp XLSX có hơn {limits.entries} thành phần: sao chép bảng số liệu sang một tệp mới.",
            f"The XLSX has more than {limits.entries} parts: copy the table into a new file.",
        )


def _as_declared(archive: zipfile.ZipFile, size: int, limits: Limits) -> None:
    """What the directory says is bearable. What it says is checked afterwards, when the parts are unpacked."""
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(names) != len(set(names)) or any(_strays(name) for name in names):
        raise broken()
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise SheetRefused("encrypted", "Tệp có mật khẩu: bỏ mật khẩu.", "The file has a password: take it off.")
    for name in names:
        _wanted(name)
    too_dense = any(
        entry.file_size > limits.ratio_from and entry.file_size > limits.ratio * entry.compress_size
        for entry in entries
    )
    packed = sum(entry.compress_size for entry in entries)
    if too_dense or packed > size or sum(entry.file_size for entry in entries) > limits.unpacked_bytes:
        raise SheetRefused(
            "bomb",
            f"Tệp XLSX bung ra quá lớn (tối đa {limits.unpacked_bytes // 1_048_576} MB, gấp {limits.ratio} lần): "
            "sao chép bảng số liệu sang một tệp mới.",
            f"The XLSX unpacks to too much (at most {limits.unpacked_bytes // 1_048_576} MB, {limits.ratio} times "
            "its size): copy the table into a new file.",
        )


def _strays(name: str) -> bool:
    return name.startswith("/") or "\\" in name or ".." in name.split("/")


def _wanted(name: str) -> None:
    lower = name.lower()
    for words, code, vi, en in _FORBIDDEN:
        if any(word in lower for word in words):
            raise _not_wanted(code, vi, en)


def _wanted_types(archive: zipfile.ZipFile) -> None:
    types = archive.read("[Content_Types].xml")
    for word, code, vi, en in _FORBIDDEN_TYPES:
        if word in types:
            raise _not_wanted(code, vi, en)


def _not_wanted(code: str, vi: str, en: str) -> SheetRefused:
    return SheetRefused(
        code,
        f"Tệp có {vi}, không được nhận: dán giá trị sang một tệp .xlsx mới.",
        f"The file holds {en}, which are not taken: paste the values into a new .xlsx.",
    )


def _unpacked(body: bytes, entry: zipfile.ZipInfo) -> None:
    """Unpack a part and keep nothing: it is as large as declared, and no XML of it declares entities.

    Not by `zipfile`, which stops at the declared size; whoever reads the part afterwards may not.
    """
    left, before = entry.file_size, b""
    xml = entry.filename.lower().endswith((".xml", ".rels", ".vml"))
    for chunk in _inflated(_packed(body, entry), entry.compress_type):
        left -= len(chunk)
        if left < 0:
            raise broken()
        seen = before + chunk
        if xml and (b"<!DOCTYPE" in seen or b"<!ENTITY" in seen or b"\0" in chunk):
            raise SheetRefused(
                "doctype",
                "Tệp XLSX khai báo DTD hoặc thực thể XML, không được nhận: mở bằng Excel và lưu lại.",
                "The XLSX declares a DTD or XML entities, which are not taken: open it in Excel and save it again.",
            )
        before = chunk[-16:]
    if left:
        raise broken()


def _packed(body: bytes, entry: zipfile.ZipInfo) -> bytes:
    """The bytes of a part as they are stored, behind its own header."""
    name, extra = struct.unpack_from("<HH", body, entry.header_offset + 26)
    start = entry.header_offset + 30 + name + extra
    return body[start : start + entry.compress_size]


def _inflated(packed: bytes, method: int) -> Iterator[bytes]:
    if method == zipfile.ZIP_STORED:
        yield packed
        return
    if method != zipfile.ZIP_DEFLATED:
        raise broken()
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    while packed and not inflating.eof:
        yield inflating.decompress(packed, _CHUNK)
        packed = inflating.unconsumed_tail
    yield inflating.flush()
