"""Pictures of a page in one of its states, in sizes and languages, and what is seen to be wrong with it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, Page

from tests.gateway_server import ROOT

AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
FOLDER = Path(os.environ.get("PAGE_STATES_FOLDER", ROOT / "build" / "page-states"))
"""Where the pictures go; nothing in it is committed."""

LANGUAGES = ("ru", "cs", "en")
"""English last: in it tests go on."""
PHONE = (360, 640)
LAPTOP = (1366, 768)
WALL = (3840, 2160)
_SIZE_NAMES = {PHONE: "phone", LAPTOP: "laptop", WALL: "wall"}

_WALL_SPREAD = 0.5
"""Share of a wall's width that a page's texts take at least."""
_WALL_LETTERS = 20
"""Pixels of its smallest letters."""

_AXE = """async () => {
  const {violations} = await axe.run(document, {
    resultTypes: ["violations"], preload: false, elementRef: false,
    rules: {"target-size": {enabled: true}},
  });
  return violations.filter(({impact}) => impact === "serious" || impact === "critical").map(
    ({id, nodes}) => `${id}: ${nodes.map(({target, any}) =>
      target.flat(9).at(-1) + " " + (any[0]?.message ?? "")).join("; ")}`);
}"""

_WORD = re.compile(r"[^\W\d_]{3}")


@dataclass
class Album:
    """The pictures and the faults found on the way; a test ends with `check()`."""

    same_everywhere: frozenset[str] = frozenset()
    """Texts that no language changes: names, and what people wrote."""
    faults: list[str] = field(default_factory=list)
    _sizes: dict[Page, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)

    async def prepare(self, context: BrowserContext) -> None:
        """Let pages that are opened from now on be looked at."""
        await context.add_init_script(path=AXE)
        await context.add_init_script(path=Path(__file__).with_name("page_faults.js"))

    async def take(self, page: Page, name: str, sizes: Sequence[tuple[int, int]] = (PHONE, LAPTOP)) -> None:
        """The page as it is now, in each size and language; axe looks at it once a size."""
        # Browsers draw what is behind another tab once a second.
        await page.bring_to_front()
        for size in sorted(sizes, key=lambda each: each != self._sizes.get(page)):
            if self._sizes.get(page) != size:
                await page.set_viewport_size({"width": size[0], "height": size[1]})
                self._sizes[page] = size
            label = f"{name}-{_SIZE_NAMES.get(size, f'{size[0]}x{size[1]}')}"
            if size == WALL:
                self._fault(label, self._lost_on_the_wall(await self._look(page, label, "en")))
            else:
                told = [await self._look(page, label, language) for language in LANGUAGES]
                self._fault(label, self._untranslated([set(each["texts"]) for each in told]))
            self._fault(label, [f"axe: {violation}" for violation in await page.evaluate(_AXE)])

    async def _look(self, page: Page, label: str, language: str) -> dict[str, Any]:
        seen: dict[str, Any] = await page.evaluate("language => window.pageFaults(language)", language)
        await page.screenshot(path=FOLDER / f"{label}-{language}.jpg", type="jpeg", quality=85)
        self._fault(f"{label}-{language}", seen["faults"])
        return seen

    def _fault(self, label: str, faults: Iterable[str]) -> None:
        self.faults += [f"{label}: {fault}" for fault in faults]

    def _untranslated(self, said: Sequence[set[str]]) -> list[str]:
        common = set.intersection(*said) - self.same_everywhere
        return sorted(f"“{text}” in every language" for text in common if _WORD.search(text))

    def _lost_on_the_wall(self, seen: dict[str, Any]) -> list[str]:
        faults = []
        if seen["spread"] < _WALL_SPREAD:
            faults.append(f"uses only {seen['spread']:.0%} of the width")
        if seen["letters"] < _WALL_LETTERS:
            faults.append(f"has letters of {seen['letters']:.0f} px")
        return faults

    def check(self) -> None:
        """AssertionError that lists all faults."""
        assert not self.faults, "\n".join(self.faults)
