SQLAlchemy does not take every address of a database.

check: warning postgres-url app.py:5 | .replace(
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
sqlalchemy
-- app.py --
import os

from sqlalchemy import create_engine

engine = create_engine(os.environ['DATABASE_URL'])


def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
