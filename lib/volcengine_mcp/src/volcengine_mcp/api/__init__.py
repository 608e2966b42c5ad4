"""Calling the OpenAPI: clients, signing and sending, credentials, and what its errors mean."""
