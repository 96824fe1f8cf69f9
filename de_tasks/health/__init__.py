"""Whether an app is well, as client and sandbox both judge it."""
