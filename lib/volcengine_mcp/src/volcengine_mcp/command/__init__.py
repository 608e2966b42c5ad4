"""The command line of every server: one file for each command, and how a terminal shows answers."""
