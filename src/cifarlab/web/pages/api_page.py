"""The HTTP API as a page shows it: what its own OpenAPI description says, in the order of that description."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

Described = Mapping[str, Any]
_DEEPEST = 4
"""Objects inside of objects whose fields are told."""


@dataclass(frozen=True)
class Field:
    """One value of a request or an answer.

    Attributes:
        name: With the names of what it stands in, such as `predictions[].top[].probability`.
        kind: What it may be, in words.
        about: What it means.
    """

    name: str
    kind: str
    about: Markup


@dataclass(frozen=True)
class Part:
    """Fields that belong together, such as those of a form."""

    title: str
    fields: list[Field]


@dataclass(frozen=True)
class Operation:
    """One address and what can be asked there.

    Attributes:
        anchor: To link to it.
        reads: Whether a click shows its answer: it needs nothing but the address.
        answers: Status and what it means.
    """

    anchor: str
    method: str
    path: str
    summary: str
    about: list[Markup]
    reads: bool
    parts: list[Part]
    answers: list[tuple[str, Markup]]


def describe_api(description: Described) -> dict[str, list[Operation]]:
    """An OpenAPI description, as FastAPI makes it: each tag with its operations."""
    found: dict[str, list[Operation]] = {}
    schemas = description.get("components", {}).get("schemas", {})
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            found.setdefault(operation["tags"][0], []).append(_describe(path, method, operation, schemas))
    return found


def _describe(path: str, method: str, operation: Described, schemas: Described) -> Operation:
    parameters = operation.get("parameters", [])
    parts = [
        Part("In the address", [_field(each["name"], each["schema"], each["required"]) for each in parameters]),
        *(
            Part(f"Body: {kind}", list(_fields(body["schema"], schemas)))
            for kind, body in operation.get("requestBody", {}).get("content", {}).items()
        ),
        *(
            Part(f"Answer: {kind}", list(_fields(body["schema"], schemas)))
            for kind, body in operation["responses"]["200"].get("content", {}).items()
        ),
    ]
    answers = [
        (status, _text("As above" if status == "200" else answer["description"]))
        for status, answer in operation["responses"].items()
    ]
    return Operation(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        about=[_text(each) for each in operation.get("description", "").split("\n\n") if each],
        reads=method == "get" and not any(each["required"] for each in parameters),
        parts=[part for part in parts if part.fields],
        answers=answers,
    )


def _fields(schema: Described, schemas: Described, before: str = "", depth: int = 0) -> Iterator[Field]:
    """An object's fields, those of the objects inside it after each."""
    schema = _resolved(schema, schemas)
    for name, each in schema.get("properties", {}).items():
        inner, mark = _resolved(each, schemas), ""
        yield _field(f"{before}{name}", {**inner, **each}, name in schema.get("required", []))
        while inner.get("type") == "array" or isinstance(inner.get("additionalProperties"), dict):
            is_list = inner.get("type") == "array"
            mark += "[]" if is_list else ".NAME"
            inner = _resolved(inner["items" if is_list else "additionalProperties"], schemas)
        if depth < _DEEPEST:
            yield from _fields(inner, schemas, f"{before}{name}{mark}.", depth + 1)


def _field(name: str, schema: Described, required: bool) -> Field:
    limits = {"minimum": "at least", "maximum": "at most", "minItems": "at least", "maxLength": "at most"}
    unit = {"minItems": " of them", "maxLength": " characters"}
    told = [_kind(schema)]
    told += [f"{words} {schema[key]:g}{unit.get(key, '')}" for key, words in limits.items() if key in schema]
    if "default" in schema:
        told.append(f"{json.dumps(schema['default'])} by default")
    elif not required:
        told.append("may be left out")
    return Field(name, ", ".join(told), _text(schema.get("description", "")))


def _kind(schema: Described) -> str:
    if "enum" in schema:
        return " or ".join(json.dumps(each) for each in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "contentMediaType" in schema:
        return "file"
    if schema.get("type") == "array":
        return f"list, each {_kind(schema['items'])}"
    return str(schema.get("type", "object"))


def _resolved(schema: Described, schemas: Described) -> Described:
    found: Described = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found


def _text(words: str) -> Markup:
    """Words, in which what stands between backticks is code."""
    parts = re.split(r"`([^`]+)`", words)
    code = Markup("<code>{}</code>")
    return Markup("").join(code.format(part) if place % 2 else escape(part) for place, part in enumerate(parts))
