"""MCP server for Volcengine Cloud Trail (云审计)."""
