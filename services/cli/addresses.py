"""Addresses as people write them on a command line."""

from httpx2 import URL, InvalidURL

from services.runtime.errors import StartError


def address(text: str, option: str) -> str:
    """The address of an HTTP server, without a slash at its end. Raises `StartError`, which names the option."""
    try:
        url = URL(text)
        url.host.encode("idna")  # as connecting does
        port = 80 if url.port is None else url.port
        sound = url.scheme in ("http", "https") and url.host and not url.userinfo and 0 < port < 65_536
    except (InvalidURL, UnicodeError):
        sound = False
    if not sound:
        raise StartError(f"{option} takes the address of an HTTP server, such as http://127.0.0.1:8080.")
    return str(url.copy_with(query=None, fragment=None)).rstrip("/")
