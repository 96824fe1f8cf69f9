A command's output is part of the line.

live: yes
-- Procfile --
web: gunicorn app:server --workers $(expr 1 + 0) 2>&1 | cat
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
