"""The schema, as small named steps; each is applied once, in this order, in a transaction of its own.

What the tables hold:

- authors: one row an author: newest card, head and beat as received, what of them is asked for often, and `arrival`,
  the place of its last change in the feed (no head: known by its card alone); `news` is that of the last one which was
  more than a beat
- heads: the chain, so that a reader that was away gets all heads since its own
- records: exact canonical bytes and the columns that are looked for. `line` is absent for a leaf without its body;
  `seq` is 0 for a record that never leaves this node and so is in no tree; `problem` says why a body is in no view;
  `apart` keeps what comes after it on pages of the row's own: see `bulk`
- removals: keys that a head proved gone, for readers that still have them
- backlog: numbers and hashes of records that are not looked into yet
- texts (full text), places (R*Tree), facts (what is filtered, sorted and counted): what is searched, by records.no
- partners, heard, refusals: whom we sync with, what each says it has, and what of it we refused
- refs: the publisher's own row names, so that importing again changes what it made before; `source` is the sheet that
  a row was in last
- mappings: what the headers of a sheet meant, by kind and by all of them
- blocks: whom the operator blocked, and why; `dropped_at` of an author: when it ceased to be reached, to be deleted
  some time after
- `damaged` of an author: its rows don't make up its root, so it is told to nobody until they do: see `scrub`
- invitations, joins: links that were handed out, without their secret; nodes that may become partners
- tokens: who may ask the API, by the hashes of what they show; sessions: who is logged in at the pages, by the hashes
  of what their cookies hold
- photos: files by their SHA-256; photo_uses: which record of which author names which
- visits: asked from here (side guest) or of here (host); what names people stands in visit_requests, visit_passes and
  the notes of visit_moves, behind `apart` pages; visit_links: what may answer one, by the hash of its secret; letters:
  e-mails to be sent of a visit; arrivals: what both sides signed when the guests came, which names nobody and so stays
- outbox: messages to other nodes until they are acknowledged; inbox: which messages of others were taken or refused;
  mailbox: sealed messages that are kept for partners which can't be reached, and the answers that they left
- passes: those of this node's own, with their places in its status list; admissions: which let somebody in at its
  desk
"""

from sqlite_utils import Migrations

from node.storage.migrations import members, roaming, sync

migrations = Migrations("bra")
for step in (*sync.STEPS, *members.STEPS, *roaming.STEPS):
    migrations()(step)
