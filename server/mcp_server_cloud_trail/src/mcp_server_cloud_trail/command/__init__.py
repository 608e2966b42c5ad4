"""What this server adds to the command line of all servers."""
