"""What particle-cli says word for word about products, integrations and tokens.

As in test_cli_sentences: the checks of the CLI's own end-to-end tests, where they need no board on
USB. One thing differs by decision: an id that nobody knows yet is imported, not refused. And where
those tests want "HTTP error 404", this CLI shows the server's own sentence instead.
"""

import asyncio
import json
import re

import pytest
from tests.clients.particle_cli import Said

pytestmark = pytest.mark.system

ARGON = 12
FIRST, SECOND = "e00fce68bbbbbbbbbbbbbb01", "e00fce68bbbbbbbbbbbbbb02"
LISTED = """denied development firmware_product_id groups iccid id imei last_handshake_at last_iccid
last_ip_address name notes online owner platform_id product_id quarantined serial_number
system_firmware_version targeted_firmware_release_version user_id"""
SHOWN = """cellular connected current_build_target default_build_target denied development
firmware_product_id firmware_updates_enabled firmware_updates_forced firmware_version functions
groups iccid id imei last_handshake_at last_heard last_iccid last_ip_address mobile_secret name
notes online owner pinned_build_target platform_id product_id quarantined serial_number status
system_firmware_version targeted_firmware_release_version variables"""


def quiet(said: Said, code: int = 0) -> str:
    """What was said, of a command that says nothing on stderr."""
    assert (said.code, said.err.strip()) == (code, ""), said.all
    return said.out


@pytest.fixture
def product(server, jo) -> str:
    """Number of a product of Jo's with two devices, pot and pan; pan is in the group beta."""
    with server.client(jo.token) as client:
        number = len(client.get("/v1/user/products").json()["products"])
        body = {"product": {"name": f"kitchen {number}", "platform_id": ARGON}}
        made = client.post("/v1/user/products", json=body).json()["product"]["id"]
        devices = f"/v1/products/{made}/devices"
        for device_id, name in ((FIRST, "pot"), (SECOND, "pan")):
            client.post(devices, json={"id": device_id}).raise_for_status()
            client.put(f"{devices}/{device_id}", json={"name": name}).raise_for_status()
        groups = {"action": "groups", "devices": [SECOND], "metadata": {"add": ["beta"]}}
        client.put(devices, json=groups).raise_for_status()
        yield str(made)
        for device_id in (FIRST, SECOND):
            client.delete(f"{devices}/{device_id}")


async def test_devices_of_a_product_are_listed_and_filtered(jos_cli, product):
    labels = [f"{name} [{i}] (Product {product})" for name, i in (("pot", FIRST), ("pan", SECOND))]
    filters = ([], ["--name", "pan"], ["--groups", "beta"], ["--limit", "1"])
    listing = ["product", "device", "list", product]
    answers = await asyncio.gather(*(jos_cli.run(*listing, *words) for words in filters))
    found = [[label in quiet(said) for label in labels] for said in answers]
    assert found[:3] == [[True, True], [False, True], [False, True]]
    assert sum(found[3]) == 1
    assert labels[0] in quiet(await jos_cli.run(*listing, FIRST))


async def test_a_device_of_a_product_is_shown_with_its_functions(jos_cli, product, desk):
    device_id = (await desk.put(claimed=False)).identity.text_id
    await jos_cli.ok("product", "device", "add", product, device_id)
    said = quiet(await jos_cli.run("product", "device", "list", product, device_id))
    assert f"[{device_id}] (Product {product})" in said
    assert "Functions:" in said
    await jos_cli.ok("product", "device", "remove", product, device_id)


async def test_devices_of_a_product_as_json(jos_cli, product):
    listing = ["product", "device", "list", product]
    listed, shown = await asyncio.gather(
        jos_cli.run(*listing, "--json"), jos_cli.run(*listing, SECOND, "--json")
    )
    document = json.loads(quiet(listed))
    assert set(document) == {"meta", "data"}
    assert set(document["meta"]) == {"version", "current", "next", "previous"}
    assert sorted(one["id"] for one in document["data"]) == [FIRST, SECOND]
    assert {str(one["product_id"]) for one in document["data"]} == {product}
    for one in document["data"]:
        assert set(LISTED.split()) - set(one) == set()
    document = json.loads(quiet(shown))
    assert (document["data"]["id"], document["data"]["name"]) == (SECOND, "pan")
    assert set(document["meta"]) == {"version"}
    assert set(SHOWN.split()) - set(document["data"]) == set()


async def test_what_is_not_there_is_said_in_words(jos_cli, product):
    no_product = "you have no product 'LOLWUTNOPE'"
    no_device = "Device not found for this product"
    for words, reason in (
        (["list", "LOLWUTNOPE"], no_product),
        (["add", "LOLWUTNOPE", FIRST], no_product),
        (["remove", "LOLWUTNOPE", FIRST], no_product),
        (["list", product, "LOLWUTNOPE"], no_device),
    ):
        said = await jos_cli.run("product", "device", *words)
        assert reason in quiet(said, 1)
        if words[0] == "list":
            said = await jos_cli.run("product", "device", *words, "--json")
            document = json.loads(quiet(said, 1))
            assert (set(document), set(document["meta"])) == ({"meta", "error"}, {"version"})
            assert reason in document["error"]["message"]
    said = quiet(await jos_cli.run("product", "device", "remove", product, "0" * 23 + "1"), 1)
    assert no_device in said


async def test_nobody_sees_a_product_without_signing_in(cli, product):
    for more in ([], ["--json"], [FIRST], [FIRST, "--json"]):
        said = await cli.run("product", "device", "list", product, *more)
        assert "You're not logged in." in quiet(said, 1)


async def test_devices_are_added_one_by_one_and_by_file(jos_cli, product, tmp_path):
    adding = ["product", "device", "add", product]
    file = tmp_path / "ids.txt"

    async def add(content: str) -> str:
        file.write_bytes(content.encode())
        return quiet(await jos_cli.run(*adding, "--file", str(file)))

    includes = f"Success!\n\nProduct {product} Includes:\n"
    for _ in range(2):  # what is there already counts as added
        said = quiet(await jos_cli.run(*adding, FIRST)) + "\n"
        assert includes in said
        assert f"  {FIRST}\n" in said
    for between in ("\n", "\r\n"):
        said = await add(between.join((FIRST, SECOND))) + "\n"
        assert includes in said
        assert f"  {FIRST}\n  {SECOND}\n" in said
        assert "Skipped" not in said
    said = await add("\n".join(("WAT", FIRST, "NOPE", SECOND, "NOPE", "LOL"))) + "\n"
    assert includes in said
    assert "Skipped Non-Member IDs:" not in said
    skipped = said.partition("Skipped Invalid IDs:\n")[2]
    assert [line for line in ("  WAT\n", "  NOPE\n", "  LOL\n") if line not in skipped] == []
    file.write_bytes(b"")
    assert "ids.txt is empty" in quiet(await jos_cli.run(*adding, "--file", str(file)), 1)


async def test_a_device_is_removed(jos_cli, product):
    said = quiet(await jos_cli.run("product", "device", "remove", product, FIRST))
    assert f"Success! Removed device {FIRST} from product {product}" in said


@pytest.mark.parametrize("command", ["webhook", "integration"])
async def test_integrations_are_made_listed_and_deleted(jos_cli, command):
    made = [command, "create", f"kitchen-{command}", "https://example.com/hook"]
    ids = []
    for _ in range(2):
        said = quiet(await jos_cli.run(*made)).strip()
        found = re.search(r"Successfully created webhook with ID (.*)$", said)
        assert found, said
        ids.append(found[1])
    watching = re.compile(rf'Integration ID (.*) is watching for "kitchen-{command}"')
    assert set(watching.findall(quiet(await jos_cli.run(command, "list")))) == set(ids)
    assert quiet(await jos_cli.run(command, "delete", ids[0])).strip() == ""
    assert watching.findall(quiet(await jos_cli.run(command, "list"))) == [ids[1]]
    await jos_cli.ok(command, "delete", ids[1])


async def test_monitoring_begins_with_how_to_end_it(jos_cli, desk):
    device_id = (await desk.put()).identity.text_id
    for more in ([], ["--delay", "600"]):
        monitor = await jos_cli.start("monitor", device_id, "ratio", *more)
        await monitor.says("20.4\n20.4\n")
        said = await monitor.interrupt()
        assert "Hit CTRL-C to stop!" in said.all


@pytest.mark.parametrize(
    "command",
    [
        ["logic-function", "list"],
        ["library", "search", "dotstar"],
        ["library", "view", "dotstar"],
        ["config", "secrets", "list", "--sandbox"],
        ["compile", "argon", "app.ino"],
    ],
)
async def test_what_is_not_offered_ends_with_a_sentence_and_keeps_the_sign_in(jos_cli, command):
    (jos_cli.home / "app.ino").write_text("void setup() {}\nvoid loop() {}\n")
    said = await jos_cli.run(*command)
    assert said.code != 0, said.all
    assert "not offered by this version of the server" in said.all
    assert jos_cli.profile["access_token"]
