"""Keeping the node one's own: a new signing key, a lost disk, a stolen key, two homes that signed apart.

All of it takes the root key (24 words), works on a home that no process serves, and ends in a new epoch: one new head
over the set, which every peer follows from (epoch, seq) alone.
"""
