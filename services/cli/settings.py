"""The settings of the commands that talk to a broker or a database: the services' own variables."""

import os
from pathlib import Path
from typing import Annotated

import typer

from deploy.embedded import running
from services.runtime import settings
from services.runtime.settings import PREFIX, ServiceSettings

HERE = Path(".tiendo")

Data = Annotated[
    Path,
    typer.Option(
        "--data", help="Where `tiendo up` keeps its data: of a system on this machine, unless TIENDO_* say else."
    ),
]


class CommandSettings(ServiceSettings):
    """What a command needs to reach the system: the same `TIENDO_*` variables as the services."""


def from_environment() -> CommandSettings:
    """Read the environment. Raises `StartError` with a sentence."""
    return settings.load(CommandSettings, os.environ)


def of_the_system(data: Path) -> CommandSettings:
    """The environment, and where it says nothing of a broker, that of `tiendo up` over this data folder, if it runs."""
    here = running.facts(data / "up") or {}
    if f"{PREFIX}KAFKA_BOOTSTRAP" not in os.environ:
        for name, value in here.items():  # the settings are read from there, whoever reads them
            if name.startswith(PREFIX):
                os.environ.setdefault(name, value)
    return from_environment()
