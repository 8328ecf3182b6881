"""Files of devices, at once and as jobs."""

import asyncio
import csv
import io

import pytest
from tests.builders.cloud import Cloud, Person, make_device_id
from tests.builders.products import counts, get_device, list_ids, make_product

from roadstead.products import importing

ONE, TWO, THREE = (make_device_id(number) for number in (1, 2, 3))


@pytest.fixture
async def product(jo: Person) -> dict:
    return await make_product(jo)


async def send(person: Person, product: dict, content: bytes, **query):
    path = f"/v1/products/{product['id']}/devices"
    files = {"file": ("file", content)}
    return await person.client.post(path, files=files, params=query)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
async def test_a_file_of_any_system_is_read(jo: Person, product: dict, line_end, encoding):
    lines = ["# our first batch", ONE, "", f'"{TWO.upper()}",box 2', f"  {THREE}  ", ONE, "ü"]
    report = (await send(jo, product, line_end.join(lines).encode(encoding))).json()
    assert report["updatedDeviceIds"] == [ONE, TWO, THREE]
    assert report["invalidDeviceIds"] == ["ü"]
    assert report["lines"] == {"total": 7, "duplicate": 1, "comment": 1, "blank": 1}


async def test_a_file_may_be_anything_and_is_accounted_for(jo: Person, product: dict):
    content = b"\xff\xfe\x00\n" + b"x" * 3000 + b"\n" + ONE.encode() + b"\n\x00\n=1+1\n"
    report = (await send(jo, product, content)).json()
    known = sum(len(report[name]) for name in report if name.endswith("DeviceIds"))
    others = {name: n for name, n in report["lines"].items() if name != "total"}
    assert known + sum(others.values()) == report["lines"]["total"]
    answer = await send(jo, product, b"")
    assert answer.json()["lines"]["total"] == 0
    path = f"/v1/products/{product['id']}/devices"
    assert (await jo.client.post(path, json={})).json()["error"] == "invalid_request"


async def finished(person: Person, document: dict) -> dict:
    path = document["result"].removesuffix("/result")
    async with asyncio.timeout(20):
        while True:
            found = (await person.client.get(path)).json()["device_import"]
            if found["state"] == "done":
                return found
            await asyncio.sleep(0.02)


async def test_a_job_accounts_for_every_line(cloud: Cloud, jo: Person, stranger, product: dict):
    ids = [make_device_id(number) for number in range(1, 1301)]
    lines = [*ids, "nonsense", "# end", ids[0], ids[1299]]
    answer = await send(
        jo, product, "\n".join(lines).encode(), **{"async": "true", "groups": "first"}
    )
    assert answer.status_code == 202
    started = answer.json()["device_import"]
    assert started["total_lines"] == 1304 and started["created_by"] == "jo@example.com"
    done = await finished(jo, started)
    assert done["done_lines"] == 1304
    assert done["counts"] == {"imported": 1300, "invalid": 1, "comment": 1, "duplicate": 2}
    result = await jo.client.get(done["result"])
    rows = list(csv.reader(io.StringIO(result.text)))
    assert rows[0] == ["line", "input", "device_id", "result", "code", "reason"]
    assert [row[0] for row in rows[1:]] == [str(n) for n in range(1, 1305)]
    assert [row[3] for row in rows[-4:]] == ["invalid", "comment", "duplicate", "duplicate"]
    assert await counts(jo, product) == (1300, 0, 0)
    group = (await jo.client.get(f"/v1/products/{product['id']}/groups/first")).json()["group"]
    assert group["device_count"] == 1300
    path = f"/v1/products/{product['id']}/device_imports"
    assert (await jo.client.get(path)).json() == {"device_imports": [done]}
    for end in ("", f"/{done['id']}", f"/{done['id']}/result"):
        assert (await stranger.client.get(path + end)).status_code == 404
    other = await make_product(jo, "Other")
    wrong = f"/v1/products/{other['id']}/device_imports/{done['id']}"
    assert (await jo.client.get(wrong)).json()["error"] == "import_not_found"


async def test_a_long_file_without_a_job_is_answered_whole(cloud: Cloud, jo: Person, product):
    ids = [make_device_id(number) for number in range(1, 1101)]
    answer = await send(jo, product, "\n".join([*ids, ids[0], "??"]).encode())
    report = answer.json()
    assert answer.status_code == 200
    assert report["updated"] == 1100 and report["updatedDeviceIds"] == ids
    assert report["invalidDeviceIds"] == ["??"] and report["existingDeviceIds"] == []
    assert report["lines"] == {"total": 1102, "duplicate": 1, "comment": 0, "blank": 0}


async def test_lines_that_make_the_server_fail_are_accounted_for(cloud, jo, product, monkeypatch):
    import_lines = importing.Importer.import_lines

    def fail_once(self, conn, product_id, actor, order, lines, at):
        if any(line.text == TWO for line in lines):
            raise RuntimeError("a fault")
        return import_lines(self, conn, product_id, actor, order, lines, at)

    monkeypatch.setattr(importing.Importer, "import_lines", fail_once)
    fillers = [make_device_id(number) for number in range(10, 510)]
    lines = [TWO, *fillers[:499], ONE]
    started = (await send(jo, product, "\n".join(lines).encode(), **{"async": "true"})).json()
    done = await finished(jo, started["device_import"])
    assert done["counts"] == {"invalid": 500, "imported": 1}
    assert await list_ids(jo, product) == [ONE]
    rows = list(csv.reader(io.StringIO((await jo.client.get(done["result"])).text)))
    assert rows[1][4] == "internal_error"


async def test_a_plan_lets_in_what_fits_and_names_the_rest(cloud: Cloud, jo: Person, admin):
    await cloud.parts.people.plans.set_plan("jo@example.com", "product", _operator())
    product = await make_product(jo)
    ids = [make_device_id(number) for number in range(1, 252)]
    report = (await send(jo, product, "\n".join(ids).encode())).json()
    assert report["updated"] == 250
    assert report["limitedDeviceIds"] == [ids[250]]
    assert (await get_device(jo, product, ids[249]))["id"] == ids[249]
    assert await counts(jo, product) == (250, 0, 0)


def _operator():
    from roadstead.identity.model import OPERATOR

    return OPERATOR
