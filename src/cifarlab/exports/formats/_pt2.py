"""Is a `.pt2` archive data alone? `torch.export.load` runs what others could have put into one, so it is read before.

It loads machine code from `data/aotinductor`, unpickles objects, executes guards as Python, and evaluates the text of
sizes (by `sympy.sympify`). An archive of ours has none of these, and sizes that are numbers or one symbol.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cifarlab.utils.array_files import BROKEN_ARCHIVE
from cifarlab.utils.errors import CifarlabError

_MEMBERS = re.compile(
    r"[^/]+/(data/weights/(weight_\d+|model_weights_config\.json)|data/constants/(tensor_\d+|model_constants_config\.json)"
    r"|data/sample_inputs/model\.pt|models/model\.json|extra/cifarlab\.json|archive_format|archive_version|byteorder"
    r"|\.data/(version|serialization_id))"
)
_TARGET = re.compile(r"torch\.ops\.aten\.[a-z0-9_]+\.[A-Za-z0-9_]+")
_SIZE = re.compile(r"(Symbol|Integer|Mul|Add|positive|nonnegative|integer|True|s\d+|\d+|[ ,()='*+])*")


def check_archive(place: Path) -> None:
    """Refuse an archive that holds anything but numbers and a graph of torch's own operations.

    Raises:
        CifarlabError: If it does, or is damaged.
    """
    try:
        with zipfile.ZipFile(place) as archive:
            names = archive.namelist()
            texts = [json.loads(archive.read(name)) for name in names if re.search(r"/(models|data)/.*\.json$", name)]
            examples = [archive.read(name) for name in names if name.endswith(".pt")]
    except BROKEN_ARCHIVE as error:
        raise CifarlabError(f"{place} is damaged, or no .pt2 archive: export it again") from error
    for example in examples:
        _check_example(place, example)
    unknown = [name for name in names if not _MEMBERS.fullmatch(name)]
    found = [*unknown, *(wrong for text in texts for wrong in _wrong(text))]
    if found:
        raise CifarlabError(f"{place} holds more than a network of cifarlab: {found[0][:100]!r}; it is not opened")


def _check_example(place: Path, example: bytes) -> None:
    """Refuse example inputs that are no tensors: torch unpickles them without limits where it cannot with them."""
    import torch

    try:
        torch.load(io.BytesIO(example), weights_only=True)
    except Exception as error:  # whatever the unpickler meets
        raise CifarlabError(f"{place} holds objects that are no tensors; it is not opened") from error


def _wrong(value: Any) -> Iterator[str]:
    """All in a graph that could be executed and is no operation of a network."""
    if isinstance(value, list):
        for item in value:
            yield from _wrong(item)
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if not _is_data(key, item):
            yield f"{key}: {item}"
        yield from _wrong(item)


def _is_data(key: str, item: Any) -> bool:
    if key in ("target", "expr_str"):
        return isinstance(item, str) and (_TARGET if key == "target" else _SIZE).fullmatch(item) is not None
    if key == "guards_code":
        return bool(item == [])
    return not (key in ("use_pickle", "as_custom_obj") and item)
