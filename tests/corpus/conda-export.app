What conda writes, where pip reads.

check: error conda-export requirements.txt:1 | pip list --format=freeze
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
_libgcc_mutex=0.1=main
blas=1.0=mkl
gunicorn=23.0=py_0
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
