An option stands where Celery took it before version 5.

check: warning celery-order Procfile:2 | Write it like 'celery -A app worker'
-- Procfile --
web: gunicorn app:server
worker: celery worker -A app
-- requirements.txt --
gunicorn
celery
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
