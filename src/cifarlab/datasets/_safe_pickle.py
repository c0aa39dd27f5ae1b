"""Reading the pickles of the original CIFAR archives without running anything that is in them.

A pickle may name any function and have it called. This unpickler admits the three names with which NumPy rebuilds an
array, and even these are stand-ins that can make nothing but an array of bytes: NumPy's own would also make arrays of
pointers to any place. (`numpy.core` is where they were in 2009; NumPy 2 has them in `numpy._core`.)
"""

import io
import math
import pickle
from typing import Any

import numpy as np

from cifarlab.utils.errors import CifarlabError

_DAMAGED = (
    pickle.UnpicklingError, EOFError, LookupError, ValueError, TypeError, AttributeError,
    MemoryError, OverflowError, RecursionError,
)  # fmt: skip


def read_pickle(data: bytes, name: str) -> Any:
    """Unpickle plain containers, numbers, strings and NumPy arrays of uint8.

    Args:
        data: The pickle; strings written by Python 2 become bytes.
        name: What messages call it.

    Raises:
        CifarlabError: If the pickle is damaged or names anything else; nothing of it is run.
    """
    try:
        return _ArrayUnpickler(io.BytesIO(data), encoding="bytes").load()
    except _DAMAGED as error:
        raise CifarlabError(
            f"cannot read {name}: {error or type(error).__name__}; get the original file again"
        ) from error


class _ByteArray(np.ndarray[Any, np.dtype[np.uint8]]):
    """An array that is restored only from as many bytes as its shape says."""

    def __setstate__(self, state: Any, /) -> None:
        _, shape, dtype, fortran, values = state
        if not isinstance(dtype, _Uint8) or not isinstance(values, bytes):
            raise pickle.UnpicklingError("the pickle holds an array of something else than uint8")
        if any(type(size) is not int or size < 0 for size in shape) or math.prod(shape) != len(values):
            raise pickle.UnpicklingError("the pickle holds an array whose size is not that of its values")
        checked: Any = (1, tuple(shape), np.dtype(np.uint8), bool(fortran), values)
        super().__setstate__(checked)


# Stand-ins have no attributes, so that a pickle cannot change them for later ones.
class _Ndarray:
    """Names `numpy.ndarray`, and cannot be called."""

    __slots__ = ()


class _Uint8:
    """An array's dtype; what the pickle says further about it changes nothing."""

    __slots__ = ()

    def __setstate__(self, state: Any, /) -> None:
        pass


class _Reconstruct:
    """Makes the empty array that is filled afterwards."""

    __slots__ = ()

    def __call__(self, *arguments: Any) -> _ByteArray:
        subtype, *rest = arguments
        if not isinstance(subtype, _Ndarray) or rest not in ([(0,), b"b"], [(0,), "b"]):
            raise pickle.UnpicklingError("the pickle holds something else than a plain array")
        return np.zeros(0, np.uint8).view(_ByteArray)


class _Dtype:
    """Makes uint8 and no other dtype."""

    __slots__ = ()

    def __call__(self, *arguments: Any) -> _Uint8:
        if not arguments or arguments[0] not in (b"u1", "u1"):
            raise pickle.UnpicklingError(f"the pickle holds an array of something else than uint8: {arguments[:1]!r}")
        return _Uint8()


_ADMITTED = {
    ("numpy.core.multiarray", "_reconstruct"): _Reconstruct(),
    ("numpy._core.multiarray", "_reconstruct"): _Reconstruct(),
    ("numpy", "ndarray"): _Ndarray(),
    ("numpy", "dtype"): _Dtype(),
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        try:
            return _ADMITTED[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"the pickle wants to use {module_name}.{global_name}, but only NumPy arrays are admitted"
            ) from None
