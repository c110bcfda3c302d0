import hashlib
import json
from pathlib import Path

from services.gateway import openapi
from services.gateway.routes.dashboard import WEB

VENDOR = WEB / "static" / "vendor"


def test_the_committed_openapi_document_is_what_the_code_says() -> None:
    assert openapi.main(["check"]) == 0


def test_every_error_in_the_document_is_a_problem_and_every_operation_has_a_summary() -> None:
    document = json.loads(openapi.document())
    for path, operations in document["paths"].items():
        assert path.startswith("/api/v1/")
        for operation in operations.values():
            assert operation["summary"]
            for status, answer in operation["responses"].items():
                if status >= "400":
                    assert set(answer["content"]) == {"application/problem+json"}, (path, status)


def test_every_reference_in_the_document_leads_somewhere() -> None:
    text = openapi.document()
    schemas = json.loads(text)["components"]["schemas"]
    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= set(schemas)


def test_every_vendored_file_is_the_one_whose_checksum_is_committed() -> None:
    lines = (VENDOR / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    sums = {name: digest for digest, name in (line.split() for line in lines)}
    present = {path.name for path in VENDOR.iterdir()} - {"SHA256SUMS", "README.md"}
    assert set(sums) == present
    for name, digest in sums.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest, name


def test_nothing_in_the_page_is_loaded_from_elsewhere() -> None:
    own: list[Path] = [*(WEB / "templates").iterdir(), *(path for path in (WEB / "static").iterdir() if path.is_file())]
    for path in own:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text, path.name
        assert "https:" not in text, path.name
