from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from gateway.config import ConfigError, Settings, generated_secret, load_settings

CONTRACT = {
    "HTTP_HOST": "127.0.0.1",
    "HTTP_PORT": 8080,
    "MEDIA_HOST": "0.0.0.0",
    "MEDIA_PORT": 8189,
    "ANNOUNCED_IPS": (),
    "PUBLIC_URL": "http://localhost:8080",
    "DATA_DIR": Path("data"),
    "DATABASE_URL": None,
    "JWT_SECRET": None,
    "JWT_PUBLIC_KEY": None,
    "REDIS_URL": None,
    "ALLOWED_ORIGINS": (),
    "TURN_URLS": (),
    "TURN_SECRET": None,
    "STUN_URLS": (),
    "SMTP_URL": None,
    "MAIL_FROM": None,
    "SMS_WEBHOOK_URL": None,
    "RTMP_PORT": None,
    "RECORD": "off",
    "TLS_CERT": None,
    "TLS_KEY": None,
    "LOG_FORMAT": "text",
    "LOG_LEVEL": "info",
}


def load(tmp_path: Path, config: Path | None = None, **environ: str) -> Settings:
    """Only from what is given: no environment and no `.env` of the machine that tests."""
    return load_settings(config, environ=environ, env_file=tmp_path / ".env")


@pytest.mark.parametrize(("name", "default"), CONTRACT.items())
def test_the_contracts_names_have_the_contracts_defaults(tmp_path: Path, name: str, default: object) -> None:
    assert getattr(load(tmp_path), name.lower()) == default


def test_the_environment_beats_dotenv_beats_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GATEWAY_HTTP_PORT=2\nGATEWAY_MEDIA_PORT=2\nUNRELATED=x\n")
    file = tmp_path / "gateway.toml"
    file.write_text("GATEWAY_HTTP_PORT = 1\nGATEWAY_MEDIA_PORT = 1\nGATEWAY_RTMP_PORT = 1935\n")
    settings = load(tmp_path, file, GATEWAY_HTTP_PORT="3", PATH="/bin")
    assert (settings.http_port, settings.media_port, settings.rtmp_port) == (3, 2, 1935)


def test_overrides_beat_everything(tmp_path: Path) -> None:
    environ = {"GATEWAY_HTTP_PORT": "3"}
    assert load_settings(environ=environ, env_file=tmp_path / ".env", http_port=4).http_port == 4


def test_settings_built_from_values_read_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_HTTP_PORT", "3")
    assert Settings().http_port == 8080


def test_lists_in_the_environment_and_in_toml(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text('GATEWAY_ANNOUNCED_IPS = ["192.0.2.1", "2001:DB8::1"]\nGATEWAY_RECORD = true\n')
    settings = load(tmp_path, file, GATEWAY_STUN_URLS="stun:one:3478, stun:two:3478")
    assert settings.announced_ips == ("192.0.2.1", "2001:db8::1")
    assert settings.stun_urls == ("stun:one:3478", "stun:two:3478")
    assert settings.record == "on"


def test_empty_values_mean_the_default(tmp_path: Path) -> None:
    """Compose files write `GATEWAY_SMTP_URL=${SMTP_URL:-}`."""
    settings = load(tmp_path, GATEWAY_SMTP_URL="", GATEWAY_HTTP_PORT="")
    assert (settings.smtp_url, settings.http_port) == (None, 8080)


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("GATEWAY_HTTP_PROT", "GATEWAY_HTTP_PORT"),
        ("GATEWAY_PUBLICURL", "GATEWAY_PUBLIC_URL"),
        ("gateway_jwt_secrt", "GATEWAY_JWT_SECRET"),
    ],
)
def test_an_unknown_name_is_an_error_that_knows_the_right_one(
    tmp_path: Path, wrong: str, nearest: str
) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(f"{wrong} = 1\n")
    for arguments, environ in [((), {wrong: "secret-value"}), ((file,), {})]:
        with pytest.raises(ConfigError) as caught:
            load(tmp_path, *arguments, **environ)
        (line,) = str(caught.value).splitlines()
        assert wrong in line
        assert nearest in line
        assert "secret-value" not in line
    (tmp_path / ".env").write_text(f"{wrong}=1\n")
    with pytest.raises(ConfigError, match=nearest):
        load(tmp_path)


def test_a_toml_file_holds_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text("http_port = 1\n")
    with pytest.raises(ConfigError, match="GATEWAY_HTTP_PORT"):
        load(tmp_path, file)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTP_PORT", "eighty"),
        ("HTTP_PORT", "65536"),
        ("MEDIA_PORT", "-1"),
        ("ANNOUNCED_IPS", "example.com"),
        ("PUBLIC_URL", "localhost:8080"),
        ("PUBLIC_URL", "http://x/?a=b"),
        ("ALLOWED_ORIGINS", "https://a.example/path"),
        ("JWT_SECRET", "short-secret-value"),
        ("JWT_PUBLIC_KEY", "-----BEGIN PRIVATE KEY-----"),
        ("DATABASE_URL", "mysql://user:secret-value@host/db"),
        ("RECORD", "sometimes"),
        ("LOG_LEVEL", "loud"),
        ("BCRYPT_COST", "3"),
        ("PUBLISHER_GONE_SECONDS", "0"),
        ("LAYER_CACHE_MB", "0"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_it_and_hides_it(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, **{f"GATEWAY_{name}": value})
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"GATEWAY_{name}: ")
    assert "secret-value" not in line


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({"GATEWAY_TLS_CERT": "x.pem"}, "GATEWAY_TLS_CERT and GATEWAY_TLS_KEY go together"),
        ({"GATEWAY_TURN_URLS": "turn:x"}, "GATEWAY_TURN_URLS needs GATEWAY_TURN_SECRET"),
    ],
)
def test_what_belongs_together(tmp_path: Path, environ: dict[str, str], line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, **environ)
    assert str(caught.value) == line


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, GATEWAY_HTTP_PORT="x", GATEWAY_RECORD="x")
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("content", [None, "= broken", b"\xff"])
def test_an_unreadable_file(tmp_path: Path, content: str | bytes | None) -> None:
    file = tmp_path / "gateway.toml"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match=r"gateway\.toml"):
        load(tmp_path, file)


def test_the_public_url_follows_port_and_tls(tmp_path: Path) -> None:
    assert load(tmp_path, GATEWAY_HTTP_PORT="9000").public_url == "http://localhost:9000"
    secure = load(tmp_path, GATEWAY_TLS_CERT="a", GATEWAY_TLS_KEY="b")
    assert (secure.public_url, secure.secure) == ("https://localhost:8080", True)
    named = load(tmp_path, GATEWAY_PUBLIC_URL="https://Live.example.com/repair/")
    assert named.public_url == "https://Live.example.com/repair"
    assert named.origins == ("https://live.example.com",)


def test_origins_are_the_public_urls_unless_named(tmp_path: Path) -> None:
    assert load(tmp_path).origins == ("http://localhost:8080",)
    named = load(tmp_path, GATEWAY_ALLOWED_ORIGINS="https://shop.cz https://www.shop.cz:8443 *")
    assert named.origins == ("https://shop.cz", "https://www.shop.cz:8443", "*")


def test_a_public_key_may_be_written_on_one_line(tmp_path: Path) -> None:
    key = load(
        tmp_path, GATEWAY_JWT_PUBLIC_KEY=r"-----BEGIN PUBLIC KEY-----\nAA\n-----END PUBLIC KEY-----"
    ).jwt_public_key
    assert key == "-----BEGIN PUBLIC KEY-----\nAA\n-----END PUBLIC KEY-----\n"


def test_rtmp_can_be_off(tmp_path: Path) -> None:
    assert load(tmp_path, GATEWAY_RTMP_PORT="off").rtmp_port is None


def test_secrets_are_in_no_representation(tmp_path: Path) -> None:
    secrets = {
        "GATEWAY_JWT_SECRET": "hunter2" * 5,
        "GATEWAY_TURN_SECRET": "hunter2",
        "GATEWAY_DATABASE_URL": "postgresql://u:hunter2@h/d",
        "GATEWAY_REDIS_URL": "redis://:hunter2@h",
        "GATEWAY_SMTP_URL": "smtp://u:hunter2@h",
        "GATEWAY_SMS_WEBHOOK_URL": "https://h/hunter2",
    }
    assert "hunter2" not in repr(load(tmp_path, **secrets))


def test_a_configured_secret_is_used_as_it_is(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "none", jwt_secret=SecretStr("s" * 32))
    assert settings.signing_secret().get_secret_value() == "s" * 32
    assert not (tmp_path / "none").exists()


def test_a_secret_is_generated_once_and_for_the_owner_only(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new" / "data")
    first = settings.signing_secret().get_secret_value()
    assert len(first) >= 43
    assert settings.signing_secret().get_secret_value() == first
    (file,) = (tmp_path / "new" / "data").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert generated_secret(tmp_path, "other").get_secret_value() != first


def test_processes_that_start_together_get_the_same_secret(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from gateway.config import generated_secret; "
        "sys.stdin.read(); print(generated_secret(Path(sys.argv[1]), 's').get_secret_value())"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "data")]
    starters = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    for starter in starters:  # all wait for the end of their input, and go together
        assert starter.stdin
        starter.stdin.close()
    answers = {starter.stdout.read() for starter in starters if starter.stdout}
    assert [starter.wait() for starter in starters] == [0] * 4
    assert len(answers) == 1
    assert len(answers.pop().strip()) >= 43
    assert os.listdir(tmp_path / "data") == ["s"]


def test_a_damaged_secret_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("")
    with pytest.raises(ConfigError, match="damaged"):
        generated_secret(tmp_path, "s")


def test_a_data_directory_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot keep a secret"):
        generated_secret(tmp_path / "file", "s")
