The same pin, with its Python.

version: 4
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
numpy==1.21.6
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- runtime.txt --
python-3.10
