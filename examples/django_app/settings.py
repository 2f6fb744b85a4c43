"""The settings: SQLite here; on PostgreSQL nothing but DATABASES differs."""

from __future__ import annotations

import os

SECRET_KEY = "only for this example"
ALLOWED_HOSTS = ["localhost", "testserver"]
INSTALLED_APPS = ["django_app"]
MIDDLEWARE = ["django_app.views.ProblemMiddleware"]
ROOT_URLCONF = "django_app.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("PARCELS", "parcels.sqlite3"),
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }
}
