"""Whether an error says that memory ran out: each library says it in a way of its own."""

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
