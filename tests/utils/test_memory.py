import os
import subprocess
import sys
from pathlib import Path

import pytest

# Pieces as Pillow takes them for a large picture, in several threads, with small ones that stay between them.
PIECES = """
import ctypes, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from cifarlab.utils.memory import give_back_large_pieces

if sys.argv[1] == "given back":
    give_back_large_pieces()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
size = 16 * 2**20

def take(_):
    libc.free(libc.malloc(size))  # from here on glibc by itself keeps pieces of this size
    for _ in range(5):
        piece = libc.malloc(size)
        libc.memset(piece, 1, size)
        libc.malloc(1000)  # above the piece: what lies below it cannot be cut off the arena
        libc.free(piece)

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

with ThreadPoolExecutor(4) as pool:
    before = resident()
    list(pool.map(take, range(4)))
    print(resident() - before)
"""


def kept(how: str) -> int:
    """Bytes that stay with a process after everything large was freed."""
    command = [sys.executable, "-c", PIECES, how]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(sys.platform != "linux" or "CS_GNU_LIBC_VERSION" not in os.confstr_names, reason="of glibc")
def test_large_pieces_are_given_back_when_they_are_free():
    assert Path("/proc/self/statm").is_file()
    assert kept("given back") < 4e6
    assert kept("as it is") > 12e6  # else the test would show nothing
