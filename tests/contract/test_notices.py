"""Notices from `notify` to their arrival, on each engine."""

import asyncio
import contextlib

import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook
from tests.builders.hooks import open_receiver

from roadstead.kit.clock import ManualClock, SystemClock
from roadstead.notifications.courier import Courier
from roadstead.notifications.letters import read_templates
from roadstead.notifications.model import NoticeOwner, Preferences, QuietTime
from roadstead.notifications.service import MAX_PER_HOUR, Notices
from roadstead.outbound.http_client import HttpClient
from roadstead.outbound.signing import write_secret
from roadstead.storage.secret_box import SecretBox

JO, SHOP = NoticeOwner("user", "1" * 24), NoticeOwner("product", "30301")


class Rig:
    """Notices, a mail server that may be down, and a courier."""

    def __init__(self, database, clock) -> None:
        self.clock, self.letters, self.down = clock, [], False
        box = SecretBox(bytes(32))
        self.client = HttpClient(allow_private=True, timeout_s=2.0)
        self.courier = Courier(
            database, clock, box, self, self.client, read_templates(), lambda: "o", scale=0.002
        )
        self.notices = Notices(database, clock, box, lambda conn, owner: self.people(owner))
        self.notices.wake = self.courier.wake

    @staticmethod
    def people(owner):
        return ["jo@example.com"] if owner == JO else ["a@example.com", "b@example.com"]

    async def send(self, mail):
        if self.down:
            raise OSError("the mail server is down")
        self.letters.append((mail.recipient, mail.subject))

    async def set(self, owner, **wanted):
        await self.notices.set_preferences(owner, Preferences(**wanted), lambda *_: None)

    async def ways(self, owner=JO):
        return [
            (way.channel, way.state, way.attempts)
            for _, ways in await self.notices.list_notices(owner, limit=50)
            for way in ways
        ]


@contextlib.asynccontextmanager
async def open_rig(database, clock=None):
    rig = Rig(database, clock or SystemClock())
    try:
        yield rig
    finally:
        await rig.client.close()


@pytest.fixture
async def rig(database):
    async with open_rig(database) as rig:
        yield rig


@contextlib.asynccontextmanager
async def carrying(rig):
    task = asyncio.create_task(rig.courier.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def settled(rig, owner, count, timeout_s=10):
    async with asyncio.timeout(timeout_s):
        while sum(state != "waiting" for _, state, _ in await rig.ways(owner)) < count:
            await asyncio.sleep(0.02)
    return await rig.ways(owner)


async def test_letters_go_to_the_people_behind_an_owner(rig):
    async with carrying(rig):
        await rig.notices.notify(SHOP, "rollout.halted", {"version": 7, "product": "x"})
        await settled(rig, SHOP, 2)
    assert sorted(rig.letters) == [
        ("a@example.com", "The rollout of version 7 was halted"),
        ("b@example.com", "The rollout of version 7 was halted"),
    ]


async def test_severity_muting_and_once(rig):
    assert await rig.notices.notify(JO, "device.offline", {}, severity="info")
    assert await rig.ways() == []
    await rig.set(JO, muted=("device",))
    await rig.notices.notify(JO, "device.offline", {}, severity="critical")
    assert await rig.ways() == []
    await rig.notices.notify(JO, "rollout.halted", {}, once_key="r/1")
    assert await rig.notices.notify(JO, "rollout.halted", {}, once_key="r/1") is None
    assert await rig.ways() == [("mail", "waiting", 0)]
    await rig.notices.notify(SHOP, "rollout.halted", {}, once_key="r/1")


async def test_quiet_times_hold_letters_and_let_the_urgent_through(database):
    clock = ManualClock()  # midnight
    async with open_rig(database, clock) as rig:
        await rig.set(JO, quiet=QuietTime(begin="22:00", end="07:00"))
        await rig.notices.notify(JO, "device.offline", {"device": "a"})
        await rig.notices.notify(JO, "device.offline", {"device": "b"}, severity="critical")
        await rig.courier.carry()
        assert rig.letters == [("jo@example.com", "b is offline")]
        clock.advance(7 * 3600 - 1)
        await rig.courier.carry()
        assert len(rig.letters) == 1
        clock.advance(1)
        await rig.courier.carry()
        assert rig.letters[1] == ("jo@example.com", "a is offline")


async def test_a_signed_webhook_and_its_repeats(rig):
    async with open_receiver() as receiver:

        async def answer(request):
            return web.Response(status=500 if len(receiver.taken) < 3 else 200)

        receiver.answer = answer
        await rig.set(JO, mail=False, webhook_url=receiver.url)
        async with carrying(rig):
            notice_id = await rig.notices.notify(JO, "health.alert", {"value": 3}, severity="info")
            assert await settled(rig, JO, 1) == [("webhook", "sent", 3)]
        assert set(receiver.counted()) == {f"msg_{notice_id}"}
        secret = write_secret(await rig.notices.get_key(JO))
        for taken in receiver.taken:
            said = Webhook(secret).verify(taken.body.decode(), taken.headers)
        assert said["type"] == "health.alert"
        assert said["data"]["facts"] == {"value": 3}


async def test_a_mail_server_that_is_down_and_one_that_stays_down(rig):
    rig.down = True
    async with carrying(rig):
        await rig.notices.notify(JO, "device.offline", {})
        await asyncio.sleep(0.1)
        rig.down = False
        ((channel, state, attempts),) = await settled(rig, JO, 1)
        assert (channel, state) == ("mail", "sent")
        assert attempts > 1
        rig.down = True
        await rig.notices.notify(SHOP, "device.offline", {})
        assert await settled(rig, SHOP, 2, 20) == [("mail", "failed", 5)] * 2
    assert (rig.courier.sent, rig.courier.failed) == (1, 2)


async def test_what_a_dead_process_had_taken_goes_later(database):
    clock = ManualClock()
    async with open_rig(database, clock) as rig:
        await rig.notices.notify(JO, "device.offline", {})

        async def die(mail):
            raise asyncio.CancelledError

        rig.send = die
        with contextlib.suppress(asyncio.CancelledError):
            await rig.courier.carry()
    async with open_rig(database, clock) as rig:
        await rig.courier.carry()
        assert rig.letters == []
        clock.advance(121)
        await rig.courier.carry()
        assert len(rig.letters) == 1


async def test_a_flood_is_kept_and_not_sent(database):
    async with open_rig(database, ManualClock()) as rig:
        for number in range(MAX_PER_HOUR + 5):
            await rig.notices.notify(JO, "device.offline", {"n": number})
            rig.clock.advance(0.01)
        await rig.courier.carry()
        assert len(rig.letters) == MAX_PER_HOUR
        newest = (await rig.notices.list_notices(JO, limit=1))[0]
        assert (newest[0].facts["n"], newest[1]) == (MAX_PER_HOUR + 4, [])
