"""What a process gives up before it looks at strangers' bytes, for good (see `apart`, which starts it).

confine(memory=256 * 1024 * 1024, seconds=5)
"""

import resource


def confine(*, memory: int, seconds: int, files: int = 0) -> None:
    """Leaves so many bytes of addresses, seconds of the processor and open files; the pipes that are open stay.

    It writes no file and starts no process any more; without `files` it opens none either, and no socket.
    """
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, files),
    ):
        resource.setrlimit(what, (most, most))
