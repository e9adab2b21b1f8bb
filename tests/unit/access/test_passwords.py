from __future__ import annotations

import asyncio
import threading
import time

import bcrypt
import pytest

from gateway.access import passwords
from gateway.access.passwords import BcryptHasher
from gateway.errors import Unavailable


async def test_a_hash_fits_its_password_only() -> None:
    hasher = BcryptHasher(cost=4)
    hashed = await hasher.hash("k7mxw-2dphq-9tv4c")
    assert hashed.startswith("$2b$04$")
    assert await hasher.verify("k7mxw-2dphq-9tv4c", hashed)
    assert not await hasher.verify("k7mxw-2dphq-9tv4d", hashed)


async def test_the_seeds_node_hashes_are_read() -> None:
    """bcryptjs writes the same format under `$2a$`."""
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4, prefix=b"2a")).decode()
    assert await BcryptHasher(cost=4).verify("secret", hashed)


async def test_nothing_fits_the_decoy_and_it_costs_as_much() -> None:
    hasher = BcryptHasher(cost=5)
    assert hasher.decoy.startswith("$2b$05$")
    for password in ("", "x", "\0", "\ud800", "y" * 100):
        assert not await hasher.verify(password, hasher.decoy)
    bcrypt.checkpw(b"x", hasher.decoy.encode())  # a malformed salt would raise here


async def test_a_damaged_hash_fits_nothing() -> None:
    assert not await BcryptHasher(cost=4).verify("x", "not a hash")


async def test_what_bcrypt_would_cut_off_counts() -> None:
    hasher = BcryptHasher(cost=4)
    hashed = await hasher.hash("x" * 72)
    assert await hasher.verify("x" * 72, hashed)
    assert not await hasher.verify("x" * 73, hashed)
    with pytest.raises(ValueError, match="72 bytes"):
        await hasher.hash("x" * 73)


async def test_few_at_a_time_off_the_loop_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    running = peak = 0
    lock = threading.Lock()
    loop_thread = threading.get_ident()

    def check(_password: bytes, _hashed: bytes) -> bool:
        nonlocal running, peak
        assert threading.get_ident() != loop_thread
        with lock:
            running += 1
            peak = max(peak, running)
        time.sleep(0.001)
        with lock:
            running -= 1
        return True

    monkeypatch.setattr(passwords.bcrypt, "checkpw", check)
    hasher = BcryptHasher(cost=4)
    waiting = passwords.MAX_WAITING
    results = await asyncio.gather(
        *(hasher.verify("x", hasher.decoy) for _ in range(waiting + 10)), return_exceptions=True
    )
    assert peak == passwords.CONCURRENT
    assert results.count(True) == waiting
    refused = [result for result in results if isinstance(result, Unavailable)]
    assert len(refused) == 10
    assert all(result.retry_after for result in refused)
    assert await hasher.verify("x", hasher.decoy)
