"""Settings as code: what an app should have, what it has, and the way from one to the other."""
