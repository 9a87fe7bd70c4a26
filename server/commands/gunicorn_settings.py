"""gunicorn's settings, read by name: https://docs.gunicorn.org/en/stable/settings.html"""

import gc
import os
import shutil
from pathlib import Path


def memory_folder() -> str | None:
    """A folder that no disk is behind: a heartbeat must not wait for one. None: the usual temporary folder."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - what is written there has random names


def post_worker_init(_: object) -> None:
    """Leave what the program itself is made of out of every collection: looking it through took 110 ms each time."""
    gc.collect()
    gc.freeze()


def on_exit(_: object) -> None:
    """Leave nothing behind."""
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS", "1"))
threads = int(os.environ.get("WEB_THREADS", "8"))
timeout = 60
graceful_timeout = 20
keepalive = 15
preload_app = False
worker_tmp_dir = memory_folder()
errorlog = "-"
loglevel = "warning"
# structlog writes one line per request, without addresses.
accesslog = None
# Nobody's forwarded headers are believed here; TRUSTED_PROXIES says how many hops the application believes.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
control_socket_disable = True
