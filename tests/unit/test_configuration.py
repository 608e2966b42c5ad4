"""Settings by way of the command line: which of them wins, and the sentence that refuses a wrong one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.servers import environment, typed
from volcengine_mcp.settings.load import leaves, variable

OAUTH = """oauth:
  client_id: id
  client_secret: hunter2
  authorize_url: https://github.com/login/oauth/authorize
  token_url: https://github.com/login/oauth/access_token
"""


def settings(*words: str, **variables: str) -> dict[str, Any]:
    """The settings in force, each with its origin."""
    said = typed("cloud-trail", "config", "--json", *words, variables=environment(**variables))
    assert said.returncode == 0, said.stderr
    loaded = json.loads(said.stdout)
    assert isinstance(loaded, dict)
    return loaded


def refusal(*words: str, **variables: str) -> str:
    """The one sentence with which a server refuses to start."""
    said = typed("cloud-trail", *words, variables=environment(**variables))
    assert (said.returncode, said.stdout) == (2, "")
    (line,) = said.stderr.splitlines()
    return line.removeprefix("mcp-server-cloud-trail: ")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cfg.yaml"


IN_A_FILE = [
    ("regoin: x", "There is no setting regoin (from {file}); did you mean region?"),
    (
        "oauth:\n  client_secert: hunter2",
        "There is no setting oauth.client_secert (from {file}); did you mean client_s",
    ),
    ("zzz: 1", "There is no setting zzz (from {file}); known are transport, "),
    ("transport: pipe", 'transport is "pipe" (from {file}), but must be stdio, sse or streamable-http.'),
    ("transport: [stdio]", 'transport is ["stdio"] (from {file}), but must be stdio'),
    ("auth: basic", 'auth is "basic" (from {file}), but must be none or oauth.'),
    ("credential: aksk", 'credential is "aksk" (from {file}), but must be env, token or chain.'),
    ("log_level: loud", 'log_level is "loud" (from {file}), but must be debug, info, warning or error.'),
    ("sse_port: 0", "sse_port is 0 (from {file}), but must be greater than or equal to 1."),
    ("sse_port: 65536", "sse_port is 65536 (from {file}), but must be less than or equal to 65535."),
    ("sse_port: http", 'sse_port is "http" (from {file}), but must be an integer.'),
    ("sse_port: 80.5", "sse_port is 80.5 (from {file}), but must be an integer."),
    ("read_only: maybe", 'read_only is "maybe" (from {file}), but must be true or false.'),
    ("region: 5", "region is 5 (from {file}), but must be a string."),
    ("region: a b", 'region is "a b" (from {file}), but must match the pattern'),
    ("request_timeout: .nan", "request_timeout is NaN (from {file}), but must be"),
    ("service_code: organization", "service_code is organization (from {file}), but must be cloud_trail."),
    ("toolsets: trials", "toolsets names trials (from {file}), but must name some of"),
    ("endpoint: ftp://host", 'endpoint is "ftp://host" (from {file}): an endpoint is a host such as open.volcengine'),
    ("endpoint: http://host/path", 'endpoint is "http://host/path" (from {file}): an endpoint is a host'),
    ("endpoint: http://host:99999", 'endpoint is "http://host:99999" (from {file}): an endpoint is a host'),
    ("ca_bundle: /no/such.pem", 'ca_bundle is "/no/such.pem" (from {file}): there is no such file.'),
    ("oauth: github", "oauth (from {file}) must be a block of settings"),
    ("auth: oauth", "auth is oauth (from {file}), but transport stdio (from default) allows only none; for oauth set"),
    ("credential: token", "credential is token (from {file}), but transport stdio (from default) allows only env or"),
    ("transport: sse\nauth: oauth", "auth is oauth (from {file}), but the oauth block is not complete: give oauth.cli"),
    (f"transport: sse\nauth: oauth\n{OAUTH}", "auth is oauth (from {file}), but nobody is allowed in: name people in"),
    (
        f"transport: sse\nauth: oauth\ncredential: token\n{OAUTH}  allowed_users: me",
        "credential is token (from {file}), but auth oauth (from {file}) allows only env or chain.",
    ),
    ("transport: sse\nhost: 0.0.0.0", "host is 0.0.0.0 (from {file}), but everybody on that network could use this"),
    ("transport: sse\nhost: 0.0.0.0\ncredential: token", "host is 0.0.0.0 (from {file}), but credentials would cross"),
    ("- stdio", "The configuration file {file} must hold settings as `name: value` lines."),
    ("a: [1", "The configuration file {file} is not valid YAML at line "),
    ("a: !!python/object/apply:os.getcwd []", "The configuration file {file} is not valid YAML at line 1"),
    (f"a: {'[' * 3000}", "The configuration file {file} nests too deeply."),
    ("transport: &a [*a]", "transport is a list (from {file}), but must be stdio, sse or streamable-http."),
    ("oauth:\n  client_secret: [hunter2]", "oauth.client_secret (from {file}) has a form that is not allowed"),
    ("oauth:\n  storage: rediss//:hunter2@h", "oauth.storage (from {file}) has a form that is not allowed"),
    ("endpoint: https://me:hunter2@host", 'endpoint is "https://***@host" (from {file}): an endpoint is a host'),
]


@pytest.mark.parametrize(("text", "says"), IN_A_FILE, ids=[text[:40] for text, _ in IN_A_FILE])
def test_a_wrong_file_is_refused_in_one_sentence(text: str, says: str, file: Path) -> None:
    file.write_text(text)
    said = refusal("--config", str(file))
    assert said.startswith(says.format(file=file))
    assert "hunter2" not in said


IN_A_VARIABLE = [
    (
        "MCP_SERVER_MODE",
        "pipe",
        'transport is "pipe" (from MCP_SERVER_MODE), but must be stdio, sse or streamable-http.',
    ),
    ("MCP_SERVER_PORT", "http", 'sse_port is "http" (from MCP_SERVER_PORT), but must be an integer.'),
    ("MCP_SERVER_AUTH", "oauth", "auth is oauth (from MCP_SERVER_AUTH), but transport stdio (from "),
    ("VOLCENGINE_CREDENTIAL_TYPE", "token", "credential is token (from VOLCENGINE_CREDENTIAL_TYPE), but transport "),
    ("VOLCENGINE_ENDPOINT", "http://a:hunter2@b", 'endpoint is "http://***@b" (from VOLCENGINE_ENDPOINT): an endpoint'),
    ("MCP_SERVER_OAUTH_STORAGE", "hunter2", "oauth.storage (from MCP_SERVER_OAUTH_STORAGE) has a form that is not all"),
    ("MCP_SERVER_CONFIG", "/no/such.yaml", "The configuration file /no/such.yaml cannot be read: No such file or dir"),
]


@pytest.mark.parametrize(("name", "value", "says"), IN_A_VARIABLE, ids=[name for name, *_ in IN_A_VARIABLE])
def test_a_wrong_variable_is_refused_by_its_name(name: str, value: str, says: str) -> None:
    said = refusal(**{name: value})
    assert said.startswith(says)
    assert "hunter2" not in said


@pytest.mark.smoke
def test_a_wrong_option_is_refused_by_its_name() -> None:
    assert refusal("--port", "70000").startswith('sse_port is "70000" (from --port), but must be less than')
    assert refusal("--transport", "pipe").startswith('transport is "pipe" (from --transport), but must be stdio')


def test_a_file_that_is_no_text_is_refused(file: Path) -> None:
    file.write_bytes(bytes(range(128, 256)))
    assert refusal("--config", str(file)) == f"The configuration file {file} is not UTF-8 text."
    assert refusal("--config", str(file.parent)).startswith(f"The configuration file {file.parent} cannot be read: ")


@pytest.mark.smoke
def test_default_gives_way_to_file_to_variable_to_option(file: Path) -> None:
    assert settings()["region"] == {"value": "cn-beijing", "origin": "default"}
    file.write_text("sse_port: 1000\nregion: cn-shanghai\n")
    words = ("--config", str(file))
    assert settings(*words)["sse_port"] == {"value": 1000, "origin": str(file)}
    assert settings(*words, MCP_SERVER_PORT="2000")["sse_port"] == {"value": 2000, "origin": "MCP_SERVER_PORT"}
    assert settings(*words, "--port", "3000", MCP_SERVER_PORT="2000")["sse_port"] == {"value": 3000, "origin": "--port"}
    assert settings(MCP_SERVER_CONFIG=str(file))["region"] == {"value": "cn-shanghai", "origin": str(file)}


def test_the_file_in_the_package_is_read_without_being_named() -> None:
    loaded = settings()["service_code"]
    assert loaded["value"] == "cloud_trail"
    assert Path(loaded["origin"]).parts[-2:] == ("config", "cfg.yaml")


def test_every_variable_of_the_contract_is_obeyed(file: Path) -> None:
    file.write_text(OAUTH + "  allowed_users: me\n")
    loaded = settings(
        MCP_SERVER_CONFIG=str(file),
        MCP_SERVER_MODE="SSE",
        MCP_SERVER_PORT="9000",
        MCP_SERVER_AUTH="oauth",
        VOLCENGINE_CREDENTIAL_TYPE="chain",
        VOLCENGINE_ENDPOINT="open.byteplusapi.com",
        VOLCENGINE_REGION="ap-southeast-1",
        MCP_SERVER_LOG_LEVEL="Debug",
        MCP_SERVER_OAUTH_CLIENT_ID="other",
    )
    expected = {
        "transport": "sse",
        "sse_port": 9000,
        "auth": "oauth",
        "credential": "chain",
        "endpoint": "https://open.byteplusapi.com",
        "region": "ap-southeast-1",
        "log_level": "debug",
        "oauth.client_id": "other",
        "oauth.client_secret": "***",
    }
    assert {name: loaded[name]["value"] for name in expected} == expected
    assert loaded["oauth.client_id"]["origin"] == "MCP_SERVER_OAUTH_CLIENT_ID"


def test_an_empty_variable_or_setting_counts_for_nothing(file: Path) -> None:
    file.write_text("region:\nendpoint: ''\nsse_port: 1000\noauth:\n  client_id:\n")
    loaded = settings("--config", str(file), MCP_SERVER_PORT="", MCP_SERVER_MODE="  ", VOLCENGINE_REGION="")
    assert loaded["sse_port"] == {"value": 1000, "origin": str(file)}
    assert loaded["region"] == {"value": "cn-beijing", "origin": "default"}
    assert loaded["transport"]["value"] == "stdio"
    assert loaded["endpoint"]["value"] is None


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"\xef\xbb\xbfregion: cn-shanghai\r\n"])
def test_an_empty_file_and_one_with_a_byte_order_mark_are_read(content: bytes, file: Path) -> None:
    file.write_bytes(content)
    expected = "cn-shanghai" if content.startswith(b"\xef") else "cn-beijing"
    assert settings("--config", str(file))["region"]["value"] == expected


def test_secrets_are_never_shown(file: Path) -> None:
    file.write_text(f"transport: sse\nauth: oauth\n{OAUTH}  allowed_users: me\n  storage: redis://:hunter2@host/0\n")
    for words in (["config"], ["config", "--json"]):
        said = typed(
            "cloud-trail",
            *words,
            variables=environment(
                MCP_SERVER_CONFIG=str(file),
                MCP_SERVER_OAUTH_SECRET_KEY="hunter2",
                VOLCENGINE_ACCESS_KEY="AKLThunter2",
                VOLCENGINE_SECRET_KEY="hunter2",
                VOLCENGINE_SESSION_TOKEN="hunter2",
            ),
        )
        assert said.returncode == 0, said.stderr
        assert said.stdout.count("***") == 3
        assert "hunter2" not in said.stdout + said.stderr


def test_config_shows_whole_origins_and_says_what_is_missing(file: Path) -> None:
    file.write_text("region: cn-shanghai\n")
    said = typed("cloud-trail", "config", "--config", str(file)).stdout
    assert f"cn-shanghai     {file}\n" in said
    assert "VOLCENGINE_ACCESS_KEY and VOLCENGINE_SECRET_KEY are not set" in said
    keys = environment(VOLCENGINE_ACCESS_KEY="a", VOLCENGINE_SECRET_KEY="b")
    assert "credentials are set" in typed("cloud-trail", "config", variables=keys).stdout


def test_no_two_settings_share_a_variable_and_each_is_described() -> None:
    names = [name for path, field in leaves().items() if (name := variable(path, field))]
    assert len(names) == len(set(names))
    assert all(name.startswith(("MCP_SERVER_", "VOLCENGINE_")) for name in names)
    assert all((field.description or "").endswith(".") for field in leaves().values())
