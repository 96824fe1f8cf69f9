"""The developer's app folder."""
