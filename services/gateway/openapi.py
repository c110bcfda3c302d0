"""`python -m services.gateway.openapi [check]`: writes docs/openapi.json, or says whether it is up to date."""

import json
import sys
from pathlib import Path
from typing import cast

from fastapi import FastAPI

from services.gateway import api
from services.gateway.parts import Parts

TARGET = Path(__file__).parents[2] / "docs" / "openapi.json"


def document() -> str:
    """The OpenAPI document as it is committed."""
    # Routes only close over the parts; nothing of them is used before a request comes.
    app = api.application(cast("Parts", _OnPaper()))
    assert isinstance(app, FastAPI)
    return json.dumps(api.describe(app), ensure_ascii=False, indent=1, sort_keys=False) + "\n"


def main(arguments: list[str]) -> int:
    """Exit code: 0 written or up to date, 1 out of date."""
    current = document()
    if arguments == ["check"]:
        if TARGET.is_file() and TARGET.read_text(encoding="utf-8") == current:
            return 0
        sys.stderr.write("docs/openapi.json is not what the code says: run `make generate` and commit it.\n")
        return 1
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(current, encoding="utf-8")
    return 0


class _OnPaper:
    health = telemetry = None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
