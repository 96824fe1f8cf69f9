A factory, in quotes.

live: yes
-- Procfile --
web: gunicorn 'app:create_app()'
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]


def create_app():
    return server
