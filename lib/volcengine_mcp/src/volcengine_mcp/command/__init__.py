"""The command line of every server, and how a terminal shows answers."""
