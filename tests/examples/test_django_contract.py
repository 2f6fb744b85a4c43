"""A store that is joined to Django keeps every contract of a store, whatever Django's connections are set to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import pytest
from django.db import transaction

from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.testing.contracts import (
    Capabilities,
    LedgerContract,
    ListingContract,
    OutboxContract,
    Rows,
    StoreContract,
)
from support.django_project import Break, joining
from support.oracles import sql_rows

pytestmark = pytest.mark.large  # three contracts; test_django_app.py has the short of it


class _Joined(StoreContract, ListingContract, OutboxContract, LedgerContract):
    capabilities = Capabilities(threads=False)
    options: ClassVar[Mapping[str, Mapping[str, object]]] = {}

    @pytest.fixture
    def store(self, break_ground: Break) -> Iterator[SqlAlchemyStore]:
        """Yield a store in a transaction of Django's, which is rolled back in the end."""
        break_ground(**self.options)
        with transaction.atomic():
            with joining.joined_store() as store:
                yield store
            transaction.set_rollback(True)

    def oracle(self, store: SqlAlchemyStore) -> Rows:
        """Return what is in the tables, as Django's transaction sees it."""
        with store.engine.connect() as connection:  # which is Django's again
            return sql_rows(connection)


@pytest.mark.parametrize("break_ground", ["postgresql"], indirect=True)
class TestServerSideBinding(_Joined):
    """With parameters bound by the server, as psycopg does by itself and Django does not (L5)."""

    options: ClassVar[Mapping[str, Mapping[str, object]]] = {"postgresql": {"server_side_binding": True}}
