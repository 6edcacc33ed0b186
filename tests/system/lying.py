"""The program of a node that means to lie: it passes on what its database holds, whether that was signed or not.

    python -m tests.system.lying serve --home …

An honest node notices that its records aren't what their author signed, tells nobody of them, and fetches them anew.
"""

from node.cli.main import run
from node.federation import sending
from node.federation.session import Session
from node.storage import authors, scrub

if __name__ == "__main__":
    scrub.look = lambda db, author_id: None
    sending.subtrees = lambda db, trees, author_id, head, prefix, depth: trees.of(
        db, authors.find(db, author_id)
    ).subtrees(prefix, depth)
    Session._wants = lambda self, holdings: ()
    run()
