FastAPI does not bring its server.

check: error not-required Procfile:1 | 'uvicorn'
-- Procfile --
web: uvicorn main:app --host 0.0.0.0 --port $PORT
-- requirements.txt --
fastapi
-- main.py --
from fastapi import FastAPI

app = FastAPI()
