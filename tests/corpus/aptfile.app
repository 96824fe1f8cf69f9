A slip in the Aptfile.

check: error apt-line Aptfile:2
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- Aptfile --
libgdal-dev
apt install GDAL
