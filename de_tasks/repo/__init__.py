"""The deploy repository: snapshot and push."""
