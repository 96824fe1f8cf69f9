An option of all that is installed, behind a requirement.

live: yes
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn --no-binary psycopg2  # compiled here
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
