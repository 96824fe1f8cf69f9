"""HTTP, retries and the rate limit."""
