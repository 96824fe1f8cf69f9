"""What is known of packages without asking an index: what each brings, and how it is imported.

A package that is not in here may bring anything: then nothing is said to be missing for sure.
"""

from __future__ import annotations

from packaging.utils import canonicalize_name

SERVABLE_DASH = "3.0.5"
"""The first whose app is one by WSGI, without `.server`."""

PROGRAMS = {
    "gunicorn": "gunicorn",
    "uvicorn": "uvicorn",
    "hypercorn": "hypercorn",
    "daphne": "daphne",
    "granian": "granian",
    "waitress-serve": "waitress",
    "uwsgi": "uwsgi",
    "celery": "celery",
    "flower": "flower",
    "flask": "flask",
    "fastapi": "fastapi-cli",
    "streamlit": "streamlit",
    "panel": "panel",
    "bokeh": "bokeh",
    "chainlit": "chainlit",
    "solara": "solara",
    "shiny": "shiny",
    "marimo": "marimo",
    "voila": "voila",
    "gradio": "gradio",
    "mlflow": "mlflow",
    "django-admin": "django",
    "alembic": "alembic",
    "rq": "rq",
    "huey_consumer": "huey",
    "huey_consumer.py": "huey",
    "dramatiq": "dramatiq",
    "arq": "arq",
    "supervisord": "supervisor",
    "honcho": "honcho",
    "circusd": "circus",
    "newrelic-admin": "newrelic",
    "ddtrace-run": "ddtrace",
    "opentelemetry-instrument": "opentelemetry-distro",
    "dotenv": "python-dotenv",
    "poetry": "poetry",
    "pipenv": "pipenv",
    "pdm": "pdm",
    "hatch": "hatch",
    "uv": "uv",
    "dagster": "dagster",
    "prefect": "prefect",
    "airflow": "apache-airflow",
    "scrapy": "scrapy",
    "dbt": "dbt-core",
    "coverage": "coverage",
    "pytest": "pytest",
}
"""Programs of packages, and the package of each."""

BRINGS: dict[str, str] = {
    "dash": "flask plotly werkzeug requests dash-html-components dash-core-components dash-table "
    "typing-extensions nest-asyncio importlib-metadata retrying setuptools",
    "flask": "werkzeug jinja2 itsdangerous click blinker markupsafe",
    "jinja2": "markupsafe",
    "werkzeug": "markupsafe",
    "requests": "urllib3 certifi idna charset-normalizer",
    "plotly": "packaging narwhals tenacity",
    "pandas": "numpy python-dateutil pytz tzdata six",
    "scipy": "numpy",
    "scikit-learn": "numpy scipy joblib threadpoolctl",
    "statsmodels": "numpy scipy pandas patsy packaging",
    "seaborn": "numpy pandas matplotlib",
    "matplotlib": "numpy pillow contourpy cycler packaging python-dateutil pyparsing six",
    "geopandas": "pandas numpy shapely pyproj fiona pyogrio packaging",
    "xgboost": "numpy scipy",
    "lightgbm": "numpy scipy",
    "streamlit": "pandas numpy altair pyarrow requests pillow protobuf tornado click toml rich "
    "gitpython pydeck cachetools blinker tenacity packaging watchdog typing-extensions jinja2 "
    "jsonschema python-dateutil tzlocal validators pympler semver importlib-metadata attrs",
    "fastapi": "starlette pydantic pydantic-core typing-extensions anyio annotated-types",
    "starlette": "anyio sniffio idna",
    "sqlmodel": "sqlalchemy pydantic typing-extensions",
    "pydantic": "pydantic-core typing-extensions annotated-types",
    "pydantic-settings": "pydantic python-dotenv",
    "uvicorn": "click h11 typing-extensions",
    "httpx": "httpcore anyio certifi idna sniffio h11",
    "fastapi-cli": "typer uvicorn rich click",
    "gradio": "fastapi uvicorn pandas numpy pillow httpx pydantic starlette jinja2 markupsafe "
    "pyyaml typer websockets orjson requests huggingface-hub gradio-client aiofiles matplotlib",
    "chainlit": "fastapi uvicorn starlette pydantic httpx python-dotenv",
    "panel": "bokeh param tornado pandas requests markdown numpy pyviz-comms bleach tqdm",
    "bokeh": "tornado pillow numpy pandas jinja2 pyyaml packaging contourpy xyzservices",
    "holoviews": "panel param pandas numpy bokeh",
    "hvplot": "holoviews bokeh panel pandas numpy",
    "shiny": "uvicorn starlette htmltools click",
    "solara": "uvicorn starlette ipywidgets reacton",
    "marimo": "uvicorn starlette click",
    "mlflow": "flask gunicorn waitress pandas numpy sqlalchemy scikit-learn scipy matplotlib "
    "pyarrow requests pyyaml click uvicorn fastapi alembic gitpython jinja2",
    "django": "asgiref sqlparse",
    "djangorestframework": "django asgiref sqlparse pytz",
    "django-plotly-dash": "django dash plotly flask",
    "channels": "django asgiref",
    "celery": "kombu billiard vine click python-dateutil",
    "flower": "celery tornado prometheus-client humanize pytz",
    "rq": "redis click",
    "daphne": "twisted autobahn asgiref",
    "flask-sqlalchemy": "flask sqlalchemy",
    "flask-login": "flask werkzeug",
    "flask-caching": "flask cachelib",
    "flask-migrate": "flask alembic flask-sqlalchemy sqlalchemy",
    "flask-restful": "flask pytz six aniso8601",
    "flask-cors": "flask werkzeug",
    "flask-wtf": "flask wtforms itsdangerous",
    "flask-compress": "flask brotli",
    "flask-session": "flask cachelib msgspec",
    "dash-bootstrap-components": "dash flask plotly",
    "dash-bootstrap-templates": "dash dash-bootstrap-components plotly numpy",
    "dash-mantine-components": "dash",
    "dash-ag-grid": "dash",
    "dash-daq": "dash",
    "dash-cytoscape": "dash",
    "dash-leaflet": "dash",
    "dash-iconify": "dash",
    "dash-extensions": "dash more-itertools flask-caching dataclass-wizard pydantic ruff",
    "dash-auth": "dash flask",
    "dash-table": "",
    "dash-core-components": "",
    "dash-html-components": "",
    "dash-renderer": "",
    "dash-bio": "dash pandas scikit-learn scipy numpy requests",
    "dash-uploader": "dash",
    "dash-loading-spinners": "dash",
    "dash-svg": "dash",
    "dash-design-kit": "dash plotly",
    "dash-enterprise-auth": "dash flask requests",
    "dash-enterprise-libraries": "dash",
    "dash-snapshots": "dash celery redis",
    "sqlalchemy": "greenlet typing-extensions",
    "alembic": "sqlalchemy mako typing-extensions",
    "psycopg2": "",
    "boto3": "botocore s3transfer jmespath python-dateutil urllib3 six",
    "openai": "httpx pydantic anyio distro tqdm typing-extensions sniffio jiter",
    "xarray": "numpy pandas packaging",
    "dask": "pyyaml click cloudpickle fsspec toolz packaging partd",
    "folium": "branca jinja2 numpy requests xyzservices",
    "wordcloud": "numpy pillow matplotlib",
    "yfinance": "pandas numpy requests beautifulsoup4 lxml pytz multitasking",
    "beautifulsoup4": "soupsieve typing-extensions",
    "openpyxl": "et-xmlfile",
    "nltk": "click joblib regex tqdm",
    "tensorflow": "numpy keras h5py protobuf requests six absl-py grpcio",
    "torch": "numpy sympy networkx jinja2 filelock fsspec typing-extensions",
    "transformers": "numpy pyyaml requests tqdm tokenizers huggingface-hub regex filelock",
    "spacy": "numpy requests tqdm pydantic jinja2 typer",
    "snowflake-connector-python": "requests cryptography pyjwt pytz certifi",
    "databricks-sql-connector": "pandas numpy requests thrift pyarrow openpyxl",
    "google-cloud-bigquery": "google-auth requests python-dateutil packaging protobuf",
    "psycopg": "typing-extensions",
    "pymongo": "dnspython",
    "aiohttp": "attrs multidict yarl aiosignal frozenlist",
    "diskcache": "",
    "prophet": "pandas numpy matplotlib cmdstanpy tqdm",
    "shap": "numpy scipy scikit-learn pandas tqdm numba",
    "altair": "jinja2 jsonschema packaging narwhals typing-extensions numpy pandas toolz",
    "vaex": "numpy pandas pyarrow",
    "imageio": "numpy pillow",
    "scikit-image": "numpy scipy pillow networkx imageio packaging",
    "opencv-python": "numpy",
    "opencv-python-headless": "numpy",
    "fastparquet": "pandas numpy fsspec",
    "networkx": "",
    "numba": "numpy llvmlite",
    "pastedeploy": "setuptools",
    "apscheduler": "pytz six tzlocal setuptools",
}
"""Well-known packages, and what each version of them may install besides; others of the file
that a name leads to are followed, too."""

PLAIN = """
aiofiles anyio asgiref attrs autobahn babel bcrypt black bleach blinker brotli cachelib cachetools
celery-redbeat certifi cffi chardet charset-normalizer click clickhouse-driver cloudpickle
colorama colorlog colorlover colour coverage cryptography cufflinks cx-freeze cx-oracle cycler
cython dash-labs dash-player dateparser decorator descartes dill docutils duckdb et-xmlfile faker
filelock fiona flake8 flask-httpauth flask-seasurf flask-talisman fsspec fuzzywuzzy gdown geopy
gevent gitpython google-auth granian greenlet gspread gunicorn h11 h5py haversine hiredis honcho
httptools huey humanize hypercorn ibm-db idna importlib-metadata ipykernel ipython ipywidgets
isort itsdangerous jmespath joblib jsonpickle jsonschema jupyter kaleido keyring loguru lxml mako
markdown markdown-it-py markdown2 markupsafe mdurl more-itertools mplfinance msgpack mypy
mysqlclient narwhals nest-asyncio newrelic notebook numpy oracledb orjson packaging pandas-ta
paramiko parso passlib phonenumbers pillow pip plotly-express polars pooch protobuf psutil
psycopg-binary psycopg2-binary pyarrow pycountry pycparser pydeck pygments pyhive pyjwt pymssql
pymysql pyodbc pyopenssl pyparsing pypdf pyperclip pyproj pyserial pyshp pytest python-dateutil
python-decouple python-dotenv python-multipart pytz pyyaml rapidfuzz redis regex requests-cache
retrying rich rtree ruff sasl scramp sentry-sdk setuptools shapely simplejson six sniffio
sortedcontainers supervisor sympy ta tabulate tenacity teradatasql textblob textdistance thinc
thrift toml tomli toolz tornado tqdm traitlets trino typer typing-extensions tzdata tzlocal ujson
unidecode urllib3 uuid uvloop uwsgi waitress watchdog watchfiles websocket-client websockets wheel
whitenoise wtforms xlrd xlsxwriter xlwt zipp zstandard
"""

IMPORTS = {
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dash_bootstrap_components": "dash-bootstrap-components",
    "dateutil": "python-dateutil",
    "decouple": "python-decouple",
    "dotenv": "python-dotenv",
    "flask_caching": "flask-caching",
    "flask_login": "flask-login",
    "flask_sqlalchemy": "flask-sqlalchemy",
    "fitz": "pymupdf",
    "git": "gitpython",
    "jose": "python-jose",
    "jwt": "pyjwt",
    "magic": "python-magic",
    "MySQLdb": "mysqlclient",
    "mysql": "mysql-connector-python",
    "multipart": "python-multipart",
    "OpenSSL": "pyopenssl",
    "PIL": "pillow",
    "paste": "paste",
    "playhouse": "peewee",
    "psycopg2": "psycopg2-binary",
    "rest_framework": "djangorestframework",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "slugify": "python-slugify",
    "telegram": "python-telegram-bot",
    "websocket": "websocket-client",
    "yaml": "pyyaml",
    "Crypto": "pycryptodome",
    "docx": "python-docx",
    "pptx": "python-pptx",
    "usb": "pyusb",
    "zmq": "pyzmq",
    "ruamel": "ruamel-yaml",
    "lightgbm": "lightgbm",
    "faiss": "faiss-cpu",
    "umap": "umap-learn",
    "xlsxwriter": "xlsxwriter",
    "sentry_sdk": "sentry-sdk",
    "snowflake": "snowflake-connector-python",
    "pkg_resources": "setuptools",
}
"""Modules that are not called as their packages are."""
ALTERNATIVES = {
    "psycopg2-binary": ("psycopg2",),
    "opencv-python": ("opencv-python-headless", "opencv-contrib-python",
                      "opencv-contrib-python-headless"),
    "pillow": ("pillow-simd",),
    "faiss-cpu": ("faiss-gpu",),
    "mysql-connector-python": ("mysql-connector", "mysql-connector-python-rf"),
    "python-magic": ("python-magic-bin",),
    "python-jose": ("jose",),
    "pycryptodome": ("pycrypto", "pycryptodomex"),
    "tensorflow": ("tensorflow-cpu", "tensorflow-gpu", "tf-nightly", "tensorflow-macos"),
    "dash-html-components": ("dash",),
    "dash-core-components": ("dash",),
    "dash-table": ("dash",),
    "fastapi-cli": ("fastapi-slim",),
    "uwsgi": ("pyuwsgi",),
    "snowflake-connector-python": ("snowflake-snowpark-python", "snowflake-sqlalchemy"),
}  # fmt: skip
EXTRAS: dict[tuple[str, str], str] = {
    ("fastapi", "standard"): "uvicorn fastapi-cli httpx jinja2 python-multipart email-validator "
    "pyyaml python-dotenv uvloop httptools watchfiles websockets",
    ("fastapi", "all"): "uvicorn fastapi-cli httpx jinja2 python-multipart email-validator "
    "itsdangerous pyyaml ujson orjson pydantic-settings python-dotenv",
    ("fastapi", "standard-no-fastapi-cloud-cli"): "uvicorn fastapi-cli httpx jinja2 "
    "python-multipart email-validator",
    ("fastapi-cli", "standard"): "uvicorn",
    ("starlette", "full"): "httpx itsdangerous jinja2 python-multipart pyyaml",
    ("uvicorn", "standard"): "uvloop httptools watchfiles websockets python-dotenv pyyaml colorama",
    ("celery", "redis"): "redis",
    ("celery", "rabbitmq"): "",
    ("celery", "sqlalchemy"): "sqlalchemy",
    ("celery", "pytest"): "pytest-celery",
    ("dash", "celery"): "celery redis importlib-metadata",
    ("dash", "diskcache"): "diskcache multiprocess psutil",
    ("dash", "compress"): "flask-compress",
    ("dash", "async"): "flask asgiref",
    ("dash", "testing"): "selenium pytest requests beautifulsoup4 waitress",
    ("flask", "async"): "asgiref",
    ("flask", "dotenv"): "python-dotenv",
    ("gunicorn", "gevent"): "gevent",
    ("gunicorn", "gthread"): "",
    ("gunicorn", "eventlet"): "eventlet",
    ("gunicorn", "tornado"): "tornado",
    ("gunicorn", "setproctitle"): "setproctitle",
    ("django", "argon2"): "argon2-cffi",
    ("django", "bcrypt"): "bcrypt",
    ("psycopg", "binary"): "psycopg-binary",
    ("psycopg", "pool"): "psycopg-pool",
    ("psycopg", "c"): "psycopg-c",
    ("requests", "security"): "",
    ("requests", "socks"): "pysocks",
    ("pandas", "excel"): "openpyxl xlrd xlsxwriter",
    ("plotly", "express"): "numpy",
    ("dask", "complete"): "numpy pandas distributed bokeh",
    ("dask", "dataframe"): "numpy pandas pyarrow",
    ("redis", "hiredis"): "hiredis",
    ("sqlalchemy", "asyncio"): "greenlet",
    ("sqlalchemy", "postgresql"): "psycopg2",
    ("httpx", "http2"): "h2",
    ("pyjwt", "crypto"): "cryptography",
    ("channels", "daphne"): "daphne",
}
"""What extras bring, by package and extra."""
NEEDS_PKG_RESOURCES = {
    "gunicorn": ("21", "gunicorn>=22"),
    "apscheduler": ("3.11", "apscheduler>=3.11"),
    "pastedeploy": ("3.1", "pastedeploy>=3.1"),
}
"""Packages whose versions below the first one import pkg_resources, and what to write instead."""

WORKERS = {
    "gevent": "gevent",
    "gevent_pywsgi": "gevent",
    "gevent_wsgi": "gevent",
    "eventlet": "eventlet",
    "tornado": "tornado",
    "uvicorn": "uvicorn",
    "uvicorn_worker": "uvicorn-worker",
    "aiohttp": "aiohttp",
    "meinheld": "meinheld",
}
"""Packages that gunicorn's worker classes need, by the class, or its top-level module."""
MISNAMED = {
    str(canonicalize_name(module)): package
    for module, package in IMPORTS.items()
    # By these names an index has the package as well, what leads to it, or one that is used.
    if module not in "attr bs4 jose magic multipart psycopg2 snowflake zmq".split()
    if canonicalize_name(module) != package
}
"""Names of modules that are no names of packages, or of foreign ones, and the right package."""
OTHER_SYSTEMS = {
    **dict.fromkeys(("pypiwin32", "pywin32", "pywinpty", "windows-curses", "wmi"), "win32"),
    **dict.fromkeys(("pyobjc", "pyobjc-core", "tensorflow-macos", "tensorflow-metal"), "darwin"),
}
"""Packages that cannot be installed on Linux, and the `sys_platform` that they are for."""

_PLAIN = frozenset(PLAIN.split())


def is_known(package: str) -> bool:
    """Whether it is known what a package brings."""
    return package in BRINGS or package in _PLAIN


def closure(packages: set[str]) -> set[str]:
    """Canonical names of packages, and of all that they bring as far as it is known."""
    found: set[str] = set()
    waiting = {str(canonicalize_name(name)) for name in packages}
    while waiting:
        found |= waiting
        waiting = {other for name in waiting for other in BRINGS.get(name, "").split()} - found
    return found


def package_of(module: str) -> str | None:
    """The package that a top-level module is known to come from, None for others."""
    name = IMPORTS.get(module) or str(canonicalize_name(module))
    return name if module in IMPORTS or is_known(name) else None


def has(packages: set[str], wanted: str) -> bool:
    """Whether one of the packages is the wanted one, or stands in for it."""
    return bool(packages & {wanted, *ALTERNATIVES.get(wanted, ())})
