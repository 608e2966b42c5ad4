"""What a server is told: cfg.yaml, overridden by the environment, overridden by the command line.

The result is one validated, immutable `Settings`, and for each value the place where it came from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from .errors import ConfigurationError
from .validation import nearest, sentences

CONFIG_VARIABLE = "MCP_SERVER_CONFIG"


@dataclass(frozen=True)
class Variable:
    """The environment variable that overrides a setting; marks a field of `Settings`."""

    name: str


def _endpoint(value: str) -> str:
    parts = urlsplit(value if "://" in value else f"https://{value}")
    try:
        port = parts.port
    except ValueError:
        port = 0
    good = parts.scheme in {"http", "https"} and parts.hostname and port != 0
    if not good or parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username is not None:
        raise ValueError("an endpoint is a host such as open.volcengineapi.com, or http(s)://host:port, with no path")
    if re.search(r"[^a-zA-Z0-9.:\[\]-]", parts.netloc):
        raise ValueError("an endpoint's host has letters, digits, dots and hyphens only")
    return f"{parts.scheme}://{parts.netloc}"


def _ca_bundle(value: str) -> str:
    path = Path(value).expanduser()
    if not path.is_file():
        raise ValueError("there is no such file")
    import ssl

    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        raise ValueError("the file is not a readable bundle of certificates in PEM form") from error
    return str(path)


def _split(value: object) -> object:
    return [part for part in re.split(r"[,\s]+", value) if part] if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _transport(value: object) -> object:
    value = _lower(value)
    return "streamable-http" if value in ("http", "streamable_http") else value


class OAuth(BaseModel):
    """The OAuth application that stands before the door (bring your own, such as a GitHub OAuth App)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: Annotated[str, Field(description="Client ID of the OAuth application.")] = ""
    client_secret: Annotated[str, Field(description="Client secret of the OAuth application.", repr=False)] = ""
    authorize_url: Annotated[str, Field(description="Where the provider asks its user for consent.")] = ""
    token_url: Annotated[str, Field(description="Where the provider exchanges a code for a token.")] = ""
    scope: Annotated[tuple[str, ...], BeforeValidator(_split), Field(description="Scopes to ask for.")] = ()


class Settings(BaseModel):
    """All settings of a server. The descriptions become `docs/configuration.md`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    transport: Annotated[
        Literal["stdio", "sse", "streamable-http"],
        BeforeValidator(_transport),
        Variable("MCP_SERVER_MODE"),
        Field(description="How clients connect; `http` is short for `streamable-http`."),
    ] = "stdio"
    sse_port: Annotated[
        int,
        Variable("MCP_SERVER_PORT"),
        Field(ge=1, le=65535, description="Port for `sse` and `streamable-http`."),
    ] = 8888
    auth: Annotated[
        Literal["none", "oauth"],
        BeforeValidator(_lower),
        Variable("MCP_SERVER_AUTH"),
        Field(description="Who may connect; `oauth` needs an HTTP transport and a complete `oauth` block."),
    ] = "none"
    credential: Annotated[
        Literal["env", "token", "chain"],
        BeforeValidator(_lower),
        Variable("VOLCENGINE_CREDENTIAL_TYPE"),
        Field(
            description="Whose keys sign: those in the environment, those in each client's Bearer header, or those "
            "that the SDK's provider chain finds (CLI profile, OIDC, ECS role)."
        ),
    ] = "env"
    service_code: Annotated[str, Field(description="Service code of this server; fixed, kept for existing files.")] = ""
    endpoint: Annotated[
        str | None,
        AfterValidator(lambda value: value and _endpoint(value)),
        Variable("VOLCENGINE_ENDPOINT"),
        Field(
            description="Host or URL of the OpenAPI: a private endpoint, BytePlus or the sandbox. "
            "Unset: Volcengine's address for the region."
        ),
    ] = None
    region: Annotated[
        str,
        Variable("VOLCENGINE_REGION"),
        Field(pattern=r"^[a-z0-9-]+$", description="Region that requests are signed for."),
    ] = "cn-beijing"
    ca_bundle: Annotated[
        str | None,
        AfterValidator(lambda value: value and _ca_bundle(value)),
        Variable("VOLCENGINE_CA_BUNDLE"),
        Field(description="PEM file of the roots to trust instead of the public ones."),
    ] = None
    request_timeout: Annotated[
        float,
        Variable("MCP_SERVER_REQUEST_TIMEOUT"),
        Field(gt=0, le=600, description="Seconds that one request to the OpenAPI may take."),
    ] = 30.0
    call_timeout: Annotated[
        float,
        Variable("MCP_SERVER_CALL_TIMEOUT"),
        Field(gt=0, le=3600, description="Seconds that a tool call may take with its retries."),
    ] = 60.0
    max_concurrent_calls: Annotated[
        int,
        Variable("MCP_SERVER_MAX_CONCURRENT_CALLS"),
        Field(ge=1, le=1024, description="Requests to the OpenAPI in flight at once; further calls wait."),
    ] = 64
    read_only: Annotated[
        bool,
        Variable("MCP_SERVER_READ_ONLY"),
        Field(description="Offer only tools that change nothing; wins over `toolsets`."),
    ] = False
    toolsets: Annotated[
        tuple[str, ...],
        BeforeValidator(_split),
        Variable("MCP_SERVER_TOOLSETS"),
        Field(description="Offer only these groups of tools; empty means all."),
    ] = ()
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        BeforeValidator(_lower),
        Variable("MCP_SERVER_LOG_LEVEL"),
        Field(description="How much is written to stderr."),
    ] = "info"
    oauth: Annotated[OAuth, Field(description="The OAuth application, for `auth: oauth`.")] = OAuth()


@dataclass(frozen=True)
class Loaded:
    """Settings in force, with the origin of each: `default`, a file's path, or a variable's or option's name."""

    settings: Settings
    origins: Mapping[str, str]


def variables() -> dict[str, str]:
    """The environment variable of each setting that has one."""
    return {
        name: mark.name
        for name, field in Settings.model_fields.items()
        for mark in field.metadata
        if isinstance(mark, Variable)
    }


def load(
    file: Path,
    environment: Mapping[str, str],
    options: Mapping[str, str] | None = None,
    *,
    service_code: str,
    toolsets: tuple[str, ...] = (),
) -> Loaded:
    """Read, override and check the settings of a server.

    Args:
        file: the configuration file; must exist.
        environment: variables that win over the file when not empty.
        options: settings given on the command line, which win over both.
        service_code: the only service code that the file may name.
        toolsets: the groups of tools that the server has.

    Raises:
        ConfigurationError: one sentence that names the setting, its value, its origin and what is allowed.
    """
    given, origins = _gather(file, environment, options or {})
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        raise ConfigurationError(_refusal(error, origins)) from error
    settings = settings.model_copy(update={"service_code": settings.service_code or service_code})
    loaded = Loaded(settings, origins)
    _check_names(loaded, service_code, toolsets)
    _check_combination(loaded)
    return loaded


def _gather(
    file: Path, environment: Mapping[str, str], options: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The values given, and the origin of every setting."""
    given = _read(file)
    origins = dict.fromkeys(Settings.model_fields, "default") | dict.fromkeys(given, str(file))
    for name, variable in variables().items():
        if value := environment.get(variable, "").strip():
            given[name], origins[name] = value, variable
    for name, value in options.items():
        given[name], origins[name] = value, f"--{name.replace('sse_', '').replace('_', '-')}"
    return given, origins


def _read(file: Path) -> dict[str, Any]:
    """The settings in a file that are not left empty."""
    import yaml

    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(f"The configuration file {file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"The configuration file {file} is not UTF-8 text.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigurationError(f"The configuration file {file} is not valid YAML{where}.") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigurationError(f"The configuration file {file} must hold settings as `name: value` lines.")
    return {str(name): _filled(value) for name, value in document.items() if value not in (None, "")}


def _filled(value: Any) -> Any:
    """A nested block without the settings left empty."""
    if isinstance(value, dict):
        return {str(name): inner for name, inner in value.items() if inner not in (None, "")}
    return value


_SECRETS = ("oauth.client_secret",)


def _refusal(error: ValidationError, origins: Mapping[str, str]) -> str:
    """The first problem as one sentence that names the setting, its value, its origin and what is allowed."""
    problem = error.errors(include_url=False)[0]
    path = ".".join(str(step) for step in problem["loc"])
    origin = origins.get(str(problem["loc"][0]), "the configuration")
    if problem["type"] == "extra_forbidden":
        known = OAuth.model_fields if problem["loc"][0] == "oauth" else Settings.model_fields
        suggestion = nearest(str(problem["loc"][-1]), known)
        advice = f"did you mean {suggestion}?" if suggestion else f"known are {', '.join(known)}."
        return f"There is no setting {path} (from {origin}); {advice}"
    if path in _SECRETS:
        return f"{path} (from {origin}) must be a string."
    sentence = sentences(error, ())[0]
    return (
        sentence.replace(", but must", f" (from {origin}), but must", 1)
        if ", but must" in sentence
        else (sentence.replace(": ", f" (from {origin}): ", 1))
    )


def _check_names(loaded: Loaded, service_code: str, toolsets: tuple[str, ...]) -> None:
    """Settings whose allowed values the server decides."""
    settings, origins = loaded.settings, loaded.origins
    if settings.service_code != service_code:
        raise ConfigurationError(
            f"service_code is {settings.service_code} (from {origins['service_code']}), but must be {service_code}."
        )
    for name in settings.toolsets:
        if name not in toolsets:
            raise ConfigurationError(
                f"toolsets names {name} (from {origins['toolsets']}), but must name some of {', '.join(toolsets)}."
            )


_NEEDED_FOR_OAUTH = ("client_id", "client_secret", "authorize_url", "token_url")


def _check_combination(loaded: Loaded) -> None:
    """Settings that are each allowed, but not together."""
    settings, origins = loaded.settings, loaded.origins

    def refuse(name: str, because: str) -> ConfigurationError:
        return ConfigurationError(f"{name} is {getattr(settings, name)} (from {origins[name]}), but {because}.")

    over_stdio = f"transport stdio (from {origins['transport']}) allows only"
    if settings.transport == "stdio" and settings.auth != "none":
        raise refuse("auth", f"{over_stdio} none; for oauth set transport to sse or streamable-http")
    if settings.transport == "stdio" and settings.credential == "token":
        raise refuse("credential", f"{over_stdio} env or chain; for token set transport to sse or streamable-http")
    if settings.auth == "oauth":
        if settings.credential == "token":
            raise refuse("credential", f"auth oauth (from {origins['auth']}) allows only env or chain")
        missing = [name for name in _NEEDED_FOR_OAUTH if not getattr(settings.oauth, name)]
        if missing:
            names = ", ".join(f"oauth.{name}" for name in missing)
            raise refuse("auth", f"the oauth block (from {origins['oauth']}) must also give {names}")
