"""Fixtures that every kind of test shares, and the list of named skips at the end of a run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import components
from tests.peers import postgresql


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not components.missing:
        return
    terminalreporter.section("skipped for want of a real component")
    for name, count in sorted(components.missing.items()):
        terminalreporter.line(f"{name}: {count} test{'s' if count > 1 else ''}")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.Server]:
    """One PostgreSQL on loopback for the whole run."""
    components.real_component("PostgreSQL", postgresql.PROGRAMS)
    with postgresql.server() as running:
        yield running


@pytest.fixture
def postgresql_url(postgresql_server: postgresql.Server) -> str:
    """`postgresql://…` of a fresh, empty database."""
    return postgresql_server.new_database()
