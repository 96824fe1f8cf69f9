"""A Dash Enterprise behind one protocol."""
