"""A Dash Enterprise by its API."""
