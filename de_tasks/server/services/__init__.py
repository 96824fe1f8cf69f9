"""Redis and Postgres: a Valkey per Redis service, one PostgreSQL cluster."""
