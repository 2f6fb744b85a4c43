"""What is Django's: the parcels."""

from __future__ import annotations

from django.db import models


class Parcel(models.Model):
    """A parcel, and the task to send it."""

    task_id = models.CharField(max_length=100, unique=True)
    address = models.CharField(max_length=200)
    sent = models.BooleanField(default=False)
