The module is written as its file is.

check: error gunicorn-app Procfile:1 | Write it with the folder before it: --chdir src board:server
live: no
last: No module named 'src/board'
-- Procfile --
web: gunicorn src/board:server
-- requirements.txt --
gunicorn
-- src/board.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
