"""A node whose package was installed where there is no C compiler: slower, and otherwise like any other."""

import sys

from tests.nodes import until, venue
from tests.system.conftest import Make

AS_IF = "from node.protocol import native; native.functions = None; from node.cli.main import run; run()"
SAID = "install a C compiler"


def test_it_says_so_and_takes_what_others_publish(make: Make) -> None:
    source, reader = make("Espoo Park"), make("Faro Park")
    reader.program = (sys.executable, "-c", AS_IF)
    source.befriend(reader)
    source.publish("venue", [venue("desk")])
    source.serve()
    reader.serve()
    until(lambda: reader.listed("venue"), f"the venue does not come: {reader.log()}")
    assert SAID in reader.log()
    assert SAID not in source.log()
