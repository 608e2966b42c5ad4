"""Every setting of a server: its type, its default, its environment variable and what it is for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


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


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("it must be an address such as https://mcp.example.com, without query or fragment")
    return value.rstrip("/")


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("it must be a whole address such as https://github.com/login/oauth/authorize")
    return value


def _file(value: str) -> str:
    path = Path(value).expanduser()
    if not path.is_file():
        raise ValueError("there is no such file")
    return str(path)


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
URL = Annotated[str, AfterValidator(lambda value: value and _url(value))]


class OAuth(BaseModel):
    """The OAuth application at which people sign in: your own, such as a GitHub OAuth App.

    The variable of each is `MCP_SERVER_OAUTH_` and its name in capitals.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: Annotated[str, Field(description="Client ID of the OAuth application.")] = ""
    client_secret: Annotated[str, Field(description="Client secret of the OAuth application.", repr=False)] = ""
    authorize_url: Annotated[URL, Field(description="Where the provider asks its user for consent.")] = ""
    token_url: Annotated[URL, Field(description="Where the provider exchanges a code for a token.")] = ""
    scope: Annotated[Names, Field(description="Scopes to ask the provider for.")] = ()
    userinfo_url: Annotated[
        URL, Field(description="Where the provider says whose token it is; GitHub's when authorize_url is GitHub's.")
    ] = ""
    user_claim: Annotated[
        str,
        Field(
            description="Field of the user info that names a person: `login` on GitHub, otherwise `sub`. "
            "`email` counts only where `email_verified` is true."
        ),
    ] = ""
    organizations_url: Annotated[
        URL, Field(description="Where the provider lists a person's organizations; GitHub's on GitHub.")
    ] = ""
    organizations_claim: Annotated[
        str, Field(description="Field of the user info that lists a person's groups, where there is no such address.")
    ] = "groups"
    allowed_users: Annotated[
        Names, Field(description="People who may use all tools; `*` is everybody whom the provider knows.")
    ] = ()
    allowed_organizations: Annotated[
        Names, Field(description="Organizations or groups whose members may use all tools.")
    ] = ()
    read_only_users: Annotated[
        Names, Field(description="People who may use the tools that change nothing; wins over the other lists.")
    ] = ()
    allowed_redirect_uris: Annotated[
        Names,
        Field(description="Redirect addresses that clients may register besides loopback ones; `*` is a wildcard."),
    ] = ()
    storage: Annotated[
        str,
        Field(
            pattern=r"^(memory|file:.+|rediss?://.+)$",
            description="Where tokens, codes and registrations are kept, encrypted: `memory`, `file:DIRECTORY` or "
            "`redis://host:port/db`, which replicas share.",
            repr=False,
        ),
    ] = "memory"
    secret_key: Annotated[
        str,
        Field(
            description="Secret of at least 32 characters from which the keys for signing tokens and encrypting the "
            "storage are derived; the same on all replicas. Unset: the client secret.",
            repr=False,
        ),
    ] = ""
    token_lifetime: Annotated[
        int, Field(ge=60, le=30 * 86400, description="Seconds a token lives when the provider sets no end.")
    ] = 8 * 3600

    @property
    def on_github(self) -> bool:
        """Whether the provider is github.com, whose other addresses are known."""
        return urlsplit(self.authorize_url).hostname == "github.com"


class Settings(BaseModel):
    """All settings of a server. The descriptions become `docs/configuration.md`."""

    # A service's subclass is the one that is built, when it is first used.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

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
    answer_budget: Annotated[
        int,
        Variable("MCP_SERVER_ANSWER_BUDGET"),
        Field(ge=4000, description="Bytes that an answer may take; what does not fit is left out and named."),
    ] = 60_000
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        BeforeValidator(_lower),
        Variable("MCP_SERVER_LOG_LEVEL"),
        Field(description="How much is written to stderr."),
    ] = "info"
    host: Annotated[
        str,
        Variable("MCP_SERVER_HOST"),
        Field(description="Address to listen on; `0.0.0.0` or `::` is every network interface."),
    ] = "127.0.0.1"
    base_url: Annotated[
        str | None,
        AfterValidator(lambda value: value and _base_url(value)),
        Variable("MCP_SERVER_BASE_URL"),
        Field(description="Address by which people reach the server, such as https://mcp.example.com."),
    ] = None
    allowed_hosts: Annotated[
        Names,
        Variable("MCP_SERVER_ALLOWED_HOSTS"),
        Field(description="Host names to answer to, besides that of `base_url` and loopback."),
    ] = ()
    allowed_origins: Annotated[
        Names,
        Variable("MCP_SERVER_ALLOWED_ORIGINS"),
        Field(description="Web origins whose pages may call the server, such as https://app.example.com."),
    ] = ()
    streamable_http: Annotated[
        bool,
        Variable("MCP_SERVER_STREAMABLE_HTTP"),
        Field(description="With transport `sse`, serve streamable HTTP at /mcp as well."),
    ] = True
    stateless: Annotated[
        bool,
        Variable("MCP_SERVER_STATELESS"),
        Field(description="Keep no sessions over streamable HTTP, so that any replica can answer any request."),
    ] = True
    tls_cert: Annotated[
        str | None,
        AfterValidator(lambda value: value and _file(value)),
        Variable("MCP_SERVER_TLS_CERT"),
        Field(description="PEM file with the certificate chain, to serve HTTPS."),
    ] = None
    tls_key: Annotated[
        str | None,
        AfterValidator(lambda value: value and _file(value)),
        Variable("MCP_SERVER_TLS_KEY"),
        Field(description="PEM file with the private key of `tls_cert`."),
    ] = None
    tls_by_proxy: Annotated[
        bool,
        Variable("MCP_SERVER_TLS_BY_PROXY"),
        Field(description="A proxy in front speaks TLS, so that credentials may arrive here in the clear."),
    ] = False
    trusted_proxies: Annotated[
        Names,
        Variable("MCP_SERVER_TRUSTED_PROXIES"),
        Field(description="Addresses or networks of the proxies whose X-Forwarded headers are believed."),
    ] = ()
    allow_anonymous: Annotated[
        bool,
        Variable("MCP_SERVER_ALLOW_ANONYMOUS"),
        Field(description="Let everybody who reaches the server use its keys, though it listens beyond loopback."),
    ] = False
    max_sessions: Annotated[
        int, Variable("MCP_SERVER_MAX_SESSIONS"), Field(ge=1, description="Sessions open at once.")
    ] = 2000
    session_idle_timeout: Annotated[
        float,
        Variable("MCP_SERVER_SESSION_IDLE_TIMEOUT"),
        Field(gt=0, description="Seconds after which a session without traffic ends."),
    ] = 1800.0
    max_body_size: Annotated[
        int, Variable("MCP_SERVER_MAX_BODY_SIZE"), Field(ge=1024, description="Bytes that a request may carry.")
    ] = 1_048_576
    rate_limit: Annotated[
        int,
        Variable("MCP_SERVER_RATE_LIMIT"),
        Field(ge=1, description="Requests a minute for each identity."),
    ] = 12_000
    unauthenticated_rate_limit: Annotated[
        int,
        Variable("MCP_SERVER_UNAUTHENTICATED_RATE_LIMIT"),
        Field(ge=1, description="Refused or unauthenticated requests a minute for each address."),
    ] = 120
    drain_timeout: Annotated[
        float,
        Variable("MCP_SERVER_DRAIN_TIMEOUT"),
        Field(ge=0, le=600, description="Seconds that calls in flight may take to finish after SIGTERM."),
    ] = 10.0
    oauth: Annotated[OAuth, Field(description="The OAuth application, for `auth: oauth`.")] = OAuth()

    @property
    def listens_on_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host in ("127.0.0.1", "::1", "localhost")

    @property
    def public_url(self) -> str:
        """The address that people see: `base_url`, or the loopback address of this process."""
        scheme = "https" if self.tls_cert else "http"
        return self.base_url or f"{scheme}://localhost:{self.sse_port}"
