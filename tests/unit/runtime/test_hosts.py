"""Under which names a port answers, and what pages in a browser may not have it do."""

import pytest
from httpx2 import ASGITransport, AsyncClient, Response
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from services.runtime import hosts


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8081", "[::1]:8081", "10.4.0.7", "localhost:8081", "ingest:8080", "ingest.tiendo.svc.cluster.local",
     "ingest.tiendo.svc", "may-chu.local", "Bao-Cao.Dak-Nong.example:443", "baocao.dak-nong.example."],
)  # fmt: skip
def test_addresses_names_of_an_inner_network_and_our_own_are_known(host: str) -> None:
    assert hosts.known(host, "bao-cao.dak-nong.example, baocao.dak-nong.example")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8081", "local.evil.example", "1.2.3.4.5"])
def test_public_names_are_known_only_if_they_are_named(host: str) -> None:
    assert not hosts.known(host, "")
    assert not hosts.known(host, "example,bao-cao.dak-nong.example")
    assert hosts.known(host, "*")


async def asked(method: str = "POST", path: str = "/internal/v1/resume", **headers: str) -> Response:
    """The answer of a port of ours whose application would say yes to everything."""

    async def yes(_: Request) -> PlainTextResponse:
        return PlainTextResponse("yes")

    app = hosts.internal(Starlette(routes=[Route("/{path:path}", yes, methods=["GET", "POST"])]), "")
    given = {"host": "ingest:8080", **{name.replace("_", "-"): text for name, text in headers.items()}}
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://ingest:8080") as client:
        return await client.request(method, path, content=b"{}" if method == "POST" else None, headers=given)


async def test_our_own_services_and_commands_are_answered_on_internal_paths() -> None:
    assert (await asked(content_type="application/json")).text == "yes"
    assert (await asked(content_type="application/json; charset=utf-8")).text == "yes"
    assert (await asked("GET")).text == "yes"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"content_type": "text/plain"}, 415, "media_type"),
        ({}, 415, "media_type"),
        ({"content_type": "application/x-www-form-urlencoded"}, 415, "media_type"),
        ({"content_type": "application/json", "origin": "https://evil.example"}, 403, "from_a_page"),
        ({"content_type": "application/json", "origin": "null"}, 403, "from_a_page"),
        ({"content_type": "application/json", "host": "evil.example:8081"}, 421, "unknown_host"),
    ],
)
async def test_no_page_changes_anything_on_internal_paths(headers: dict[str, str], status: int, code: str) -> None:
    answer = await asked(**headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_no_page_reads_internal_paths_under_a_name_of_its_own_and_probes_go_on() -> None:
    assert (await asked("GET", host="evil.example")).status_code == 421
    assert (await asked("GET", "/healthz", host="evil.example")).text == "yes"
