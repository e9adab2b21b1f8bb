from __future__ import annotations

from pathlib import Path

import pytest

from gateway.access.grants import Scope
from gateway.clock import ManualClock
from gateway.config import ConfigError, Settings
from gateway.storage.access_services import access_services
from gateway.storage.database import Database


async def test_two_processes_sign_with_the_same_generated_secret(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    database = Database.of(settings)
    one, two = (access_services(settings, database, ManualClock()) for _ in range(2))
    issued = one.tokens.issue(subject="a", scopes=[Scope.ADMIN], ttl=60)
    assert two.tokens.verify(issued.token).subject == "a"
    await database.close()


async def test_an_unusable_public_key_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    key = "-----BEGIN PUBLIC KEY-----\\nAAAA\\n-----END PUBLIC KEY-----"
    settings = Settings(data_dir=tmp_path, jwt_public_key=key)
    database = Database.of(settings)
    with pytest.raises(ConfigError, match="GATEWAY_JWT_PUBLIC_KEY"):
        access_services(settings, database, ManualClock())
    await database.close()
