"""Python's own text, taken apart and never run: the one module that imports `ast`, and by one thread at a time."""

import ast
import itertools
import threading
from typing import Any

PARSER = threading.RLock()
"""Held by whoever parses.

CPython 3.11 counts how deep a syntax tree is in a place that all threads share. Building a tree allocates, so the
garbage collector may run, whose finalizers let another thread in: if that one builds a tree too, both end in
`SystemError: AST constructor recursion depth mismatch`. NumPy parses as well, for the header of every array that it
reads from a file: see `utils.arrays`. An `RLock`, so that a thread that holds it may parse inside.
"""


def literal(text: str) -> Any:
    """The number, string, tuple, list, dictionary, boolean or None that a text spells.

    Raises:
        ValueError, SyntaxError, TypeError, MemoryError, RecursionError: If it spells none; `ast.literal_eval` says so.
    """
    with PARSER:
        return ast.literal_eval(text)


def docstring(source: str, name: str = "") -> str:
    """The docstring of a source, or of a function or class at its top level, without its indentation; perhaps empty.

    Raises:
        SyntaxError, ValueError: If it is no Python.
    """
    with PARSER:
        tree = ast.parse(source)
        named = (each for each in tree.body if isinstance(each, ast.FunctionDef | ast.ClassDef) and each.name == name)
        place = next(named, None) if name else tree
        return (ast.get_docstring(place) or "") if place is not None else ""


def described(docstring: str, heading: str) -> dict[str, str]:
    r"""What a Google style docstring says of each name under a heading, on one line each.

    Args:
        docstring: Without its indentation.
        heading: Such as `"Args"` or `"Attributes"`.

    Example:
        >>> described("Sum.\n\nArgs:\n    one: The first\n        number.\n    two: Another.", "Args")
        {'one': 'The first number.', 'two': 'Another.'}
    """
    lines = docstring.partition(f"\n{heading}:\n")[2].split("\n")
    found: dict[str, list[str]] = {}
    for line in itertools.takewhile(lambda line: line.startswith("    "), lines):
        name, colon, text = line.strip().partition(": ")
        if colon and not line.startswith("     "):
            found[name] = [text]
        elif found:
            found[next(reversed(found))].append(line.strip())
    return {name: " ".join(parts) for name, parts in found.items()}


def parameters(source: bytes, function: str, skip: int = 0) -> list[str] | None:
    """Names of a function's parameters, as the last definition at a module's top level has them.

    Args:
        source: Of the module; bytes, so that its own `coding` line is obeyed.
        function: The function's name.
        skip: How many of the positional ones to leave out.

    Returns:
        Positional ones, then those by keyword; None where the text does not tell: the function is not defined there,
        takes `**kwargs`, or a decorator may have changed it.

    Raises:
        SyntaxError, ValueError: If it is no Python.
    """
    with PARSER:
        tree = ast.parse(source)
    for node in reversed(tree.body):
        if isinstance(node, ast.FunctionDef) and node.name == function:
            if node.args.kwarg or node.decorator_list:
                return None
            positional = [*node.args.posonlyargs, *node.args.args]
            return [each.arg for each in (*positional[skip:], *node.args.kwonlyargs)]
    return None


def defaults(source: bytes, function: str) -> dict[str, Any]:
    """The defaults of a function's parameters by keyword, of the last definition at a module's top level.

    Raises:
        SyntaxError, ValueError: If it is no Python, or a default is computed.
    """
    with PARSER:
        found = [each for each in ast.parse(source).body if isinstance(each, ast.FunctionDef) and each.name == function]
        pairs = zip(found[-1].args.kwonlyargs, found[-1].args.kw_defaults, strict=True) if found else ()
        return {argument.arg: ast.literal_eval(value) for argument, value in pairs if value is not None}


def constant(source: bytes, name: str) -> Any:
    """What a module's top level assigns to a name, if it is written out; None where nothing is assigned to it.

    Raises:
        SyntaxError, ValueError: If it is no Python, or the value is computed.
    """
    with PARSER:
        for node in ast.parse(source).body:
            if isinstance(node, ast.Assign) and any(getattr(each, "id", "") == name for each in node.targets):
                return ast.literal_eval(node.value)
    return None
