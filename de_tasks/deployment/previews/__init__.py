"""A branch as an app of its own."""
