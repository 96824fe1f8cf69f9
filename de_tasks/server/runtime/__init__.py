"""What runs of each app."""
