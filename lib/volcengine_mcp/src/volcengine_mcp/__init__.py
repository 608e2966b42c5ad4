"""An OpenAPI action of Volcengine becomes an MCP tool."""
