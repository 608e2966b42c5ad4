"""Who asks, and whose keys sign."""
