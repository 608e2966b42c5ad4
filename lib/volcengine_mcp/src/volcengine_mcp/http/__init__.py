"""Serving over HTTP: the application, its guards and limits, and an orderly end."""
