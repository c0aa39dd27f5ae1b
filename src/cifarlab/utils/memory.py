"""Memory: whether an error says that it ran out, and that large pieces are given back when they are free."""

import contextlib
import ctypes

from cifarlab.utils.errors import CifarlabError

_KINDS = ("ResourceExhaustedError", "OutOfMemoryError")  # TensorFlow's, and PyTorch's of an accelerator
_WORDS = (
    "RESOURCE_EXHAUSTED",  # JAX
    "not enough memory",  # PyTorch on a processor
    "out of memory",
    "OOM when allocating",
    "bad_alloc",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of NumPy, TensorFlow, JAX or PyTorch says that there was no memory left.

    None of them is imported for it.
    """
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, CifarlabError | OSError):
        return False
    return type(error).__name__ in _KINDS or any(word in str(error) for word in _WORDS)


def give_back_large_pieces() -> None:
    """Have this process give each piece of 8 MiB or more back to the system as soon as it is free (glibc).

    glibc stops doing so after the first such piece was freed: from then on pieces of that size, as the pixels of a
    large picture, come from arenas of each thread, which keep hundreds of megabytes that nobody uses.
    """
    # Windows has no library of that name, macOS and musl no such function; their allocators are left as they are.
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


_M_MMAP_THRESHOLD = -3  # as malloc.h has it; once set, glibc does not raise it by itself any more
_LARGE_BYTES = 8 * 2**20  # Pillow takes 16 MiB at a time; what a network computes for a few pictures is smaller
