"""Reading the pickles of the original CIFAR archives without running anything that is in them.

A pickle may name any function and have it called. This unpickler admits the three names with which NumPy rebuilds an
array, and nothing else. (`numpy.core` is where they were in 2009; NumPy 2 has them in `numpy._core`.)
"""

import io
import pickle
from typing import Any

import numpy as np

from cifarlab.errors import CifarlabError


def read_pickle(data: bytes, name: str) -> Any:
    """Unpickle plain containers, numbers, strings and NumPy arrays.

    Args:
        data: The pickle; strings written by Python 2 become bytes.
        name: What messages call it.

    Raises:
        CifarlabError: If the pickle is damaged or names anything else; nothing of it is run.
    """
    try:
        return _ArrayUnpickler(io.BytesIO(data), encoding="bytes").load()
    except (pickle.UnpicklingError, EOFError, LookupError, ValueError, TypeError, AttributeError, MemoryError) as error:
        raise CifarlabError(
            f"cannot read {name}: {error or type(error).__name__}; get the original file again"
        ) from error


_RECONSTRUCT = np.zeros(0).__reduce__()[0]
_ADMITTED = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        try:
            return _ADMITTED[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"the pickle wants to use {module_name}.{global_name}, but only NumPy arrays are admitted"
            ) from None
