"""Loads the settings: cfg.yaml, overridden by the environment, overridden by the command line, then checked.

Every refusal is one sentence that names the setting, its value, where it came from and what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from volcengine_mcp.errors import ConfigurationError
from volcengine_mcp.settings.model import OAuth, Settings, Variable
from volcengine_mcp.validation import nearest, sentences

CONFIG_VARIABLE = "MCP_SERVER_CONFIG"


@dataclass(frozen=True)
class Loaded:
    """Settings in force, with the origin of each: `default`, a file's path, or a variable's or option's name."""

    settings: Settings
    origins: Mapping[str, str]


def leaves(model: type[Settings] = Settings) -> dict[str, FieldInfo]:
    """Every setting that holds a value itself, by its path, such as `transport` and `oauth.client_id`."""
    fields = {name: field for name, field in model.model_fields.items() if name != "oauth"}
    return fields | {f"oauth.{name}": field for name, field in OAuth.model_fields.items()}


def variable(path: str, field: FieldInfo) -> str | None:
    """The environment variable that overrides a setting, if it has one."""
    if path.startswith("oauth."):
        return f"MCP_SERVER_{path.replace('.', '_').upper()}"
    return next((mark.name for mark in field.metadata if isinstance(mark, Variable)), None)


def load(
    file: Path,
    environment: Mapping[str, str],
    options: Mapping[str, str] | None = None,
    *,
    service_code: str,
    toolsets: tuple[str, ...] = (),
    model: type[Settings] = Settings,
) -> Loaded:
    """Read, override and check the settings of a server.

    Args:
        file: the configuration file; must exist.
        environment: variables that win over the file when not empty.
        options: settings given on the command line, which win over both.
        service_code: the only service code that the file may name.
        toolsets: the groups of tools that the server has.
        model: the settings that the server has.

    Raises:
        ConfigurationError: one sentence that names the setting, its value, its origin and what is allowed.
    """
    given, origins = _gather(model, file, environment, options or {})
    try:
        settings = model.model_validate(given)
    except ValidationError as error:
        raise ConfigurationError(_refusal(error, model, origins)) from error
    settings = settings.model_copy(update={"service_code": settings.service_code or service_code})
    loaded = Loaded(settings, origins)
    _check_names(loaded, service_code, toolsets)
    _check_combination(loaded)
    return loaded


def _gather(
    model: type[Settings], file: Path, environment: Mapping[str, str], options: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The values given, nested as the file nests them, and the origin of every setting."""
    given = _read(file)
    block = given.get("oauth", {})
    if not isinstance(block, dict):
        raise ConfigurationError(f"oauth (from {file}) must be a block of settings, such as `client_id: …` lines.")
    origins = dict.fromkeys(leaves(model), "default")
    origins |= dict.fromkeys(given, str(file)) | dict.fromkeys((f"oauth.{name}" for name in block), str(file))
    overrides = {
        path: (value, name)
        for path, field in leaves(model).items()
        if (name := variable(path, field)) and (value := environment.get(name, "").strip())
    }
    overrides |= {path: (value, f"--{path.removeprefix('sse_')}") for path, value in options.items()}
    for path, (value, origin) in overrides.items():
        holder = given.setdefault("oauth", {}) if path.startswith("oauth.") else given
        holder[path.removeprefix("oauth.")] = value
        origins[path] = origin
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
    except RecursionError as error:
        raise ConfigurationError(f"The configuration file {file} nests too deeply.") from error
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


SECRETS = frozenset({"oauth.client_secret", "oauth.secret_key", "oauth.storage"})
"""Settings whose values are never shown; an address of Redis may hold a password."""


_PASSWORD = re.compile(r"//[^/\s]*@")
"""User and password in an address."""


def _refusal(error: ValidationError, model: type[Settings], origins: Mapping[str, str]) -> str:
    """The first problem as one sentence that names the setting, its value, its origin and what is allowed."""
    problem = error.errors(include_url=False)[0]
    path = ".".join(str(step) for step in problem["loc"][:2] if isinstance(step, str))
    origin = origins.get(path, "the configuration")
    if problem["type"] == "extra_forbidden":
        known = OAuth.model_fields if problem["loc"][0] == "oauth" else model.model_fields
        suggestion = nearest(str(problem["loc"][-1]), known)
        advice = f"did you mean {suggestion}?" if suggestion else f"known are {', '.join(known)}."
        return f"There is no setting {path} (from {origin}); {advice}"
    if path in SECRETS:
        return f"{path} (from {origin}) has a form that is not allowed; see docs/configuration.md."
    sentence = _PASSWORD.sub("//***@", sentences(error, ())[0])
    mark = ", but must" if ", but must" in sentence else ": "
    return sentence.replace(mark, f" (from {origin}){mark}", 1)


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


def _check_combination(loaded: Loaded) -> None:
    """Refuse settings that are each allowed, but not together.

    Raises:
        ConfigurationError: what clashes, and what would be allowed.
    """
    settings = loaded.settings
    if settings.transport == "stdio":
        _check_stdio(loaded)
    else:
        _check_network(loaded)
    if settings.auth == "oauth":
        _check_oauth(loaded)


def _refuse(loaded: Loaded, name: str, because: str) -> ConfigurationError:
    value = getattr(loaded.settings, name)
    return ConfigurationError(f"{name} is {value} (from {loaded.origins[name]}), but {because}.")


def _check_stdio(loaded: Loaded) -> None:
    settings = loaded.settings
    allows = f"transport stdio (from {loaded.origins['transport']}) allows only"
    if settings.auth != "none":
        raise _refuse(loaded, "auth", f"{allows} none; for oauth set transport to sse or streamable-http")
    if settings.credential == "token":
        raise _refuse(loaded, "credential", f"{allows} env or chain; for token set transport to sse or streamable-http")


def _check_network(loaded: Loaded) -> None:
    """Threat: keys that anybody on the network can use, or that travel where anybody can read them."""
    settings = loaded.settings
    if (settings.tls_cert is None) != (settings.tls_key is None):
        given, other = ("tls_cert", "tls_key") if settings.tls_cert else ("tls_key", "tls_cert")
        raise _refuse(loaded, given, f"{other} must be given with it")
    if settings.listens_on_loopback:
        return
    if settings.auth == "none" and settings.credential != "token":
        if not settings.allow_anonymous:
            raise _refuse(
                loaded,
                "host",
                "everybody on that network could use this server's keys: set auth to oauth or credential to token, "
                "listen on 127.0.0.1, or say with allow_anonymous: true that it is meant",
            )
    elif settings.tls_cert is None and not settings.tls_by_proxy:
        raise _refuse(
            loaded,
            "host",
            "credentials would cross that network unencrypted: set tls_cert and tls_key, listen on 127.0.0.1, "
            "or say with tls_by_proxy: true that a proxy in front speaks TLS",
        )


_NEEDED_FOR_OAUTH = ("client_id", "client_secret", "authorize_url", "token_url")


def _check_oauth(loaded: Loaded) -> None:
    """Threat: anybody with an account at the provider gets in."""
    settings = loaded.settings
    oauth = settings.oauth
    if settings.credential == "token":
        raise _refuse(loaded, "credential", f"auth oauth (from {loaded.origins['auth']}) allows only env or chain")
    needed = [*_NEEDED_FOR_OAUTH] if oauth.on_github else [*_NEEDED_FOR_OAUTH, "userinfo_url"]
    missing = [f"oauth.{name}" for name in needed if not getattr(oauth, name)]
    if missing:
        raise _refuse(loaded, "auth", f"the oauth block is not complete: give {', '.join(missing)}")
    if not (oauth.allowed_users or oauth.allowed_organizations or oauth.read_only_users):
        raise _refuse(
            loaded,
            "auth",
            "nobody is allowed in: name people in oauth.allowed_users or oauth.read_only_users, or organizations in "
            "oauth.allowed_organizations ('*' in oauth.allowed_users is everybody with an account at the provider)",
        )
    if not settings.listens_on_loopback and settings.base_url is None:
        raise _refuse(loaded, "auth", "base_url must say by which address people reach this server")
