"""`tiendo acl`: what the broker must allow the services and the publishers, and nobody else."""

import asyncio
from typing import Annotated, NamedTuple

import typer

from services.cli.settings import HERE, CommandSettings, Data, of_the_system
from services.runtime.catalog import stream
from services.runtime.errors import StartError, Transient
from services.runtime.kafka import acl_admin
from services.runtime.kafka.acl_admin import NoAuthorizer
from services.runtime.kafka.acls import Plan, Rule, plan, wanted


class Done(NamedTuple):
    """What was found, and whether it was done. `open`: why nothing could be found, if the broker has no authorizer."""

    plan: Plan
    open: str = ""


def acl(
    apply: Annotated[bool, typer.Option("--apply", help="Add what is missing.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="With --apply: also remove what should not be.")] = False,
    ingest: Annotated[str, typer.Option(metavar="NAME", help="Principal of ingest.")] = "tiendo-ingest",
    metrics: Annotated[str, typer.Option(metavar="NAME", help="Principal of metrics.")] = "tiendo-metrics",
    alerts: Annotated[str, typer.Option(metavar="NAME", help="Principal of alerts.")] = "tiendo-alerts",
    gateway: Annotated[str, typer.Option(metavar="NAME", help="Principal of the gateway.")] = "tiendo-gateway",
    data: Data = HERE,
) -> None:
    """Print what the broker's access rules lack, as lines for kafka-acls.sh, and what should not be there; or do it.

    The services get what each reads and writes; a publisher with a `principal` in the catalog gets its own topic, which
    `tiendo topics` makes. Safe to run again.

    Exit code 0: the rules are as they should be, now. 1: they are not. 2: the broker does not answer, or refuses.
    """
    if remove and not apply:
        raise StartError("--remove goes with --apply; without them it is said what would be removed.")
    services = {"ingest": ingest, "metrics": metrics, "alerts": alerts, "gateway": gateway}
    settings = of_the_system(data)
    try:
        done = asyncio.run(_run(settings, services, apply, remove))
    except Transient as error:
        raise StartError(f"{error}.") from None
    bootstrap, found = settings.kafka.bootstrap, done.plan
    _print("added" if apply else "missing", found.missing, bootstrap)
    _print("removed" if remove else "should not be there", found.surplus, bootstrap, remove=True)
    _print("lets others write where figures come in, and is about more than our topics", found.wide, bootstrap, True)
    if done.open:
        raise StartError(done.open)
    if not (found.missing or found.surplus or found.wide):
        typer.echo("the rules are as they should be")
    if (found.missing and not apply) or (found.surplus and not remove) or found.wide:
        raise typer.Exit(1)


async def _run(settings: CommandSettings, services: dict[str, str], apply: bool, remove: bool) -> Done:
    standing = await stream.read(settings.kafka.connection())
    publishers = [
        (province, publisher)
        for province, one in sorted(standing.items())
        if one.catalog is not None
        for publisher in one.catalog.publishers
    ]
    for _, publisher in publishers:
        if publisher.principal in services.values():
            raise StartError(f"“{publisher.principal}” is the principal of a service and of “{publisher.id}”.")
    rules = wanted(services, publishers)
    async with acl_admin.connected(settings.kafka) as acls:
        try:
            found = plan(rules, await acls.standing())
        except NoAuthorizer as error:
            return Done(plan(rules, frozenset()), str(error))
        if apply:
            await acls.add(found.missing)
        if remove:
            await acls.remove(found.surplus)
    return Done(found)


def _print(what: str, rules: tuple[Rule, ...], bootstrap: str, remove: bool = False) -> None:
    if rules:
        typer.echo(f"# {what} (where the broker asks for a login, add --command-config FILE to each line):")
    for rule in rules:
        typer.echo(rule.line(bootstrap, remove=remove))
