"""How much memory a process has, and had at the most, in bytes; from /proc."""

from pathlib import Path

from tests.nodes import Node


def resident(node: Node) -> int:
    return _status(node, "VmRSS")


def peak(node: Node) -> int:
    """The most since it began, or since `reset_peak`."""
    return _status(node, "VmHWM")


def reset_peak(node: Node) -> None:
    assert node.process is not None
    Path(f"/proc/{node.process.pid}/clear_refs").write_text("5")


def _status(node: Node, name: str) -> int:
    assert node.process is not None
    text = Path(f"/proc/{node.process.pid}/status").read_text()
    return int(text.split(f"{name}:")[1].split()[0]) * 1024
