"""Write the pages' types of the live events from the gateway's models.

    .venv/bin/python -m tools.event_types

A test holds `web/src/api/event-types.ts` to what comes out here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from gateway.api.event_schemas import Nothing, Schema, TalkWelcome
from gateway.api.event_table import CLIENT_EVENTS, SERVER_EVENTS

TARGET = Path(__file__).parents[1] / "web" / "src" / "api" / "event-types.ts"

Mode = Literal["validation", "serialization"]
_SCALARS = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
_HEADER = (
    "/** The live events' payloads. Written by `python -m tools.event_types`"
    " from gateway/api/event_schemas.py. */\n"
)


class TypeWriter:
    """Collects interfaces, each once."""

    def __init__(self) -> None:
        self.interfaces: dict[str, str] = {}

    def add(self, model: type[Schema], mode: Mode) -> str:
        """The name of the model's type. What a page sends may leave out what has a default."""
        schema = model.model_json_schema(by_alias=True, mode=mode)
        for name, definition in schema.pop("$defs", {}).items():
            self._write(name, definition)
        if model is not Nothing:
            self._write(model.__name__, schema)
        return "Readonly<Record<string, never>>" if model is Nothing else model.__name__

    def _write(self, name: str, schema: dict[str, Any]) -> None:
        lines = [*_comment(schema, ""), f"export interface {name} {{"]
        required = schema.get("required", [])
        for member, kind in schema["properties"].items():
            mark = "" if member in required else "?"
            lines += [*_comment(kind, "  "), f"  readonly {member}{mark}: {_type(kind)};"]
        text = "\n".join([*lines, "}"]) + "\n"
        if self.interfaces.setdefault(name, text) != text:
            raise ValueError(f"{name} is not the same in both directions")


def _comment(schema: dict[str, Any], indent: str) -> Iterator[str]:
    if description := schema.get("description"):
        yield f"{indent}/** {' '.join(description.split())} */"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(_type(choice) for choice in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " | ".join(f'"{value}"' for value in values)
    if schema["type"] == "array":
        item = _type(schema["items"])
        return f"readonly ({item})[]" if " " in item else f"readonly {item}[]"
    return _SCALARS[schema["type"]]


def written() -> str:
    """The whole file."""
    writer = TypeWriter()
    asked = [
        f'  readonly "{event}": {{ readonly data: {writer.add(data, "validation")}; '
        f"readonly answer: {writer.add(answer, 'serialization')} }};"
        for event, (data, answer) in CLIENT_EVENTS.items()
    ]
    told = [
        f'  readonly "{event}": {writer.add(data, "serialization")};' for event, data in SERVER_EVENTS.items()
    ]
    welcome = writer.add(TalkWelcome, "serialization")
    told = [line.replace(": TalkState;", f": TalkState | {welcome};") for line in told]
    return "\n".join(
        [
            _HEADER,
            *writer.interfaces.values(),
            "/** What a page sends, and what the answer has beside `ok`. */",
            "export interface ClientEvents {",
            *asked,
            "}\n",
            "/** What a page is told. */",
            "export interface ServerEvents {",
            *told,
            "}\n",
        ]
    )


if __name__ == "__main__":
    TARGET.write_text(written(), encoding="utf-8")
