The worker's module does not lead to the tasks.

check: warning celery-tasks Procfile:2 | Import it in work.py
-- Procfile --
web: gunicorn app:server
worker: celery --app=work worker
-- requirements.txt --
gunicorn
celery
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- work.py --
from celery import Celery

queue = Celery('work')
-- jobs.py --
from celery import shared_task


@shared_task
def count(): ...
