"""OpenID Connect and the device flow."""
