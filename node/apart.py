"""Strangers' bytes are read apart: by a process of its own, which may be broken, or kept busy, by what it reads.

It gets no environment, confines itself (see `confinement`), and is ended when its time is over. What it answers is not
believed because of where it comes from.

    code, answer = await run(("-m", "node.photos.decoder"), data, most=2_000_000, seconds=30)
"""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress

from node.errors import HomeError


async def run(arguments: Sequence[str], data: bytes, *, most: int, seconds: float) -> tuple[int, bytes]:
    """The exit code of Python with these arguments, and what it answers to `data`: at most `most` bytes, and a piece.

    TimeoutError after so many seconds; HomeError where it can't be started.
    """
    try:
        # -I: nothing of the environment, the user's own packages, or wherever the operator happens to be.
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", *arguments,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env={}, cwd="/",
        )  # fmt: skip
    except OSError as error:
        raise HomeError(f"no process can be started ({error.strerror}): free some memory and try again") from error
    try:
        async with asyncio.timeout(seconds):
            answer = await _answer(process, data, most)
            return await process.wait(), answer
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _answer(process: asyncio.subprocess.Process, data: bytes, most: int) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(ConnectionError):
        process.stdin.write(data)
        await process.stdin.drain()
        process.stdin.close()
    answer = bytearray()
    while len(answer) <= most and (piece := await process.stdout.read(256 * 1024)):
        answer += piece
    if len(answer) > most:
        process.kill()
    return bytes(answer)
