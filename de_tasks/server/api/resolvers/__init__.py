"""Resolvers of the platform API, one module for each subject."""
