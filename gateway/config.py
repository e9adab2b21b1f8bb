"""The one place that reads the environment: every `GATEWAY_*` name, its default and its meaning.

Three sources give the same names: a TOML file, `.env`, the process environment; the later wins.
`Settings(...)` itself reads nothing, so tests and tools can build one from plain values.
"""

from __future__ import annotations

import contextlib
import difflib
import ipaddress
import os
import secrets
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

PREFIX = "GATEWAY_"
MINIMUM_SECRET_BYTES = 32
"""An HS256 key is at least as long as the hash it feeds (RFC 7518 section 3.2)."""


class ConfigError(Exception):
    """The configuration cannot work. The text has one line a mistake and holds no value of a secret."""


def _split(value: object) -> object:
    """A list is written with commas or spaces between; a TOML array is taken as it is."""
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


def _ip(value: str) -> str:
    return str(ipaddress.ip_address(value))


def _web_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("expected an address such as https://live.example.com")
    return value.rstrip("/")


def _origin(value: str) -> str:
    """An origin is scheme, host and port (RFC 6454); `*` allows every page."""
    if value == "*":
        return value
    parts = urlsplit(_web_url(value))
    if parts.path:
        raise ValueError("an origin has no path")
    return f"{parts.scheme}://{parts.netloc}".lower()


Port = Annotated[int, Field(ge=0, le=65535)]
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Addresses = Annotated[tuple[Annotated[str, AfterValidator(_ip)], ...], NoDecode, BeforeValidator(_split)]
Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """All configuration, validated. Field `http_port` is the name `GATEWAY_HTTP_PORT`, and so on."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    http_host: str = "127.0.0.1"
    http_port: Port = 8080
    media_host: str = "0.0.0.0"  # noqa: S104 - the contract's default: media comes from anywhere
    media_port: Port = 8189
    announced_ips: Addresses = ()
    """Addresses put into candidates, best first; empty means the host's own."""
    public_url: Annotated[str, AfterValidator(_web_url)] = ""
    """Base of links and absolute URLs, without a slash at the end."""
    data_dir: Path = Path("data")
    database_url: SecretStr | None = None
    """None means SQLite under the data directory."""
    jwt_secret: SecretStr | None = None
    """None means generated once and kept under the data directory: see `signing_secret`."""
    jwt_public_key: str | None = None
    redis_url: SecretStr | None = None
    allowed_origins: Origins = ()
    """Empty means the public URL's: see `origins`."""
    turn_urls: Words = ()
    turn_secret: SecretStr | None = None
    stun_urls: Words = ()
    smtp_url: SecretStr | None = None
    mail_from: str | None = None
    sms_webhook_url: SecretStr | None = None
    rtmp_port: Port | None = None
    record: Literal["off", "on", "manual"] = "off"
    tls_cert: Path | None = None
    tls_key: Path | None = None
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    publisher_gone_seconds: Annotated[float, Field(gt=0)] = 60.0
    """How long viewers' sessions stay up after the publisher is gone."""
    layer_cache_mb: Annotated[int, Field(ge=1, le=1024)] = 16
    """Megabytes that one layer of a broadcast may keep: what can be sent again, and the pictures since the
    last keyframe, which let a viewer in at once. 16 hold 10 s at 12 Mbit/s."""
    access_hours: Annotated[float, Field(gt=0, le=24 * 366)] = 24.0
    """How long a customer's login works unless said otherwise."""
    bcrypt_cost: Annotated[int, Field(ge=4, le=16)] = 10
    """Work factor: each step doubles the time of one password check. 10 is the seed's; generated
    passwords of 74 bits need no more, and the cores are wanted for media."""
    trusted_proxies: Addresses = ()
    """Addresses of reverse proxies whose X-Forwarded-For is believed."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only values passed in; `load_settings` reads the environment and the files."""
        return (init_settings,)

    @field_validator("record", mode="before")
    @classmethod
    def _record_as_a_word(cls, value: object) -> object:
        """TOML writers spell on and off as booleans."""
        return {True: "on", False: "off"}[value] if isinstance(value, bool) else value

    @field_validator("record", "log_format", "log_level", mode="before")
    @classmethod
    def _words_in_any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("rtmp_port", mode="before")
    @classmethod
    def _off_is_no_port(cls, value: object) -> object:
        return None if value in {"off", False} else value

    @field_validator("jwt_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value().encode()) < MINIMUM_SECRET_BYTES:
            raise ValueError(
                f"needs at least {MINIMUM_SECRET_BYTES} bytes; leave it out to have one generated"
            )
        return value

    @field_validator("jwt_public_key")
    @classmethod
    def _public_key_only(cls, value: str | None) -> str | None:
        r"""A PEM text; `\n` may stand for its line ends, as one-line environment files need it."""
        if value is None:
            return None
        pem = value.replace("\\n", "\n").strip() + "\n"
        if not pem.startswith(("-----BEGIN PUBLIC KEY-----", "-----BEGIN RSA PUBLIC KEY-----")):
            raise ValueError("expected a public key in PEM form (-----BEGIN PUBLIC KEY-----)")
        return pem

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: SecretStr | None) -> SecretStr | None:
        schemes = (
            "postgresql://",
            "postgres://",
            "postgresql+asyncpg://",
            "sqlite://",
            "sqlite+aiosqlite://",
        )
        if value is not None and not value.get_secret_value().startswith(schemes):
            raise ValueError("expected postgresql://… or sqlite:///…")
        return value

    @model_validator(mode="before")
    @classmethod
    def _public_url_follows_the_port(cls, values: dict[str, Any]) -> dict[str, Any]:
        if not values.get("public_url"):
            scheme = "https" if values.get("tls_cert") else "http"
            port = values.get("http_port", cls.model_fields["http_port"].default)
            return {**values, "public_url": f"{scheme}://localhost:{port}"}
        return values

    @model_validator(mode="after")
    def _pairs(self) -> Settings:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("GATEWAY_TLS_CERT and GATEWAY_TLS_KEY go together")
        if self.turn_urls and self.turn_secret is None:
            raise ValueError("GATEWAY_TURN_URLS needs GATEWAY_TURN_SECRET")
        return self

    @property
    def origins(self) -> tuple[str, ...]:
        """Origins whose pages may call us."""
        parts = urlsplit(self.public_url)
        return self.allowed_origins or (f"{parts.scheme}://{parts.netloc}".lower(),)

    @property
    def secure(self) -> bool:
        """Whether browsers reach us over HTTPS (cookies are then marked Secure)."""
        return self.public_url.startswith("https:")

    def signing_secret(self) -> SecretStr:
        """The HS256 secret: the configured one, or one generated once under the data directory.

        Raises ConfigError when the data directory cannot be written.
        """
        return self.jwt_secret or generated_secret(self.data_dir, "jwt-secret")


def load_settings(
    config_file: Path | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    env_file: Path = Path(".env"),
    **overrides: object,
) -> Settings:
    """Read `config_file`, then `env_file`, then `environ`, then `overrides` (by field name).

    An empty environment value means the default. Raises ConfigError for an unknown name, a wrong
    value or an unreadable file.
    """
    from_file = _toml(config_file) if config_file else {}
    dotenv = DotEnvSettingsSource(Settings, env_file=env_file) if env_file.is_file() else None
    from_dotenv = {k: v for k, v in dotenv.env_vars.items() if v is not None} if dotenv else {}
    mistakes = [
        *_unknown(environ, "environment"),
        *_unknown(from_dotenv, str(env_file)),
        *_unknown(from_file, str(config_file), everything=True),
    ]
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    values = {_field(name): value for name, value in from_file.items()}
    for names in (from_dotenv, environ):
        source = EnvSettingsSource(Settings)
        source.env_vars = {name.lower(): value for name, value in names.items() if value}
        values.update(source())
    values.update(overrides)
    try:
        return Settings(**values)
    except ValidationError as error:
        raise ConfigError("\n".join(_sentence(entry) for entry in error.errors())) from None


def generated_secret(data_dir: Path, name: str) -> SecretStr:
    """The secret kept in `data_dir/name`, made at first use: 256 random bits, mode 0600.

    Several processes may ask at the same moment: the file appears complete or not at all, and all
    get the same one. Raises ConfigError when the directory cannot be used.
    """
    path = data_dir / name
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _create_once(path, secrets.token_urlsafe(32))
        value = path.read_text().strip()
    except OSError as error:
        raise ConfigError(f"cannot keep a secret in {path}: {error.strerror}") from None
    if len(value.encode()) < MINIMUM_SECRET_BYTES:
        raise ConfigError(f"{path} is damaged: delete it to have a new secret generated")
    return SecretStr(value)


def _create_once(path: Path, text: str) -> None:
    """Publish a complete file under `path` unless one is there: `link` refuses to replace."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no valid TOML: {error}") from None


def _field(name: str) -> str:
    return name.lower().removeprefix(PREFIX.lower())


def _unknown(names: Iterable[str], source: str, *, everything: bool = False) -> list[str]:
    """One sentence for each name that is ours by its prefix (or by `everything`) but not known."""
    known = [PREFIX + field.upper() for field in Settings.model_fields]
    return [
        f"unknown configuration name {name} ({source}); "
        f"the nearest is {difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.0)[0]}"
        for name in names
        if name.upper() not in known and (everything or name.upper().startswith(PREFIX))
    ]


def _sentence(entry: Mapping[str, Any]) -> str:
    """A validation error as one line, without the value: it may be a secret."""
    message = str(entry["msg"]).removeprefix("Value error, ")
    message = message[:1].lower() + message[1:] if message.startswith("Input") else message
    return f"{PREFIX}{str(entry['loc'][0]).upper()}: {message}" if entry["loc"] else message
