"""The tools of this server, one a file."""
