"""Resolvers of the platform API: rows of the database in the contract's shapes."""
