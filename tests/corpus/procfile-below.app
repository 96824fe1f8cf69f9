The app is one folder deeper.

check: error no-procfile Procfile | --path board
-- board/Procfile --
web: gunicorn app:server
-- board/app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- board/requirements.txt --
gunicorn
