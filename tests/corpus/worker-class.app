gunicorn's workers are of a class that needs a package.

check: error not-required Procfile:1 | gunicorn's worker class gevent needs gevent
live: no
last: RuntimeError: gevent worker requires gevent
-- Procfile --
web: gunicorn -k gevent app:server
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
