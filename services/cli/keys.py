"""`tiendo keys`: make, list, replace and revoke the keys with which publishers send and people act on alerts."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar

import orjson
import typer
from rich.console import Console
from rich.table import Column, Table

from services.cli import database, settings
from services.cli.database import PATIENCE_S
from services.cli.settings import HERE, Data
from services.gateway import keys
from services.gateway.key_store import KeyStore
from services.gateway.keys import Key, Made, Scope, Standing, TooManyKeys
from services.runtime.catalog import Catalog, stream
from services.runtime.errors import StartError, Transient
from services.runtime.mongo import Client
from services.runtime.settings import KafkaSettings

app = typer.Typer(
    no_args_is_help=True, help="Khóa của đơn vị cung cấp và của cá nhân · Keys of publishers and people, for HTTP."
)

YEAR_DAYS = 365
OVERLAP_DAYS = 14
WIDTH = 150

KeyId = Annotated[str, typer.Argument(metavar="ID", help="Id of the key, as `list` shows it.", show_default=False)]
Days = Annotated[int, typer.Option(min=1, max=3_650, help="How long the new key holds.")]

T = TypeVar("T")


@app.command()
def create(
    publisher: Annotated[
        str | None, typer.Argument(help="Id of the publisher in the catalog.", show_default=False)
    ] = None,
    person: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="In place of a publisher: id of the person in the catalog, who acts on alerts with it.",
            show_default=False,
        ),
    ] = None,
    province: Annotated[
        str | None, typer.Option(help="Only where several catalogs have them.", show_default=False)
    ] = None,
    name: Annotated[str, typer.Option(help="What it is for; people read it in `list`.")] = "",
    scope: Annotated[
        list[Scope] | None, typer.Option(help="May be given again. Default: all.", show_default=False)
    ] = None,
    days: Days = YEAR_DAYS,
    data: Data = HERE,
) -> None:
    """Make a key and show it, this once: the key on standard output, everything else on standard error."""
    if len(name) > keys.MAX_NAME or not name.isprintable():
        raise StartError(f"The name of a key has at most {keys.MAX_NAME} characters, all of them printable.")
    if (publisher is None) == (person is None):
        raise StartError("Say whose key it is: `tiendo keys create PUBLISHER`, or `tiendo keys create --person ID`.")
    possible = keys.PEOPLES_SCOPES if publisher is None else keys.PUBLISHERS_SCOPES
    if odd := sorted(set(scope or ()) - possible):
        whose = "person's" if publisher is None else "publisher's"
        raise StartError(f"A {whose} key is not for {', '.join(odd)}, only for: {', '.join(sorted(possible))}.")
    read = settings.of_the_system(data)
    made = keys.make(
        province=province_of(_catalogs(read.kafka), publisher, person, province),
        publisher=publisher,
        person=person,
        name=name,
        scopes=scope or possible,
        now=_now(),
        lasts=timedelta(days=days),
    )
    _with_store(read, lambda store: _added(store, made.key))
    _show(made)


@app.command("list")
def show(
    publisher: Annotated[str | None, typer.Option(help="Only this publisher's.", show_default=False)] = None,
    person: Annotated[str | None, typer.Option(help="Only this person's.", show_default=False)] = None,
    province: Annotated[str | None, typer.Option(help="Only this province's.", show_default=False)] = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that hold no longer.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
    data: Data = HERE,
) -> None:
    """List keys: whose, for what, until when, and when they were last used. The keys themselves are not kept."""
    now = _now()
    found = _with_store(settings.of_the_system(data), lambda store: store.of(province, publisher, person))
    rows = [row_of(key, now) for key in found if every or key.standing(now) is Standing.VALID]
    if as_json:
        sys.stdout.write(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode() + "\n")
    elif rows:
        _print(rows)
    else:
        typer.echo("no keys; make one with `tiendo keys create PUBLISHER` or `--person ID`", err=True)


@app.command()
def rotate(
    key: KeyId,
    overlap_days: Annotated[
        int, typer.Option(min=0, max=90, help="How long the old key holds beside the new one.")
    ] = OVERLAP_DAYS,
    replace: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Where two keys hold already: the one that gives way to the new one, and is revoked at once.",
            show_default=False,
        ),
    ] = None,
    days: Days = YEAR_DAYS,
    data: Data = HERE,
) -> None:
    """Make a key that follows another, with the same name and scopes; the old one holds a while beside it.

    Whoever has keys has two at most. Where both hold already, name with --replace the one that nobody needs any more.
    """
    now = _now()
    overlap = timedelta(days=0 if replace == key else overlap_days)

    async def follow(store: KeyStore) -> tuple[Made, datetime]:
        old = await _there(store, key)
        standing = old.standing(now)
        if standing is not Standing.VALID:
            raise StartError(f"The key {key} is {standing} already: make a new one with `tiendo keys create`.")
        gives_way = None if replace is None else await _there(store, replace)
        if gives_way is not None and _whose(gives_way) != _whose(old):
            raise StartError(f"The key {gives_way.id} is {gives_way.holder}'s, and {key} is {old.holder}'s.")
        made = keys.make(
            province=old.province,
            publisher=old.publisher,
            person=old.person,
            name=old.name,
            scopes=old.scopes,
            now=now,
            lasts=timedelta(days=days),
        )
        ends = keys.retires(old, now, overlap)
        if not overlap:
            await store.revoke(old.id, now)
        elif gives_way is not None:
            await store.revoke(gives_way.id, now)
        await _added(store, made.key)
        await store.retire(old.id, ends)
        return made, ends

    made, ends = _with_store(settings.of_the_system(data), follow)
    _show(made)
    if replace not in (None, key):
        typer.echo(f"{replace} is revoked", err=True)
    typer.echo(f"the old key {key} holds until {_moment(ends)}" if overlap else f"{key} is revoked", err=True)


@app.command()
def revoke(key: KeyId, data: Data = HERE) -> None:
    """Let a key hold no longer. Gateways that know it take it for some seconds more (TIENDO_GATEWAY_KEYS_FRESH_S)."""

    async def end(store: KeyStore) -> Key:
        await _there(store, key)
        revoked = await store.revoke(key, _now())
        assert revoked is not None  # keys are never deleted
        return revoked

    ended = _with_store(settings.of_the_system(data), end)
    assert ended.revoked is not None
    typer.echo(f"revoked since {_moment(ended.revoked)}: {key} of {ended.holder}")


def province_of(
    catalogs: Mapping[str, Catalog], publisher: str | None, person: str | None, province: str | None
) -> str:
    """Whose catalog has the publisher, or the person. Raises `StartError` where none has, or several have and none is
    named."""
    if not catalogs:
        raise StartError("The broker holds no catalog: run `tiendo catalog apply FOLDER` first.")
    if province is not None and province not in catalogs:
        raise StartError(f"There is no catalog of {province}; there are: {', '.join(sorted(catalogs))}.")
    asked = {name: one for name, one in sorted(catalogs.items()) if province in (None, name)}
    kind, holder, file = ("publisher", publisher, "publishers.yaml")
    if holder is None:
        kind, holder, file = ("person", person or "", "people.yaml")
    known = {
        name: [one.id for one in (catalog.people if publisher is None else catalog.publishers)]
        for name, catalog in asked.items()
    }
    having = [name for name, ids in known.items() if holder in ids]
    if len(having) > 1:
        raise StartError(f"Several catalogs have a {kind} {holder}: name one with --province {having[0]}.")
    if having:
        return having[0]
    near = get_close_matches(holder, [one for ids in known.values() for one in ids], 3)
    meant = f" Did you mean {' or '.join(near)}?" if near else ""
    raise StartError(
        f"The catalog of {', '.join(asked)} has no {kind} {holder}: add it to {file} and run "
        f"`tiendo catalog apply FOLDER`.{meant}"
    )


def row_of(key: Key, now: datetime) -> dict[str, Any]:
    """What `list` says of a key."""
    return {
        "id": key.id,
        "province": key.province,
        "publisher": key.publisher,
        "person": key.person,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created": key.created,
        "expires": key.expires,
        "last_used": key.last_used,
        "standing": key.standing(now),
    }


async def _added(store: KeyStore, key: Key) -> None:
    try:
        await store.add(key, _now())
    except TooManyKeys as error:
        raise StartError(too_many(key.holder, error.keys)) from None


def too_many(holder: str, those: Sequence[Key]) -> str:
    """Which keys somebody has that may have no further one, and what is to be done."""
    told = "".join(
        f"    {one.id}  {f'“{one.name}”, ' if one.name else ''}made {_moment(one.created)}, holds until "
        f"{_moment(one.expires)}, {f'last used {_moment(one.last_used)}' if one.last_used else 'never used'}\n"
        for one in those
    )
    return (
        f"{holder} has {len(those)} keys that hold, and may have no more at a time:\n{told}"
        "Let one go that nobody needs any more: `tiendo keys rotate ID --replace OTHER` makes a key that follows ID "
        "and revokes OTHER; `tiendo keys revoke OTHER` only revokes it."
    )


async def _there(store: KeyStore, key_id: str) -> Key:
    if key_id.startswith("tdk_"):
        raise StartError("Name the key by its id, the 12 letters behind `tdk_`, and keep the rest to its holder.")
    found = await store.find(key_id) if keys.is_id(key_id) else None
    if found is None:
        raise StartError(f"There is no key {key_id!r}; `tiendo keys list --all` shows all there are.")
    return found


def _whose(key: Key) -> tuple[str, str | None, str | None]:
    return key.province, key.publisher, key.person


def _catalogs(kafka: KafkaSettings) -> dict[str, Catalog]:
    try:
        found = asyncio.run(stream.read(kafka.connection(), timeout_s=PATIENCE_S))
    except Transient as error:
        raise StartError(
            f"The broker, which has the catalog, does not answer ({error}): start it, or mend TIENDO_KAFKA_BOOTSTRAP."
        ) from None
    return {name: one.catalog for name, one in found.items() if one.catalog is not None}


def _with_store(read: settings.CommandSettings, work: Callable[[KeyStore], Awaitable[T]]) -> T:
    async def with_store(client: Client) -> T:
        store = KeyStore(client, read.mongo)
        await store.prepare()
        return await work(store)

    return database.using(read, with_store)


def _show(made: Made) -> None:
    key = made.key
    typer.echo(made.text)
    typer.echo(
        f"key {key.id} of {key.holder} ({key.province}) for {', '.join(sorted(key.scopes))}, holds until "
        f"{_moment(key.expires)}. It is shown this once: hand it over by a safe way, it cannot be read again.",
        err=True,
    )


def _print(rows: list[dict[str, Any]]) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    table = Table(Column("id", no_wrap=True), "whose", "name", "scopes", "expires", "last used", "")
    for row in rows:
        used = _moment(row["last_used"]) if row["last_used"] else "never"
        said = "" if row["standing"] is Standing.VALID else str(row["standing"])
        whose = f"{row['province']}/{row['publisher'] or row['person']}"
        scopes = "\n".join(row["scopes"])
        table.add_row(row["id"], whose, row["name"], scopes, _moment(row["expires"]), used, said)
    console.print(table)


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}Z"


def _now() -> datetime:
    return datetime.now(UTC)
