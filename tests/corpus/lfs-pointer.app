A file is a pointer of Git LFS.

check: warning lfs-pointer data.csv | git lfs pull
-- Procfile --
web: gunicorn app:server
-- requirements.txt --
gunicorn
-- app.py --
def server(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
-- data.csv --
version https://git-lfs.github.com/spec/v1
oid sha256:4d7a214614ab29354d7a214614ab29354d7a214614ab29354d7a214614ab2935
size 12345678
