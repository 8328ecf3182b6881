"""What particle-cli says word for word, as its own end-to-end tests compare it.

The CLI prints what the server answered, so each sentence here is also one of ours, or stands for a
field that must be there. What needs a board on USB or a compiler in the cloud is not here.
"""

import asyncio

import pytest
from tests.clients.particle_cli import Said

from roadstead.simulator.firmware import Publication

pytestmark = pytest.mark.system


def lines(said: Said) -> list[str]:
    assert (said.code, said.err.strip()) == (0, ""), said.all
    return said.out.strip().splitlines()


async def test_a_value_is_all_that_get_and_call_print(jos_cli, desk):
    device_id = (await desk.put()).identity.text_id
    called, read, timed = await asyncio.gather(
        jos_cli.run("function", "call", device_id, "length", "123"),
        jos_cli.run("get", device_id, "ratio"),
        jos_cli.run("variable", "get", device_id, "ratio", "--time"),
    )
    assert lines(called) == ["3"]
    assert lines(read) == ["20.4"]
    (line,) = lines(timed)
    moment, _, value = line.partition(", ")
    assert (len(moment.split(":")), value) == (4, "20.4")


async def test_what_is_unknown_is_said_in_so_many_words(jos_cli, desk):
    device_id = (await desk.put()).identity.text_id
    call, get = await asyncio.gather(
        jos_cli.run("call", device_id, "WATNOPE"), jos_cli.run("get", device_id, "NOPE")
    )
    assert (call.code, call.err) == (1, "")
    assert call.out.strip() == "Function call failed: Function `WATNOPE` not found"
    assert (get.code, get.err) == (1, "")
    assert get.out.strip().splitlines() == [
        "Error: Unknown Variable: NOPE",
        "Some variables could not be read",
    ]


async def test_a_variable_that_was_not_named_is_picked_from_a_list(jos_cli, desk):
    device_id = (await desk.put()).identity.text_id
    picking = await jos_cli.start("variable", "get", device_id)
    await picking.says("Which variable did you want?")
    picking.type("")
    said = await picking.end()
    assert said.code == 0, said.all


async def test_the_list_is_filtered_by_platform_state_name_and_id(jos_cli, desk):
    device_id = (await desk.put()).identity.text_id
    await jos_cli.ok("cloud", "name", device_id, "sentence_lamp")
    meant = ("", "argon", "sentence_lamp", device_id, "online")
    others = ("photon", "offline", "non-existent-device-name")
    commands = [["cloud", "list", *word.split()] for word in (*meant, *others)]
    answers = await asyncio.gather(*(jos_cli.run(*command) for command in commands))
    assert {(said.code, said.err) for said in answers} == {(0, "")}
    listed = [f"sentence_lamp [{device_id}] (Argon)" in said.out for said in answers]
    assert listed == [True] * len(meant) + [False] * len(others)


async def test_a_device_is_claimed_named_and_removed(jos_cli, desk):
    device_id = (await desk.put(claimed=False)).identity.text_id
    for written in (device_id, device_id.upper()):
        said = lines(await jos_cli.run("cloud", "claim", written))
        assert f"Claiming device {written}" in said
        assert f"Successfully claimed device {written}" in said
    said = lines(await jos_cli.run("cloud", "name", device_id, "sentence_pot"))
    assert f"Renaming device {device_id}" in said
    assert f"Successfully renamed device {device_id} to: sentence_pot" in said
    said = lines(await jos_cli.run("cloud", "remove", "sentence_pot", "--yes"))
    assert {"releasing device sentence_pot", "Okay!"} <= set(said)


async def test_a_device_that_cannot_be_claimed(jos_cli, make_person, server, desk):
    said = await jos_cli.run("cloud", "claim", "1234567890")
    assert (said.code, said.err) == (1, "")
    assert said.out.strip().splitlines() == [
        "Claiming device 1234567890",
        "Failed to claim device: device not found",
    ]
    device_id = (await desk.put(claimed=False)).identity.text_id
    with server.client(make_person().token) as owner:
        owner.post("/v1/devices", json={"id": device_id}).raise_for_status()
    claiming = await jos_cli.start("cloud", "claim", device_id)
    question = "That device belongs to someone else. Would you like to request a transfer?"
    await claiming.says(question)
    claiming.type("n")
    said = await claiming.end()
    refusal = "Failed to claim device: You cannot claim a device owned by someone else"
    assert (said.code, refusal in said.all) == (1, True), said.all


async def test_events_follow_the_line_that_names_their_device(jos_cli, desk):
    device = await desk.put()
    device_id = device.identity.text_id
    stream = await jos_cli.start("subscribe", "--device", device_id)
    await stream.says("\n\n")
    for text in (b"ON", b"OFF", b"ON"):
        await device.publish_and_wait(Publication("led", text))
    await stream.says('"data":"OFF"')
    said = await stream.interrupt()
    assert said.out.splitlines()[0] == f"Subscribing to all events from device {device_id}'s stream"
    first, second = said.events()[:2]
    assert [one["name"] for one in (first, second)] == ["led", "led"]
    assert [one["data"] for one in (first, second)] == ["ON", "OFF"]
    assert {one["coreid"] for one in (first, second)} == {device_id}


async def test_an_event_without_data_is_published(jos_cli):
    said = await jos_cli.run("publish", "sentence/event")
    assert (said.code, said.err) == (0, "")
    assert "sentence/event" in said.out


async def test_signing_in_out_and_in_vain(cli, make_person):
    person = make_person()
    said = await cli.run("login", "-u", "watnope@example.com", "-p", "WATNOPEWATWATNOPENOPE")
    assert said.code == 1
    assert "There was an error logging you in!" in said.out
    assert "It seems we're having trouble with logging in." in said.out
    assert "User credentials are invalid" in said.err
    wrong = await cli.start("login")
    await wrong.says("Please enter your email address")
    wrong.type(person.username)
    await wrong.says("Please enter your password")
    wrong.type("WATNOPEWATWATNOPENOPE")
    await wrong.says("There was an error logging you in! Let's try again.")
    await wrong.interrupt()
    assert "Successfully completed login!" in await cli.ok(
        "login", "--username", person.username, "--password", person.password
    )
    assert f"You have been logged out from {person.username}" in await cli.ok("logout")
    words = "You're not logged in. Run `particle login` to authenticate."
    for command in (["whoami"], ["publish", "sentence/event"]):
        said = await cli.run(*command)
        assert (said.code, said.err) == (1, "")
        assert words in said.out
