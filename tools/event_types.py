"""Write the pages' types of the live events from the gateway's models, and what reads them.

    .venv/bin/python -m tools.event_types

A test holds `web/src/api/event-types.ts` to what comes out here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from gateway.api.event_schemas import ChatSend, MarkerAdd, Nothing, Schema, TalkWelcome
from gateway.api.event_table import CLIENT_EVENTS, SERVER_EVENTS

TARGET = Path(__file__).parents[1] / "web" / "src" / "api" / "event-types.ts"

Mode = Literal["validation", "serialization"]
_SCALARS = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
_READERS = {"string": "text", "integer": "number", "number": "number", "boolean": "flag"}
_HEADER = (
    "/** The live events' payloads. Written by `python -m tools.event_types`"
    " from gateway/api/event_schemas.py. */\n\n"
    "import { either, flag, list, nothing, nullable, number, object, oneOf, optional, type Reader, text }"
    ' from "./reading";\n'
)


class TypeWriter:
    """Collects interfaces and, of what the gateway sends, readers, each once."""

    def __init__(self) -> None:
        self.interfaces: dict[str, str] = {}
        self.readers: dict[str, str] = {}

    def add(self, model: type[Schema], mode: Mode) -> str:
        """The name of the model's type. What a page sends may leave out what has a default."""
        if model is Nothing:
            return "Readonly<Record<string, never>>"
        schema = model.model_json_schema(by_alias=True, mode=mode)
        definitions = {**schema.pop("$defs", {}), model.__name__: schema}
        for name, definition in definitions.items():
            self._write(name, definition)
        if mode == "serialization":
            self._read(model.__name__, definitions)
        return model.__name__

    def _write(self, name: str, schema: dict[str, Any]) -> None:
        lines = [*_comment(schema, ""), f"export interface {name} {{"]
        required = schema.get("required", [])
        for member, kind in schema["properties"].items():
            mark = "" if member in required else "?"
            lines += [*_comment(kind, "  "), f"  readonly {member}{mark}: {_type(kind)};"]
        text = "\n".join([*lines, "}"]) + "\n"
        if self.interfaces.setdefault(name, text) != text:
            raise ValueError(f"{name} is not the same in both directions")

    def _read(self, name: str, definitions: dict[str, dict[str, Any]]) -> None:
        """The readers that this one needs stand before it."""
        schema = definitions[name]
        for other in dict.fromkeys(_referred(schema)):
            self._read(other, definitions)
        required = schema.get("required", [])
        members = (
            f"  {member}: {_reader(kind) if member in required else 'optional(' + _reader(kind) + ')'},"
            for member, kind in schema["properties"].items()
        )
        lines = [f"const read{name}: Reader<{name}> = object({{", *members, "});"]
        self.readers[name] = "\n".join(lines) + "\n"


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


def _referred(schema: Any) -> Iterator[str]:
    """The names of other models in it."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield str(schema["$ref"]).rpartition("/")[2]
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from _referred(part)


def _reader(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return f"read{str(schema['$ref']).rpartition('/')[2]}"
    if "anyOf" in schema:
        choice, null = schema["anyOf"]
        if null != {"type": "null"}:
            raise ValueError("the gateway sends something or null, no other choice")
        return f"nullable({_reader(choice)})"
    if "enum" in schema:
        return f"oneOf({', '.join(map(json.dumps, schema['enum']))})"
    if schema["type"] == "array":
        return f"list({_reader(schema['items'])})"
    return _READERS[schema["type"]]


def _limits(model: type[Schema]) -> str:
    """The most characters of its texts."""
    members = model.model_json_schema(by_alias=True)["properties"].items()
    return ", ".join(f"{member}: {kind['maxLength']}" for member, kind in members if "maxLength" in kind)


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
    tell = [f'  "{event}": read{data.__name__},' for event, data in SERVER_EVENTS.items()]
    tell = [line.replace("readTalkState", f"either(read{welcome}, readTalkState)") for line in tell]
    answers = [
        f'  "{event}": {"nothing" if answer is Nothing else "read" + answer.__name__},'
        for event, (_, answer) in CLIENT_EVENTS.items()
    ]
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
            "/** The most characters that a page may send. */",
            "export const longest = {",
            f"  chat: {{ {_limits(ChatSend)} }},",
            f"  marker: {{ {_limits(MarkerAdd)} }},",
            "} as const;\n",
            *writer.readers.values(),
            "/** Reads what a page is told. */",
            "export const told: { readonly [Event in keyof ServerEvents]: Reader<ServerEvents[Event]> } = {",
            *tell,
            "};\n",
            "/** Reads what a page is answered. */",
            "export const answered: {"
            ' readonly [Event in keyof ClientEvents]: Reader<ClientEvents[Event]["answer"]> } = {',
            *answers,
            "};\n",
        ]
    )


if __name__ == "__main__":
    TARGET.write_text(written(), encoding="utf-8")
