"""The reference: an `MCPServer` with one tool that does nothing, or sleeps as long as the OpenAPI would take."""

from __future__ import annotations

import argparse

import anyio
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

    if options.transport == "stdio":
        server.run("stdio")
        return
    import uvicorn

    app = server.sse_app() if options.transport == "sse" else server.streamable_http_app(stateless_http=True)
    uvicorn.run(app, port=options.port, log_level="error", access_log=False, ws="none")


if __name__ == "__main__":
    main()
