"""particle-cli does all it can do at account and device level against a real server."""

import asyncio
import re
from random import Random

import httpx
import pytest
from tests.clients.particle_cli import ParticleCli
from tests.clients.second_factor import Authenticator

from roadstead.simulator.firmware import Publication
from roadstead.simulator.identity import make_identity

pytestmark = pytest.mark.system


async def test_the_address_of_the_server_is_set_as_the_manual_says(server, tmp_path):
    cli = ParticleCli(tmp_path / "home")
    await cli.ok("profile", "set", "apiUrl", server.api_url)
    assert cli.profile["apiUrl"] == server.api_url


async def test_login_whoami_and_logout(cli, server, make_person):
    person = make_person()
    said = await cli.ok("login", "--username", person.username, "--password", person.password)
    assert "Successfully completed login" in said
    token = cli.profile["access_token"]
    assert re.fullmatch("[0-9a-f]{40}", token)
    assert cli.profile["access_token_expires_at"]
    assert person.username in await cli.ok("whoami")
    await cli.ok("logout")
    assert "access_token" not in cli.profile or not cli.profile["access_token"]
    with server.client(token) as client:
        assert client.get("/v1/user").status_code == 401
    assert "not logged in" in await cli.fails("whoami")


async def test_login_asks_for_what_was_not_given(cli, make_person):
    person = make_person()
    login = await cli.start("login")
    await login.says("Please enter your email address")
    login.type(person.username)
    await login.says("Please enter your password")
    login.type(person.password)
    said = await login.end()
    assert (said.code, said.err) == (0, "")
    assert person.username in await cli.ok("whoami")


async def test_login_with_a_wrong_password_says_so(cli, make_person):
    said = await cli.fails("login", "--username", make_person().username, "--password", "no")
    assert "User credentials are invalid" in said
    assert "access_token" not in cli.profile


async def test_login_with_a_token(cli, jo):
    await cli.ok("login", "--token", jo.token)
    assert cli.profile["username"] == jo.username
    assert cli.profile["access_token_expires_at"]
    assert jo.username in await cli.ok("whoami")


async def test_login_with_a_second_factor(cli, server, make_person):
    person = make_person()
    with server.client(person.token) as client:
        offer = client.get("/v1/user/mfa-enable").json()
        app = Authenticator(offer["secret"])
        first = {"mfa_token": offer["mfa_token"], "otp": app.code()}
        assert client.post("/v1/user/mfa-enable", json=first).json()["enrolled"] is True
    secrets = ("--username", person.username, "--password", person.password)
    assert "trouble with logging in" in await cli.fails("login", *secrets, "--otp", "000000")
    await cli.ok("login", *secrets, "--otp", app.code())
    assert person.username in await cli.ok("whoami")
    creating = await cli.start("token", "create")
    await creating.says("Please enter your password")
    creating.type(person.password)
    await creating.says("Please enter a login code")
    creating.type(app.code())
    created = await creating.end()
    assert (created.code, "New access token expires on" in created.out) == (0, True), created.all


async def test_a_token_that_has_ended_signs_the_cli_out(jos_cli, jos_profile):
    jos_cli.keep(jos_profile | {"access_token": "0" * 40})
    said = await jos_cli.fails("list")
    assert "log in" in said or "logged in" in said
    assert not jos_cli.profile.get("access_token")


async def test_list_shows_devices_with_functions_and_variables(jos_cli, desk):
    online, offline = await desk.put(), await desk.put()
    await jos_cli.ok("device", "rename", online.identity.text_id, "cli_kettle")
    offline.sleep(60)
    said = await jos_cli.ok("list")
    assert f"cli_kettle [{online.identity.text_id}] (Argon) is online" in said
    assert "int led (String args)" in said
    assert "ratio (double)" in said
    assert f"[{offline.identity.text_id}] (Argon) is offline" in said
    assert "cli_kettle" in await jos_cli.ok("list", "cli_kettle")
    assert online.identity.text_id not in await jos_cli.ok("list", "offline")
    assert "int length (String args)" in await jos_cli.ok("function", "list")
    assert "longText (string)" in await jos_cli.ok("variable", "list")


async def test_get_and_call(jos_cli, desk):
    device = await desk.put()
    device_id = device.identity.text_id
    await jos_cli.ok("device", "rename", device_id, "cli_lamp")
    called, length, ratio, text = await asyncio.gather(
        jos_cli.ok("call", device_id, "led", "on"),
        jos_cli.ok("call", "cli_lamp", "length", "12345"),
        jos_cli.ok("get", "cli_lamp", "ratio"),
        jos_cli.ok("variable", "get", device_id, "longText"),
    )
    assert called.split()[-1] == "1"
    assert length.split()[-1] == "5"
    assert ratio.split()[-1] == "20.4"
    assert "x" * 400 in text
    assert (await jos_cli.ok("get", device_id, "text")).split()[-1] == "on"


async def test_what_a_device_does_not_offer_is_said_in_words(jos_cli, desk):
    device = await desk.put()
    device_id = device.identity.text_id
    function, variable, unknown, silent = await asyncio.gather(
        jos_cli.fails("call", device_id, "brew"),
        jos_cli.fails("get", device_id, "brew"),
        jos_cli.fails("device", "rename", "0" * 24, "mine"),
        jos_cli.fails("call", device_id, "never"),
    )
    assert "Function `brew` not found" in function
    assert "Error: Unknown Variable: brew" in variable.splitlines()
    assert "Permission Denied" in unknown
    assert "did not answer within 2 s" in silent
    assert jos_cli.profile["access_token"]


async def test_monitor_follows_a_variable(jos_cli, desk):
    device = await desk.put()
    monitor = await jos_cli.start("monitor", device.identity.text_id, "text", "--time")
    await monitor.says("off")
    device.firmware.led_on = True
    await monitor.says("on\n")
    await monitor.interrupt()


async def test_subscribe_ends_after_so_many_events(jos_cli, desk):
    device = await desk.put()
    mine = await jos_cli.start("subscribe", "cli/count", "--max", "2")
    one = await jos_cli.start(
        "subscribe", "cli/count", "--device", device.identity.text_id, "--until", "last"
    )
    await asyncio.gather(_open(mine), _open(one))
    for text in ("first", "second", "last"):
        await device.publish_and_wait(Publication("cli/count", text.encode()))
    ended = await mine.end()
    assert (ended.code, [event["data"] for event in ended.events()]) == (0, ["first", "second"])
    assert {event["coreid"] for event in ended.events()} == {device.identity.text_id}
    assert {event["name"] for event in ended.events()} == {"cli/count"}
    until = await one.end()
    assert (until.code, until.events()[-1]["data"]) == (0, "last")


async def test_publish_reaches_streams_and_devices(jos_cli, desk):
    device = await desk.put()
    stream = await jos_cli.start("subscribe", "--all", "bench/cli", "--max", "1")
    await _open(stream)
    said = await jos_cli.ok("publish", "bench/cli", "from the desk")
    assert "Published private event: bench/cli" in said
    (event,) = (await stream.end()).events()
    assert (event["data"], event["coreid"]) == ("from the desk", "api")
    assert ("bench/cli", b"from the desk") in device.firmware.events


async def test_nyan_makes_a_device_signal_and_stop(jos_cli, desk):
    device = await desk.put()
    await jos_cli.ok("nyan", device.identity.text_id, "on")
    assert device.signalling
    await jos_cli.ok("nyan", device.identity.text_id, "off")
    assert not device.signalling


async def test_device_add_rename_and_remove(jos_cli, server, jo, desk):
    device = await desk.put(claimed=False)
    device_id = device.identity.text_id
    said = await jos_cli.ok("device", "add", device_id.upper())
    assert "Successfully claimed device" in said
    assert "Successfully renamed" in await jos_cli.ok("device", "rename", device_id, "cli_new")
    with server.client(jo.token) as client:
        assert client.get("/v1/devices/cli_new").json()["id"] == device_id
        await jos_cli.ok("device", "remove", "cli_new", "--yes")
        assert client.get(f"/v1/devices/{device_id}").status_code in (403, 404)


@pytest.mark.parametrize("device_id", ["e00fce68ffffffffffffffff", "1234567890"])
async def test_a_device_that_is_unknown_is_not_added(jos_cli, device_id):
    said = await jos_cli.fails("device", "add", device_id)
    assert "Failed to claim device: device not found" in said.splitlines()


async def test_a_device_of_somebody_else_leads_to_the_question_of_a_transfer(
    jos_cli, make_person, server, desk
):
    device = await desk.put(claimed=False)
    device_id = device.identity.text_id
    with server.client(make_person().token) as owner:
        assert owner.post("/v1/devices", json={"id": device_id}).status_code == 200
    adding = await jos_cli.start("device", "add", device_id)
    await adding.says("That device belongs to someone else", 5)
    adding.type("n")
    ended = await adding.end()
    assert "You cannot claim a device owned by someone else" in ended.all
    assert ended.code == 1


async def test_a_transfer_that_was_asked_for_waits_for_the_owner(
    jos_cli, jo, make_person, server, desk
):
    device_id = (await desk.put(claimed=False)).identity.text_id
    with server.client(make_person().token) as owner:
        assert owner.post("/v1/devices", json={"id": device_id}).status_code == 200
        adding = await jos_cli.start("device", "add", device_id)
        await adding.says("That device belongs to someone else", 5)
        adding.type("y")
        ended = await adding.end()
        assert (ended.code, "Transfer requested" in ended.out) == (0, True), ended.all
        requests = owner.get("/v1/transfer_requests").json()
    assert [(one["device_id"], one["requester"]) for one in requests] == [(device_id, jo.username)]


@pytest.mark.parametrize("form", ["pub.pem", "der"])
async def test_a_device_whose_key_was_sent_connects_and_is_added(jos_cli, desk, form):
    identity = make_identity(32, Random())
    key = jos_cli.home / f"device.{form}"
    key.write_bytes(identity.public_pem.encode() if form == "pub.pem" else identity.private_der)
    said = await jos_cli.ok("keys", "send", identity.text_id, str(key))
    assert "submitting public key succeeded" in said
    await desk.put(identity=identity, claimed=False)
    await jos_cli.ok("device", "add", identity.text_id)
    assert f"[{identity.text_id}] (Photon 2 / P2) is online" in await jos_cli.ok(
        "list", identity.text_id
    )


async def test_tokens_are_created_listed_and_revoked(cli, server, make_person):
    jo = make_person()
    await cli.ok("login", "--token", jo.token)

    async def create(*flags: str) -> tuple[str, str]:
        creating = await cli.start("token", "create", *flags)
        await creating.says("Please enter your password")
        creating.type(jo.password)
        said = await creating.end()
        assert said.code == 0, said.all
        return said.out, said.out.split()[-1]

    (short, first), (endless, second) = await asyncio.gather(
        create("--expires-in", "3600"), create("--never-expires")
    )
    assert "New access token expires on" in short
    assert "New access token never expires" in endless
    by_password = httpx.BasicAuth(jo.username, jo.password)
    async with httpx.AsyncClient(auth=by_password, trust_env=False) as client:
        answer = await client.get(f"{server.api_url}/v1/access_tokens")
    expiries = [token["expires_at"] for token in answer.json() if token["client"] == "particle-cli"]
    assert len(expiries) == 2
    assert None in expiries
    said = await cli.ok("token", "revoke", first, second)
    assert "Successfully revoked all provided tokens" in said
    for token in (first, second):
        with server.client(token) as client:
            assert client.get("/v1/user").status_code == 401
    assert "Failed to revoke" in (await cli.run("token", "revoke", first)).all


async def test_what_this_server_does_not_offer_yet_is_said_in_words(jos_cli):
    said = await jos_cli.fails("library", "list")
    assert "not offer" in said


async def _open(stream) -> None:
    """Waits until the stream is open: the CLI ends its spinner with an empty line."""
    await stream.says("\n\n")
