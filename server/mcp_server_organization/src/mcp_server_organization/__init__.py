"""MCP server for Volcengine Organization (企业组织)."""
