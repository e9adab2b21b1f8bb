"""The house stays in order: layers, mirrored tests, justified dependencies, clean files."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.components import real_component

ROOT = Path(__file__).parents[2]

# None of these patterns matches its own text.
FOREIGN = {
    "a registry's host": re.compile(
        r"pypi\.org|pythonhosted\.org|registry\.npmjs|npmjs\.org|yarnpkg\.com|unpkg\.com|jsdelivr\.net"
        r"|deb\.debian\.org|files\.debian\.org|crates\.io|proxy\.golang\.org|ghcr\.io|docker\.io|quay\.io|gcr\.io"
    ),
    "a download address": re.compile(r"/releases/downloa[d]/|/archive/refs[/]|raw\.githubusercontent\.com"),
    "a path of one machine": re.compile(
        r"/hom[e]/\w+/|/Use[r]s/\w+/|(?<![\w.])/roo[t]/|(?<![\w.])/wor[k]/\w+"
    ),
}


def committed_files() -> list[Path]:
    real_component("a git checkout", (ROOT / ".git").exists() and shutil.which("git"))
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]


def test_the_layers_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_no_file_names_a_registry_a_download_or_a_machine() -> None:
    found = []
    for path in committed_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture
        for what, pattern in FOREIGN.items():
            found += [f"{path.relative_to(ROOT)}: {what}: {match[0]}" for match in pattern.finditer(text)]
    assert not found


def documented_dependencies() -> set[str]:
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+?) \| ([^|]*?) \|$", text, re.MULTILINE)
    for name, reason in rows:
        assert reason.strip(), f"{name} is not justified"
    return {name for name, _ in rows} - {"package", "---"}


def declared_dependencies() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = [
        *project["dependencies"],
        *(r for g in project["optional-dependencies"].values() for r in g),
    ]
    pages = json.loads((ROOT / "web" / "package.json").read_text(encoding="utf-8"))
    python = {re.split(r"[\[<>=~! ;]", requirement, maxsplit=1)[0].lower() for requirement in requirements}
    return python | set(pages.get("dependencies", {})) | set(pages.get("devDependencies", {}))


def test_every_dependency_is_justified_and_none_is_a_ghost() -> None:
    assert documented_dependencies() == declared_dependencies()


def test_constraints_pin_names_only() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="ascii").splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.+!]*", line) for line in lines)


def has_behaviour(path: Path) -> bool:
    """Whether a module defines a function that does something: pure declarations need no test."""

    def does_something(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        return any(
            not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
            for statement in function.body
        )

    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return any(isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and does_something(n) for n in nodes)


def mirrored_name(test: Path) -> str:
    """`protocol/sdp/test_parser.py` is as good as `protocol/test_sdp_parser.py`.

    What a package's `__init__` holds is tested by `codecs/test_codecs.py` or `test_codecs.py` beside it.
    """
    *folders, name = test.relative_to(ROOT / "tests" / "unit").with_suffix("").parts
    name = name.removeprefix("test_")
    return "_".join(folders if folders[-1:] == [name] else [*folders, name])


@pytest.mark.parametrize("layer", ["protocol", "sfu"])
def test_each_module_has_its_own_test(layer: str) -> None:
    mirrored = {mirrored_name(path) for path in (ROOT / "tests" / "unit").rglob("test_*.py")}
    untested = []
    for path in sorted((ROOT / "gateway" / layer).rglob("*.py")):
        parts = path.relative_to(ROOT / "gateway").with_suffix("").parts
        name = "_".join(part for part in parts if part != "__init__")
        if has_behaviour(path) and name not in mirrored:
            untested.append(str(path.relative_to(ROOT)))
    assert not untested
