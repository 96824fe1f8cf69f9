uvicorn is to load a module that is not there.

check: error no-module Procfile:1
-- Procfile --
web: uvicorn main:app --port $PORT
-- requirements.txt --
uvicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
