The command changes to the folder of the code.

live: yes
-- Procfile --
web: cd src && gunicorn app:server
-- requirements.txt --
gunicorn
-- src/app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
