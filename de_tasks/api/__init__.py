"""The platform: a small typed protocol, and GraphQL over HTTPS behind it."""
