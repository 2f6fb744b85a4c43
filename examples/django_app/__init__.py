"""A small Django application: parcels are Django's, the tasks to send them are casewright's.

From the folder above: `python -m django migrate --settings django_app.settings`, then `python -m django runserver
--settings django_app.settings`. The page docs/how-to/django.md explains it.
"""
