"""Logging in, and where logins are kept."""
