"""Logging in: the OpenID flows, and where the tokens are kept."""
