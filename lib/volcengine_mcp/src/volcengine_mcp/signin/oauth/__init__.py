"""OAuth before the door: bring your own application."""
