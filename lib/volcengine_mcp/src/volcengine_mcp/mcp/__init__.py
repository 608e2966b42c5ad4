"""What MCP clients meet: the server, its prompts and its resources."""
