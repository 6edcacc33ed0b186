"""`bra`: the commands of a node, one file a noun."""

import gc
import sys
from collections.abc import Sequence
from importlib.metadata import version

from cyclopts import App, CycloptsError

from node.cli import (
    check,
    custody,
    demo,
    desk,
    editing,
    exclusion,
    importing,
    joining,
    membership,
    node,
    partner,
    passes,
    passphrase,
    photo,
    record,
    session,
    token,
    trust,
    verify,
    visit,
)
from node.cli.common import exit_code

app = App(
    name="bra",
    help="The node of a signatory of the Business Roaming Agreement.",
    version=lambda: version("bra-node"),
    help_format="plaintext",
)
for module in (
    node, verify, joining, partner, exclusion, membership, trust, importing, record, editing, photo, check,
    passphrase, custody, demo, token, session, passes, desk, visit,
):  # fmt: skip
    module.register(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; its exit code."""
    return exit_code(lambda: _run(sys.argv[1:] if arguments is None else list(arguments)))


def _run(arguments: list[str]) -> int:
    try:
        result = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        sentence = " ".join(str(error).split())
        print(f"bra: {sentence} See 'bra --help'.", file=sys.stderr)
        return 2
    return result if isinstance(result, int) else 0


def run() -> None:
    # The writer gives the interpreter away for each statement and wants it back at once; at the default of 5 ms it
    # would wait longer for threads that hash than it works.
    sys.setswitchinterval(0.0005)
    # Records are many small objects without cycles. Looking through all of them again and again for cycles took a third
    # of a sync, and now and then a fifth of a second at once.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    # Programs read standard output; a node that serves then logs as its configuration says.
    node.log_to_stderr("warning")
    sys.exit(main())
