"""`Sandbox`: a local Volcengine OpenAPI as a Python object."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from volcengine_sandbox.clock import Clock
from volcengine_sandbox.core import Core, RequestRecord
from volcengine_sandbox.faults import Fault
from volcengine_sandbox.identity import Identity
from volcengine_sandbox.seed import Stories
from volcengine_sandbox.state import State

if TYPE_CHECKING:
    from volcengine_sandbox.seed.incidents import Incident
    from volcengine_sandbox.server import ServerThread


class Sandbox:
    """A server with a seeded enterprise, on the loopback interface unless told otherwise.

    seed: the same seed gives the same IDs, names and stories; times are relative to the clock.
    port: 0 takes a free one.
    clock: returns epoch seconds; signatures are held against it too.
    tls: certificate and key file; the endpoint is then `https://`.
    pack: what the audit log holds, `default` or `incidents` (see `incidents`).

    A context manager; `start` returns when requests are answered and raises OSError when the address is taken.
    Raises ValueError for a pack that does not exist.
    """

    def __init__(
        self,
        seed: int = 1,
        port: int = 0,
        host: str = "127.0.0.1",
        clock: Clock | None = None,
        tls: tuple[str, str] | None = None,
        *,
        pack: str = "default",
    ) -> None:
        self._core = Core(seed, clock, pack)
        self._host, self._port, self._tls = host, port, tls
        self._server: ServerThread | None = None

    def start(self) -> Self:
        """Begin to serve."""
        if self._server is None:
            # uvicorn and Starlette are loaded here, so that importing the package stays cheap.
            from volcengine_sandbox.server import ServerThread

            self._server = ServerThread(self._core, self._host, self._port, self._tls)
            self._server.start()
        return self

    def stop(self) -> None:
        """Stop serving; the state stays readable."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port that is listened on. Raises RuntimeError when not started."""
        if self._server is None:
            raise RuntimeError("The sandbox is not running: call start() or use it in a with statement.")
        return self._server.port

    @property
    def endpoint(self) -> str:
        """`http://127.0.0.1:41234`. Raises RuntimeError when not started."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    @property
    def administrator(self) -> Identity:
        """An administrator of the organization's administrator account."""
        return self._core.world.identities["administrator"]

    @property
    def reader(self) -> Identity:
        """A user of the same account who may read everything and change nothing."""
        return self._core.world.identities["reader"]

    @property
    def member(self) -> Identity:
        """The root of a member account that may leave the organization."""
        return self._core.world.identities["member"]

    @property
    def expired(self) -> Identity:
        """A temporary credential whose session token has expired."""
        return self._core.world.identities["expired"]

    @property
    def temporary(self) -> Identity:
        """A temporary credential with a session token that is good for 12 hours."""
        return self._core.world.identities["temporary"]

    @property
    def disabled(self) -> Identity:
        """A key that was switched off."""
        return self._core.world.identities["disabled"]

    @property
    def outsider(self) -> Identity:
        """The root of an account in no organization; an invitation to it is pending."""
        return self._core.world.identities["outsider"]

    def identity_of(self, account_id: str) -> Identity:
        """The root identity of any account, also of one created meanwhile. Raises KeyError."""
        return self._core.world.state.root_identity(account_id)

    def inject(self, fault: Fault) -> str:
        """Put a fault into force. Returns its ID."""
        return self._core.faults.add(fault)

    def clear_faults(self) -> None:
        """Lift all faults."""
        self._core.faults.clear()

    def reset(self, seed: int | None = None) -> None:
        """Begin again with a freshly seeded state, no faults and no requests; identities of a seed stay."""
        self._core.reset(seed)

    @property
    def requests(self) -> list[RequestRecord]:
        """The requests so far, oldest first; a copy."""
        return list(self._core.requests)

    @property
    def connections(self) -> int:
        """TCP connections accepted so far."""
        return self._core.connections

    @property
    def handshakes(self) -> int:
        """TLS handshakes completed so far; uvicorn reports a connection once its handshake is done."""
        return self._core.connections if self._tls else 0

    @property
    def state(self) -> State:
        """The state, for assertions."""
        return self._core.world.state

    @property
    def stories(self) -> Stories:
        """What is planted in the audit log. Raises RuntimeError with a pack other than `default`."""
        if self._core.world.stories is None:
            raise RuntimeError("This pack plants no stories: read `incidents` instead.")
        return self._core.world.stories

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """The ground truth of the pack `incidents`: attacks and what resembles them. Empty with another pack."""
        return self._core.world.incidents
