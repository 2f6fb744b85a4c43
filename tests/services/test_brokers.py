"""The brokers that tests bring themselves: real, private, and gone when they should be."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import pytest

from support.brokers import Broker, nats_server, valkey_server

SERVERS = {"nats": nats_server, "valkey": valkey_server}
each_server = pytest.mark.parametrize("start", SERVERS.values(), ids=SERVERS)


@each_server
def test_a_broker_is_private_and_gone_when_it_is_stopped(start: Callable[[], Broker]) -> None:
    """Its folder is its user's alone, and neither folder nor process is left (as root or not)."""
    server = start()
    folder, pid = server.kept.folder, server.kept.pid
    assert folder.stat().st_mode & 0o777 == 0o700
    server.stop()
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    server.stop()


@each_server
def test_two_brokers_do_not_meet(start: Callable[[], Broker]) -> None:
    """Each has a place of its own, so that many workers may have one."""
    one, two = start(), start()
    try:
        assert one.url != two.url
    finally:
        one.stop()
        two.stop()


def test_valkey_listens_on_no_port(valkey_broker: Broker) -> None:
    """Only a socket in its folder leads to it."""
    import redis

    with redis.Redis.from_url(valkey_broker.url) as client:
        assert client.ping()
        settings = client.config_get("port", "unixsocket")
    assert settings == {"port": "0", "unixsocket": valkey_broker.url.removeprefix("unix://")} or settings == {
        b"port": b"0",
        b"unixsocket": valkey_broker.url.removeprefix("unix://").encode(),
    }


def test_nats_has_jetstream_and_is_reached_from_this_machine_only(nats_broker: Broker) -> None:
    """It keeps streams, and listens on the loopback."""
    import nats

    async def ask() -> int:
        client = await nats.connect(nats_broker.url)
        try:
            return (await client.jetstream().account_info()).streams
        finally:
            await client.close()

    assert asyncio.run(ask()) >= 0
    assert nats_broker.url.startswith("nats://127.0.0.1:")
