"""C of the product in a program of its own, where a sanitizer sees each byte that it reads beside what it was given."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from node.protocol import native

COMPILER = shlex.split(os.environ.get("CC", "")) or ["cc"]

built = pytest.mark.skipif(native.functions is None, reason="the C was not compiled: its absence has its own tests")
with_compiler = pytest.mark.skipif(shutil.which(COMPILER[0]) is None, reason="this machine has no C compiler")

COUNTERFEIT = r"""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No OpenSSL that is linked to this was made with a sanitizer: this one looks at each byte, and hashes nothing. */
static volatile unsigned char seen;
static void *new_context(void) { return malloc(1); }
static const void *sha256(void) { return ""; }
static int begin(void *context, const void *type, void *engine) { return (void)type, (void)engine, context != NULL; }
static int add(void *context, const void *data, size_t size) {
    for (size_t i = 0; i < size; i++) seen ^= ((const unsigned char *)data)[i];
    return context != NULL;
}
static int end(void *context, unsigned char *found, unsigned int *size) {
    return (void)size, memset(found, seen, HASH), context != NULL;
}
static const openssl counterfeit = {new_context, free, sha256, begin, add, end};
"""


def sanitized(name: str, main: str, folder: Path) -> Path:
    """The program that this C source of the product is with `main` behind it; skips where there are no sanitizers."""
    if not _compiled("int main(void) { return 0; }", folder):
        pytest.skip("this machine's C compiler has no sanitizers")
    strict = (f"-I{native.LIBRARY.parent}", "-O1", "-g", "-Wall", "-Wextra", "-Werror")
    program = _compiled(f'#include "{name}"\n{COUNTERFEIT}\n{main}', folder, *strict)
    assert program is not None, f"{name} has a warning, or the program around it no longer fits it"
    return program


def _compiled(source: str, folder: Path, *flags: str) -> Path | None:
    (folder / "program.c").write_text(source)
    strict = ["-std=c11", "-fsanitize=address,undefined", "-fno-sanitize-recover", *flags]
    command = [*COMPILER, *strict, "-o", folder / "program", folder / "program.c"]
    done = subprocess.run(command, capture_output=True, check=False)
    return folder / "program" if done.returncode == 0 else None
