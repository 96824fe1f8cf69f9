"""The way to the apps."""
