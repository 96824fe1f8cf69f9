"""The platform API."""
