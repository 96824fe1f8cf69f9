A pin that has no wheels for the Python that is asked for.

version: 4
check: warning no-wheel requirements.txt:2 | 'numpy>=1.26.0'
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
python-3.12
