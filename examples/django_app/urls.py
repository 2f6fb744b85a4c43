"""Which path leads where."""

from __future__ import annotations

from django.urls import path

from django_app import views

urlpatterns = [path("parcels", views.order), path("parcels/<int:number>/sent", views.send)]
