"""What the servers cost, measured side by side with the least that could do the same."""
