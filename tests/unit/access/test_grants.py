from __future__ import annotations

import pytest

from gateway.access.grants import Grant, Scope
from gateway.errors import Forbidden


def grant(*scopes: Scope, order_id: str | None = "one", camera: str | None = None) -> Grant:
    return Grant("somebody", frozenset(scopes), order_id, None, camera, 0.0, "id")


@pytest.mark.parametrize(
    ("held", "scope", "order_id", "camera", "allowed"),
    [
        pytest.param(grant(Scope.WATCH), Scope.WATCH, "one", None, True, id="its scope on its order"),
        pytest.param(grant(Scope.WATCH), Scope.WATCH, "one", "top", True, id="all cameras"),
        pytest.param(grant(Scope.WATCH), Scope.PUBLISH, "one", None, False, id="other scope"),
        pytest.param(grant(Scope.PUBLISH), Scope.WATCH, "one", None, False, id="publishing is not watching"),
        pytest.param(grant(Scope.WATCH), Scope.WATCH, "two", None, False, id="other order"),
        pytest.param(grant(Scope.WATCH), Scope.ADMIN, "one", None, False, id="not an admin"),
        pytest.param(grant(Scope.PUBLISH, camera="top"), Scope.PUBLISH, "one", "top", True, id="its camera"),
        pytest.param(grant(Scope.PUBLISH, camera="top"), Scope.PUBLISH, "one", "x", False, id="other camera"),
        pytest.param(grant(Scope.WATCH, order_id=None), Scope.WATCH, None, None, False, id="no order at all"),
        pytest.param(grant(Scope.ADMIN, order_id=None), Scope.PUBLISH, "two", "x", True, id="admin"),
        pytest.param(grant(Scope.ADMIN, order_id=None), Scope.ADMIN, None, None, True, id="admin, no order"),
    ],
)
def test_what_a_grant_allows(
    held: Grant, scope: Scope, order_id: str | None, camera: str | None, allowed: bool
) -> None:
    assert held.allows(scope, order_id, camera) is allowed
    if allowed:
        held.require(scope, order_id, camera)
    else:
        with pytest.raises(Forbidden):
            held.require(scope, order_id, camera)
