"""The settings of the commands that talk to a broker or a database: the services' own variables."""

import os

from services.runtime import settings
from services.runtime.settings import ServiceSettings


class CommandSettings(ServiceSettings):
    """What a command needs to reach the system: the same `TIENDO_*` variables as the services."""


def from_environment() -> CommandSettings:
    """Read the environment. Raises `StartError` with a sentence."""
    return settings.load(CommandSettings, os.environ)
