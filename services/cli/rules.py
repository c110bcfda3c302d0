"""`tiendo rules`: what the rules of a catalog would do, before they do it."""

import asyncio
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from contracts.alerts import Severity
from contracts.catalog import OrgUnit
from services.alerts.routing import Later, Route, routes
from services.cli import rule_backtest, rule_tests, rule_why
from services.cli.catalog import say_problem
from services.cli.made_up import NotATest
from services.cli.quietly import quiet
from services.runtime.catalog import Catalog
from services.runtime.catalog.check import check_folder
from services.runtime.catalog.files import FileNames
from services.runtime.catalog.problems import Words, did_you_mean
from services.runtime.errors import StartError

app = typer.Typer(
    no_args_is_help=True, help="Quy tắc cảnh báo · The rules of alerts: check, routes, test, explain, backtest."
)
app.command()(rule_why.explain)
app.command()(rule_backtest.backtest)
console = Console(soft_wrap=True, highlight=False)
errors = Console(soft_wrap=True, highlight=False, stderr=True)

Folder = Annotated[Path, typer.Option("--catalog", metavar="DIR", help="The folder that has catalog.yaml.")]

LEVELS = {
    Severity.WATCH: Words("cần theo dõi", "watch"),
    Severity.BEHIND: Words("chậm", "behind"),
    Severity.CRITICAL: Words("nghiêm trọng", "critical"),
}


@app.command()
def check(catalog: Folder) -> None:
    """Say every mistake of the rules and of the people whom they name: the part of `catalog check` that is theirs."""
    checked = check_folder(catalog)
    default = FileNames()
    theirs = {one.file for one in checked.folder.objects if one.item.object_kind in ("rule", "person")}
    files = theirs | {default.rules, default.people}
    own = [one for one in (*checked.errors, *checked.warnings) if one.file in files]
    for problem in own:
        say_problem(problem, catalog)
    others = len(checked.errors) - sum(1 for one in own if one.severity == "error")
    if others:
        errors.print(Text(str(_elsewhere(others, catalog)), style="red"))
    if checked.errors:
        raise typer.Exit(1)
    count = sum(1 for item in checked.folder.items if item.object_kind == "rule")
    console.print(str(Words(f"{count} quy tắc, không có lỗi", f"{count} rules, no errors")))


@app.command("routes")
def say_routes(
    catalog: Folder,
    org: Annotated[str, typer.Option(help="id or external id of the unit")],
    kpi: Annotated[str, typer.Option(help="id of the KPI")],
    severity: Annotated[Severity, typer.Option(help="severity of the alert")],
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="day or local time; default: now (2023-09-05, 2023-09-05T20:00)")
    ] = None,
    verify: Annotated[
        list[str] | None,
        typer.Option(metavar="WHO", help="id or address of who must be told at once, and nobody else; again for more"),
    ] = None,
) -> None:
    """Say who would be told of an alert, as what, and why. Exits with 1 where `--verify` does not match."""
    content = readable(catalog)
    on = _day(at, content)
    unit = _unit(content, org, on)
    if kpi not in content.kpis:
        raise StartError(str(_unknown(Words("chỉ tiêu", "KPI"), kpi, content.kpis)))
    found = routes(content, kpi, unit.id, severity, on)
    name, level = content.kpis[kpi], LEVELS[severity]
    console.print(
        str(
            Words(
                f"“{name.name_vi}”, {unit.name}, mức {level.vi}, ngày {on:%d/%m/%Y}:",
                f"“{name.name_en or name.name_vi}”, {unit.name_en or unit.name}, {level.en}, on {on}:",
            )
        )
    )
    if not found:
        console.print(str(Words("  không có quy tắc nào theo dõi", "no rule watches it")))
    for route in found:
        _say(route, level)
    if verify:
        _verify(found, verify)


@app.command("test")
def play_tests(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files of tests.", show_default=False)],
) -> None:
    """Play the stories of test files through the alerts service, and say what came otherwise. Then exits with 1."""
    failed = 0
    for path in files:
        failed += _play_file(path)
    if failed:
        raise typer.Exit(1)


def readable(folder: Path) -> Catalog:
    """The catalog of a folder without errors; else its problems are said and the command ends."""
    checked = check_folder(folder)
    for problem in checked.errors:
        say_problem(problem, folder)
    if checked.errors:
        raise typer.Exit(1)
    return Catalog.of(checked.folder.items)


def _play_file(path: Path) -> int:
    """How many of its tests failed; a file that cannot be read is one."""
    found = rule_tests.read(path)
    for problem in found.problems:
        say_problem(problem, path.parent)
    if found.file is None:
        return 1
    content = readable(path.parent / found.file.catalog)
    failed = 0
    for one in found.file.tests:
        try:
            with quiet():
                differences = [str(words) for words in asyncio.run(rule_tests.play(one, content))]
        except NotATest as error:
            differences = [str(error)]
        sign, style, to = ("✗", "red", errors) if differences else ("✓", "green", console)
        to.print(Text(f"{sign} {path.name}: {one.name}", style=style))
        for difference in differences:
            to.print(Text(f"    {difference}"))
        failed += bool(differences)
    count = len(found.file.tests)
    summary = Words(f"{count} phép thử, {failed} không đạt", f"{count} tests, {failed} failed")
    (errors if failed else console).print(f"{path}: {summary}")
    return failed


def _say(route: Route, level: Words) -> None:
    rule = route.rule
    names = f"{rule.id} (“{rule.name_vi}” · “{rule.name_en or rule.name_vi}”)"
    if route.rung is None:
        console.print(Text(f"- {names}: {Words(f'không có mức {level.vi}', f'has no severity {level.en}')}"))
        return
    minutes = round(rule.group_wait.total_seconds() / 60)
    rung = Words(
        f"báo khi tiến độ dưới {str(route.rung.fire).replace('.', ',')}, chờ gom {minutes} phút",
        f"fires below a pace of {route.rung.fire}, waits {minutes} min for more of its like",
    )
    console.print(Text(f"- {names}: {rung}"))
    for way in route.ways:
        console.print(Text(f"    {way.who.name} <{way.who.email}> ({way.who.person}): {way.why}"))
    for gap in route.gaps:
        vacant = Words(f"khuyết {gap.role} của {gap.unit}", f"vacant: {gap.role} of {gap.unit}")
        console.print(Text(f"    {vacant}", style="yellow"))
    if not route.ways:
        nobody = Words(
            "không ai được báo; hãy bổ sung người vào people.yaml", "nobody is told; add people to people.yaml"
        )
        console.print(Text(f"    {nobody}", style="red"))
    for later in route.later:
        _say_later(later)


def _say_later(later: Later) -> None:
    after, calendar = later.step.after, later.step.clock == "calendar"
    days, hours = after.days, round(after.seconds / 3600)
    spans = [Words(f"{days} ngày", f"{days} days")] if days or not hours else []
    spans += [Words(f"{hours} giờ", f"{hours} hours")] if hours else []
    vi, en = " ".join(one.vi for one in spans), " ".join(one.en for one in spans)
    clock = Words("", " of the calendar") if calendar else Words(" làm việc", " of working time")
    console.print(f"    {Words(f'nếu sau {vi}{clock.vi} vẫn chậm', f'if it is still behind after {en}{clock.en}')}:")
    for who in later.who:
        console.print(Text(f"        {who.name} <{who.email}> ({who.person}): {who.role} {who.unit}"))
    for gap in later.gaps:
        vacant = Words(f"khuyết {gap.role} của {gap.unit}", f"vacant: {gap.role} of {gap.unit}")
        console.print(Text(f"        {vacant}", style="yellow"))
    if not later.who and not later.gaps:
        again = Words("không ai mới: những người này đã được báo", "nobody new: those were told before")
        console.print(Text(f"        {again}"))


def _verify(found: Iterable[Route], wanted: Iterable[str]) -> None:
    told = {way.who.person: way.who.email.casefold() for route in found for way in route.ways}
    ids = {email: person for person, email in told.items()}
    meant = {ids.get(who.casefold(), who) for who in wanted}
    missing, extra = sorted(meant - told.keys()), sorted(told.keys() - meant)
    for who in missing:
        errors.print(Text(str(Words(f"không được báo: {who}", f"is not told: {who}")), style="red"))
    for who in extra:
        errors.print(Text(str(Words(f"cũng được báo: {who}", f"is told as well: {who}")), style="red"))
    if missing or extra:
        raise typer.Exit(1)
    console.print(str(Words("đúng những người được báo", "told are exactly those")), style="green")


def _day(at: str | None, catalog: Catalog) -> date:
    if at is None:
        return datetime.now(catalog.zone).date()
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        _refuse(Words(f"“{at}” không phải là ngày giờ", f"“{at}” is no time; write 2023-09-05 or 2023-09-05T20:00"))
    return (moment if moment.tzinfo is None else moment.astimezone(catalog.zone)).date()


def _unit(catalog: Catalog, ref: str, on: date) -> OrgUnit:
    unit = catalog.units.resolve(ref, on)
    if unit is not None:
        return unit
    if (there := catalog.units.get(ref)) is not None:
        until = there.valid_to or there.valid_from
        _refuse(
            Words(
                f"ngày {on:%d/%m/%Y} không có đơn vị “{ref}” (mốc: {until:%d/%m/%Y})",
                f"there is no unit “{ref}” on {on} (it changes on {until}); name another day with --at",
            )
            if until is not None
            else _unknown(Words("đơn vị", "unit"), ref, ())
        )
    _refuse(_unknown(Words("đơn vị", "unit"), ref, (one.id for one in catalog.units)))


def _unknown(what: Words, word: str, known: Iterable[str]) -> Words:
    return Words(f"không có {what.vi} “{word}”", f"there is no {what.en} “{word}”").then(did_you_mean(word, known))


def _elsewhere(others: int, folder: Path) -> Words:
    return Words(
        f"ngoài ra danh mục còn {others} lỗi ở tệp khác: xem `tiendo catalog check {folder}`",
        f"errors in other files: {others}; `tiendo catalog check {folder}` names them",
    )


def _refuse(words: Words) -> NoReturn:
    raise StartError(str(words))
