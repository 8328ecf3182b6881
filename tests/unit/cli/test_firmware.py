import json

import pytest

from roadstead.cli.entry import run
from roadstead.firmware.images.bundle import parse_bundle
from roadstead.firmware.images.image import parse_image
from roadstead.firmware.images.platforms import PLATFORMS


@pytest.mark.parametrize("platform", [one.name for one in PLATFORMS.values()])
def test_an_image_is_made_for_each_platform_and_is_the_same_each_time(tmp_path, capsys, platform):
    first, second = tmp_path / "a.bin", tmp_path / "b.bin"
    for path in (first, second):
        line = ["firmware", "build-image", str(path), "--platform", platform, "--version", "7"]
        assert run([*line, "--size", "2K"]) == 0
    assert first.read_bytes() == second.read_bytes()
    image = parse_image(first.read_bytes())
    assert (PLATFORMS[image.platform_id].name, image.product_version) == (platform, 7)
    assert f"wrote {second}: image for {platform}, version 7" in capsys.readouterr().out


def test_a_bundle_with_a_need_and_a_product_is_made_and_inspected(tmp_path, capsys):
    sound, out = tmp_path / "ding.wav", tmp_path / "out.zip"
    sound.write_bytes(b"ding" * 100)
    what = ["--platform", "32", "--version", "3", "--product-id", "12345"]
    more = ["--needs-device-os", "6301", "--asset", str(sound)]
    assert run(["firmware", "build-image", str(out), *what, *more]) == 0
    assert parse_bundle(out.read_bytes()).assets == {"ding.wav": b"ding" * 100}
    capsys.readouterr()
    assert run(["firmware", "inspect", str(out), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["assets"] == {"ding.wav": 400}
    [module] = document["modules"]
    assert module["product_id"] == 12345
    assert module["needs"] == ["system 1 version 6301"]
    assert run(["firmware", "inspect", str(out)]) == 0
    assert "expects assets  ding.wav" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--platform", "nope"], "known are core"),
        (["--platform", "boron", "--size", "99M"], "no size"),
        (["--platform", "boron", "--size", "1K", "--body", "x"], "exclude"),
        (["--platform", "boron", "--body", "/nowhere"], "cannot read"),
    ],
)
def test_wrong_words_are_refused_in_one_line(tmp_path, capsys, words, says):
    out = tmp_path / "x.bin"
    assert run(["firmware", "build-image", str(out), "--version", "1", *words]) == 2
    assert says in capsys.readouterr().err
    assert not out.exists()


def test_a_broken_image_is_said_to_be_so(tmp_path, capsys):
    path = tmp_path / "a.bin"
    assert run(["firmware", "build-image", str(path), "--platform", "p2", "--version", "1"]) == 0
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    assert run(["firmware", "inspect", str(path)]) == 2
    assert "damaged" in capsys.readouterr().err
