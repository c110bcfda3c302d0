"""The catalog that a command speaks of: that of a folder, or the one in force."""

import asyncio
from pathlib import Path

from services.cli.settings import CommandSettings
from services.runtime.catalog import Catalog, stream
from services.runtime.catalog.check import check_folder
from services.runtime.errors import StartError, Transient


def of_folder(folder: Path) -> Catalog:
    """Raises `StartError` where the folder has mistakes."""
    checked = check_folder(folder)
    if checked.errors:
        raise StartError(
            f"Danh mục {folder} còn lỗi; `tiendo catalog check {folder}` nêu rõ · {folder} has mistakes; "
            f"`tiendo catalog check {folder}` names them."
        )
    return Catalog.of(checked.folder.items)


def in_force(province: str, read: CommandSettings) -> Catalog | None:
    """What stands on the broker of a province; None where nothing does. Raises `StartError` where it cannot be read."""
    try:
        found = asyncio.run(stream.read(read.kafka.connection())).get(province)
    except Transient as error:
        raise StartError(str(error)) from None
    return found.catalog if found is not None else None
