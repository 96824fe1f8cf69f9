"""HTTP, retries and the rate limit.

`http` sends, `retry` waits and tries again, `budget` shares what the rate limit leaves among the
processes of a user, and `limit_reports` parses what servers say of it.
"""
