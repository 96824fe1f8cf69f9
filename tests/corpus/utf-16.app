PowerShell's way to write a file.

live: yes
check: warning requirements-encoding requirements.txt
-- Procfile --
web: gunicorn app:server
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- requirements.txt utf-16 --
gunicorn
