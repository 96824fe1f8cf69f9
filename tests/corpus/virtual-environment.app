A virtual environment would be sent.

check: warning virtual-environment venv/pyvenv.cfg | 'venv/' to .gitignore
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- venv/pyvenv.cfg --
home = /usr/bin
-- venv/lib/python3.11/site-packages/six.py --

-- venv/.env --
A=1
