"""The settings of a server, and reading them."""
