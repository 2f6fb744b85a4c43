"""Parcels."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """As `makemigrations` made it."""

    initial = True
    operations = [
        migrations.CreateModel(
            name="Parcel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("task_id", models.CharField(max_length=100, unique=True)),
                ("address", models.CharField(max_length=200)),
                ("sent", models.BooleanField(default=False)),
            ],
        )
    ]
