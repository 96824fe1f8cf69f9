A release phase that cannot run: the app does without it.

live: yes
check: warning no-script Procfile:1
check: note release-process Procfile:1
-- Procfile --
release: python migrate.py
web: gunicorn app:server
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
