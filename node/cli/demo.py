"""`bra demo`: five nodes on this machine that find each other's venues.

It stays up until it is ended (Ctrl-C or SIGTERM). With `--once` it checks, prints one line of JSON and ends; what is
for people goes to standard error then. Exit codes: 0 all was well, 1 it wasn't, 130 ended before that was known.
"""

import asyncio
import contextlib
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Self

from cyclopts import App as Commands
from cyclopts import Parameter
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from node.api.tokens import DAY
from node.cli.common import print_json, run
from node.demo.federation import Federation, Findings, standing
from node.demo.sites import DRAWING
from node.errors import BraError, HomeError

BANNER = "demonstration: these organisations are not signatories"

_INTERRUPTED = 130


def register(app: Commands) -> None:
    app.command(demo)


def demo(
    *,
    once: Annotated[bool, Parameter(negative="", help="Check that all nodes agree, print a summary, and end.")] = False,
    home: Annotated[Path | None, Parameter(help="A new folder for the nodes' homes; it is kept.")] = None,
) -> int:
    """Run five linked nodes on this machine, filled with demonstration data."""
    began = time.monotonic()
    try:
        return run(_endable(_demonstrate(home, began, once=once)))
    except BraError as error:
        if once:
            seconds = round(time.monotonic() - began, 1)
            print_json({"converged": False, "roots_equal": False, "seconds": seconds, "problem": str(error)})
        raise


async def _demonstrate(home: Path | None, began: float, *, once: bool) -> int:
    out = Console(stderr=once, highlight=False, markup=False, soft_wrap=True)
    with _folder(home) as folder, _Watched(out) as watched:
        async with standing(folder, watched.tell) as federation:
            findings = await federation.converge()
            seconds = time.monotonic() - began
            watched.stop()
            _tell(out, federation, findings, seconds)
            if not once:
                await _tell_more(out, federation, folder, kept=home is not None)
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()
    if once:
        print_json(_summary(findings, seconds))
    else:
        out.print("\nThe five nodes have ended.")
    return 0


def _summary(findings: Findings, seconds: float) -> dict[str, Any]:
    return {
        "nodes": findings.nodes,
        "organisations": findings.organisations,
        "records": findings.records,
        "converged": True,
        "seconds": round(seconds, 1),
        "roots_equal": True,
        "sample": findings.sample.as_json(),
    }


def _tell(out: Console, federation: Federation, findings: Findings, seconds: float) -> None:
    out.print()
    out.print(Panel.fit(BANNER))
    out.print(
        f"\nFive nodes hold the same {findings.records} records of {findings.organisations} organisations, "
        f"after {seconds:.1f} seconds.\nEach is a process of its own; a line joins two that exchanged keys:\n"
    )
    for line in DRAWING:
        out.print(f"  {line}")
    out.print()
    for slug, member in federation.members.items():
        way = findings.ways[slug]
        out.print(
            f"  {member.site.title:10} {member.process.url}   {way.to} is known through {' and '.join(way.through)}"
        )
    out.print()
    _tell_sample(out, findings)


def _tell_sample(out: Console, findings: Findings) -> None:
    sample = findings.sample
    record = sample.record
    out.print("A desk in Munich, asked at the node of Tartu, which never exchanged keys with Munich:\n")
    out.print(f"  GET {sample.url}\n")
    out.print(f"  {sample.found} records, the first venue:")
    out.print(f"  {sample.venue}")
    out.print(f"  published by {record['organisation']} ({record['author']})")
    heard = f", last heard of {record['heard']}" if "heard" in record else ""
    out.print(f"  known through {sample.path[0]}, the partner in {findings.ways['tartu'].through[0]}{heard}")


async def _tell_more(out: Console, federation: Federation, folder: Path, *, kept: bool) -> None:
    tartu = federation.members["tartu"].process
    made = await tartu.ask("token-create", role="operator", label="The demonstration", lasts=DAY, link=True)
    out.print("\nIn a browser, as the public and as the operator of Tartu's node:\n")
    out.print(f"  {tartu.url}/")
    out.print(f"  {made['link']}")
    out.print("\nTo look further, from another terminal:\n")
    out.print(f"  curl '{tartu.url}/api/v1/venue'")
    out.print(f"  {_this_program()} status --home {shlex.quote(str(tartu.home.path))}")
    then = f"their homes stay in {folder}" if kept else f"their homes in {folder} are removed"
    out.print(f"\nCtrl-C ends the nodes; {then}.")


def _this_program() -> str:
    """How a person calls this program again from where they are."""
    called = Path(sys.argv[0])
    return shlex.quote(sys.argv[0]) if called.name == "bra" else f"{shlex.quote(sys.executable)} -m node"


class _Watched:
    """Shows what is being done: a bar on a terminal, a line for each step elsewhere."""

    def __init__(self, out: Console) -> None:
        self._out = out
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=out, disable=not out.is_terminal)
        self._task = self._bar.add_task("", total=None)
        self._last = ""

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._bar.stop()

    def tell(self, step: str, held: int, expected: int) -> None:
        self._bar.update(self._task, description=step, completed=held, total=expected)
        if step != self._last and not self._out.is_terminal:
            self._out.print(f"{step} ...")
        self._last = step


@contextmanager
def _folder(home: Path | None) -> Iterator[Path]:
    """A folder for the homes: the named one, which has to be new or empty, or one that is removed afterwards."""
    if home is None:
        with tempfile.TemporaryDirectory(prefix="bra-demo-") as name:
            yield Path(name)
        return
    home.mkdir(parents=True, exist_ok=True)
    if any(home.iterdir()):
        raise HomeError(f"{home} is not empty: name a new folder for the demonstration, or remove this one")
    yield home.absolute()


async def _endable(work: Coroutine[Any, Any, int]) -> int:
    """Does the work, which a signal cancels; a second signal doesn't disturb it while it cleans up."""
    task = asyncio.ensure_future(work)

    def end() -> None:
        if not task.cancelling():
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup asks for
            asyncio.get_running_loop().add_signal_handler(number, end)
    try:
        return await task
    except asyncio.CancelledError:
        print("bra: the demonstration was ended before it was complete", file=sys.stderr)
        return _INTERRUPTED
