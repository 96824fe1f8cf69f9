A pin names the empty stub of the vendor's package.

check: warning vendor-stub requirements.txt:2
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
dash-design-kit==0.0.1
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
