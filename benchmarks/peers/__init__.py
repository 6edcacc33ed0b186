"""The race: what a user could pick instead of this node, on the same records, in the same run.

`peer.py` is the shape that every system takes, one file a system beside it (`scripted.py` is shared);
`ground.py` is what they stand on; `install.py` gets those that come from registries; `race.py` runs them in turns with
the node itself.
"""
