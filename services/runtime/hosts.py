"""Who is addressed: the host names under which a port answers, and what a browser may have it do.

A page of elsewhere can have a browser send requests to ports that its author cannot reach. Under a public name of the
author's own, pointed at this machine, it could even read the answers. Such a name is no address and none of ours.
"""

from collections.abc import Callable
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

INTERNAL = "/internal/"

_OUR_OWN = (".localhost", ".local", ".internal", ".svc")
"""Ends of names that no public name has; a name without a dot is none either."""


def known(host: str, names: str) -> bool:
    """Whether a `Host` header names an address, a name that is not public, or one of `names` (with commas between;
    `*`: any)."""
    name = _without_port(host).lower().rstrip(".")
    others = {one.strip().lower() for one in names.split(",")}
    return "*" in others or _is_address(name) or "." not in name or name.endswith(_OUR_OWN) or name in others


def known_only(app: ASGIApp, names: str, refusal: Callable[[], Response]) -> ASGIApp:
    """The application, for requests that name a host that is `known`."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not known(Headers(scope=scope).get("host", ""), names):
            await refusal()(scope, receive, send)
        else:
            await app(scope, receive, send)

    return guarded


def internal(app: ASGIApp, names: str) -> ASGIApp:
    """The application, with what is under `INTERNAL` closed to pages in a browser."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        refused = None
        if scope["type"] == "http" and scope["path"].startswith(INTERNAL):
            refused = _refusal(scope["method"], Headers(scope=scope), names)
        await (refused or app)(scope, receive, send)

    return guarded


def _refusal(method: str, headers: Headers, names: str) -> Response | None:
    if not known(headers.get("host", ""), names):
        return _refused(421, "unknown_host", "the Host is no address and no name of ours; see TIENDO_HTTP_NAMES")
    if "origin" in headers:
        return _refused(403, "from_a_page", "requests of pages in a browser are not taken")
    if method not in ("GET", "HEAD") and not _is_json(headers.get("content-type", "")):
        return _refused(415, "media_type", "the content type is application/json")
    return None


def _is_json(content_type: str) -> bool:
    media = content_type.partition(";")[0].strip().lower()
    return media == "application/json" or (media.startswith("application/") and media.endswith("+json"))


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0][1:]
    return host.partition(":")[0]


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _refused(status: int, code: str, why: str) -> Response:
    return JSONResponse({"code": code, "why": why}, status)
