"""From push to release."""
