"""Real components that a machine may lack: browsers, databases, media tools.

A test that needs one says so with `real_component`. Where it is missing the test is a *named* skip, listed
once more at the end of the run; with CI=true it is a failure, so that nothing passes silently.
"""

from __future__ import annotations

import os

import pytest

missing: dict[str, int] = {}
"""Name of a missing component → how many tests were skipped for it."""


def real_component(name: str, present: object) -> None:
    """Go on if `present` is true; skip the test by `name`, or fail it under CI=true, if not."""
    if present:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is missing; `make test` installs it on Debian (root or sudo)", pytrace=False)
    missing[name] = missing.get(name, 0) + 1
    pytest.skip(f"{name} is missing")
