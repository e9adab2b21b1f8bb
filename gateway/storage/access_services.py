"""The use cases of `access` on their tables: composed here once, for the gateway and for the command line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from gateway.access.accounts import Accounts
from gateway.access.conversation import Conversations
from gateway.access.limiter import BackoffLimiter
from gateway.access.live_access import LiveAccesses
from gateway.access.orders import Orders
from gateway.access.passwords import BcryptHasher
from gateway.access.tokens import Tokens
from gateway.clock import Clock
from gateway.config import ConfigError, Settings
from gateway.storage.accesses import AccessTable
from gateway.storage.accounts import AccountTable
from gateway.storage.conversations import ConversationTable
from gateway.storage.database import Database
from gateway.storage.orders import OrderTable


@dataclass(frozen=True, slots=True)
class AccessServices:
    """Everything about who may do what, and what they said."""

    tokens: Tokens
    orders: Orders
    accesses: LiveAccesses
    accounts: Accounts
    conversations: Conversations


def access_services(
    settings: Settings, database: Database, clock: Clock, drops: Counter[str] | None = None
) -> AccessServices:
    """Build the use cases. Generates the signing secret when there is none.

    Raises ConfigError when it cannot be kept or the configured public key is unusable.
    """
    secret = settings.signing_secret().get_secret_value()
    try:
        tokens = Tokens(secret, clock, public_key=settings.jwt_public_key, drops=drops)
    except ValueError as error:
        raise ConfigError(f"GATEWAY_JWT_PUBLIC_KEY: {error}") from None
    hasher = BcryptHasher(settings.bcrypt_cost)
    limiter = BackoffLimiter(clock)
    order_table = OrderTable(database)
    orders = Orders(order_table, clock)
    return AccessServices(
        tokens=tokens,
        orders=orders,
        accesses=LiveAccesses(
            AccessTable(database), order_table, tokens, hasher, limiter, clock, settings.public_url
        ),
        accounts=Accounts(AccountTable(database), hasher, limiter, clock),
        conversations=Conversations(ConversationTable(database), orders, clock),
    )
