"""The node itself: `bra init`, `bra serve`, `bra status`, `bra sync`, `bra card`, `bra schema`."""

import asyncio
import importlib
import logging
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import structlog
from cyclopts import App as Commands
from cyclopts import Parameter

from node import founding, kinds
from node.app import App
from node.cli import secret
from node.cli.common import (
    HERE,
    HomeOption,
    JsonFlag,
    UsageError,
    last_heard,
    node_url,
    operate,
    print_json,
    progress_bar,
    run,
    say,
)
from node.home import Home
from node.protocol import native
from node.protocol.canonical import encode

_RecoveryFile = Annotated[
    Path | None,
    Parameter(name="--recovery-file", help="A new file for the 24 recovery words, instead of the terminal."),
]


def register(app: Commands) -> None:
    for command in (init, serve, status, sync, card, schema):
        app.command(command)


def init(
    *,
    name: Annotated[str, Parameter(help="The organisation's name.")],
    country: Annotated[str, Parameter(help="Its country as two letters (ISO 3166-1).")],
    city: Annotated[str, Parameter(help="Its city.")],
    url: Annotated[str, Parameter(help="Where other nodes reach this one: https, or '' if they can't.")],
    website: Annotated[str, Parameter(help="The organisation's website.")] = "",
    language: Annotated[list[str] | None, Parameter(help="A language spoken there (BCP 47); may be repeated.")] = None,
    role: Annotated[str, Parameter(help="science_park, cluster, incubator, university, ... or other.")] = "other",
    sign: Annotated[
        str | None, Parameter(help="Sign the agreement at once, as somebody with this role: 'Managing director'.")
    ] = None,
    network: Annotated[str, Parameter(help="Another federation than the real one: for rehearsals.")] = "bra",
    recovery_file: _RecoveryFile = None,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Make a node: its keys, its home, its first signed state."""
    if json and recovery_file is None:
        raise UsageError("with --json, name a --recovery-file: the recovery words don't belong in a program's output")
    if url:
        node_url(url)
    organisation = founding.Organisation(
        name, country, city, website or founding.website_of(url), tuple(language or ("en",)), role
    )
    founded = run(
        founding.found(
            Home(home), organisation, url=url, network=network, signatory_role=sign, recovery_file=recovery_file
        )
    )
    if json:
        print_json({"node_id": founded.node_id, "home": str(home), "recovery_file": str(recovery_file)})
        return
    say(f"This is {founded.node_id}, {name}.\n")
    if recovery_file is not None:
        say(f"Its 24 recovery words are in {recovery_file}: copy them to paper, twice, and delete the file.\n")
    else:
        say("Its 24 recovery words are its root key. They are shown now and never again: write them on paper.\n")
        words = founded.words.split()
        for row in range(0, 24, 6):
            say("  " + " ".join(f"{place + 1:2} {words[place]:10}" for place in range(row, row + 6)))
        print()
    if sign is None:
        say("Next: read the agreement ('bra agreement show') and sign it ('bra agreement sign'): until then partners")
        say("alone show what this organisation publishes.")
    say("Next: 'bra serve' runs it, 'bra invite' or 'bra join' makes the first partner.")


def serve(
    *,
    host: Annotated[str | None, Parameter(help="The address to listen on; see config/node.toml.")] = None,
    port: Annotated[int | None, Parameter(help="The port; 0 takes a free one.")] = None,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Run the node until it is ended (Ctrl-C or SIGTERM)."""
    if port is not None and not 0 <= port <= 65535:
        raise UsageError("a port is from 0 to 65535")
    place = Home(home)
    # What answers members, before the loop that it would keep others waiting in: see App.
    importlib.import_module("node.web.site")
    run(_serve(place, host, port, secret.passphrase(place), json=json))


async def _serve(home: Home, host: str | None, port: int | None, passphrase: bytes | None, *, json: bool) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with App.opened(home, passphrase=passphrase) as app:
        log_to_stderr(app.config.log.level)
        if native.functions is None:
            structlog.get_logger().warning(
                "records are read in Python, slower than in C: install a C compiler, OpenSSL and this package again"
            )
        async with app.serving(host, port) as url:
            if json:
                print_json({"url": url, "node_id": app.acceptance.me})
            else:
                say(f"{app.acceptance.me} serves at {url}; Ctrl-C ends it.")
            await ended.wait()


def status(*, home: HomeOption = HERE, json: JsonFlag = False) -> None:
    """Who this node is, whom it syncs with, what it holds, and what it refused and why."""
    found = operate(home, "status")
    if json:
        print_json(found)
        return
    serving = "serving" if found["serving"] else "not serving"
    say(f"{found['organisation']} ({found['node_id']}), network {found['network']}, {serving}")
    if found["authority"]["state"] != "open":
        say(f"! {found['authority']['sentence']}")
    waiting = f", {found['backlog']} of them not searchable yet" if found["backlog"] else ""
    say(f"own state: epoch {found['epoch']}, seq {found['seq']}; {found['records']} records held in all{waiting}")
    say("\nPartners:" if found["partners"] else "\nNo partners: 'bra invite' or 'bra join' makes the first.")
    for each in found["partners"]:
        state = each.get("problem") or (f"in step, {each['last_sync']}" if "last_sync" in each else "not synced yet")
        say(f"  {each['organisation'] or each['node_id']}  {each['url'] or '(no URL)'}  {state}")
    say("\nOrganisations:")
    for each in found["authors"]:
        through = f", known through {each['through']}" if each["through"] not in ("", each["organisation"]) else ""
        hidden = ": its contacts are hidden" if each["stale"] and each["node_id"] != found["node_id"] else ""
        heard = f", {last_heard(each)}{hidden}" if each["root"] else ""
        forked = ", FORKED: signed two histories" if each["forked"] else ""
        damaged = ", DAMAGED here: being fetched again" if each["damaged"] else ""
        title = each["organisation"] or each["node_id"]
        left = f", left on {each['left']['date']}: {each['left']['reason']}" if "left" in each else ""
        say(f"  {title}: {each['standing']}, {each['records']} records{through}{heard}{forked}{damaged}{left}")
        if "warning" in each:
            say(f"    WARNING: {each['warning']}")
    _say_messages(found["messages"])
    if found["refusals"]:
        say("\nRefused:")
    for each in found["refusals"]:
        whose = each["organisation"] or each["author"]
        say(f"  {each['at']} from {each['partner']} of {whose}: {each['reason']}: {each['sentence']}")


def _say_messages(found: dict[str, Any]) -> None:
    if found["waiting"] or found["kept"]:
        say("\nMessages:")
    for each in found["waiting"]:
        problem = f": {each['problem']}" if each["problem"] else ""
        to = each["organisation"] or each["to"]
        say(f"  {each['messages']} to {to}, not acknowledged since {each['since']}{problem}")
    if found["kept"]:
        say(f"  {found['kept']} kept for partners until they fetch them")


def sync(*, home: HomeOption = HERE, json: JsonFlag = False) -> int:
    """One round with every partner, now."""
    bar = progress_bar(json=json)
    received = 0
    with bar:
        task = bar.add_task("records received", total=None)

        def report(piece: dict[str, Any]) -> None:
            nonlocal received
            received += piece["records"]
            bar.update(task, completed=received)

        found = operate(home, "sync", report)
    failed = [each for each in found["partners"] if "problem" in each]
    if json:
        print_json({**found, "received": received})
    else:
        say(f"{received} records received from {len(found['partners']) - len(failed)} partners.")
        for each in failed:
            say(f"{each['partner']}: {each['problem']}")
        for each in found["refusals"]:
            say(f"refused from {each['partner']} of {each['author']}: {each['reason']}: {each['sentence']}")
    return 1 if failed else 0


def card(*, home: HomeOption = HERE, json: JsonFlag = False) -> None:
    """Print this node's key card: one line of JSON to give to a partner, any way you like."""
    del json  # it is JSON anyhow
    found = operate(home, "card")
    print(encode(found["signed_record"]).decode())


def schema(kind: str, /, *, home: HomeOption = HERE, json: JsonFlag = False) -> None:
    """Print the JSON Schema of a kind's body."""
    del home, json  # all nodes of a version know the same kinds, and it is JSON anyhow
    if kind not in kinds.KINDS:
        raise UsageError(f"there is no kind {kind!r}: the kinds are {', '.join(kinds.KINDS)}")
    print_json(kinds.schema(kind))


class _Log:
    """Standard error. Where nothing can be written to it (its disk is full), the node goes on without a log."""

    def write(self, text: str) -> None:
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


def log_to_stderr(level: str) -> None:
    """One line of JSON an event, on standard error; never a secret, because none is ever handed to a logger."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(_Log()),  # type: ignore[arg-type]
    )
    # Bytes that are no HTTP are some stranger's doing: aiohttp would log each with a traceback.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
