An old dash-enterprise-auth with Dash 3.

check: warning logout-button requirements.txt
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
dash==3.0.1
dash-enterprise-auth==0.2.4
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
