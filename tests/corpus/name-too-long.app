More characters than a name may have.

app: quarterly-revenue-by-region-board-1
check: error app-name | --name quarterly-revenue-by-region-bo
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
