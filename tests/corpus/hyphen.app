A module's name that is no identifier.

live: yes
-- Procfile --
web: gunicorn my-board:server
-- requirements.txt --
gunicorn
-- my-board.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
