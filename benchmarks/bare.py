"""The references: an `MCPServer` with a tool that does nothing or sleeps, and one that calls the OpenAPI itself.

The second is what anybody writes first: the tool calls the SDK in a worker thread and answers with what comes back.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

import anyio
import anyio.to_thread
from mcp.server.mcpserver import MCPServer


def main() -> None:
    """Serve over the transport that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transport", choices=("stdio", "sse", "streamable-http"), default="stdio")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    server: MCPServer[None] = MCPServer("bare")

    @server.tool()
    async def wait(seconds: float = 0.0) -> str:
        """Do nothing for a while."""
        if seconds:
            await anyio.sleep(seconds)
        return "done"

    call = describe_trails() if "VOLCENGINE_ENDPOINT" in os.environ else None
    threads = anyio.CapacityLimiter(200)

    @server.tool(name="DescribeTrails")
    async def described() -> dict[str, object]:
        """Ask the OpenAPI for the trails."""
        assert call is not None
        return await anyio.to_thread.run_sync(call, limiter=threads)

    if options.transport == "stdio":
        server.run("stdio")
        return
    import uvicorn

    app = server.sse_app() if options.transport == "sse" else server.streamable_http_app(stateless_http=True)
    uvicorn.run(app, port=options.port, log_level="error", access_log=False, ws="none")


def describe_trails() -> Callable[[], dict[str, object]]:
    """The call as anybody makes it who uses the SDK and keeps its client."""
    import volcenginesdkcore

    configuration = volcenginesdkcore.Configuration()
    configuration.scheme, _, configuration.host = os.environ["VOLCENGINE_ENDPOINT"].partition("://")
    configuration.ak = os.environ["VOLCENGINE_ACCESS_KEY"]
    configuration.sk = os.environ["VOLCENGINE_SECRET_KEY"]
    configuration.region = "cn-beijing"
    configuration.connection_pool_maxsize = 200
    client = volcenginesdkcore.ApiClient(configuration)
    facts = volcenginesdkcore.UniversalInfo(
        method="GET", service="cloud_trail", version="2018-01-01", action="DescribeTrails", content_type="text/plain"
    )

    def call() -> dict[str, object]:
        answer: dict[str, object] = volcenginesdkcore.UniversalApi(client).do_call(facts, {})
        return answer

    return call


if __name__ == "__main__":
    main()
