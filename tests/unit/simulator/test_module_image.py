"""What a virtual device reads of an image, and what it does not take."""

import pytest
from tests.builders.firmware import make_image
from tests.vectors.test_update_replay import IMAGES

from roadstead.firmware.images.platforms import PLATFORMS
from roadstead.simulator.module_image import (
    ERROR_CHECKSUM,
    ERROR_NO_HEADER,
    ERROR_PLATFORM,
    ImageRefused,
    read_image,
)


@pytest.mark.parametrize("platform_id", sorted(PLATFORMS))
def test_images_of_every_platform_are_read(platform_id: int) -> None:
    facts = read_image(make_image(7, platform_id), platform_id)
    assert (facts.platform_id, facts.product_version) == (platform_id, 7)
    assert facts.product_id == platform_id
    assert facts.system_version_needed() == PLATFORMS[platform_id].system_version


@pytest.mark.parametrize(
    ("name", "platform_id", "version"),
    [
        ("boron_v1.bin", 13, 1),
        ("boron_v2.bin", 13, 2),
        ("photon_v3.bin", 6, 3),
        ("p2_v7.bin", 32, 7),
    ],
)
def test_images_of_another_builder_are_read(name: str, platform_id: int, version: int) -> None:
    facts = read_image((IMAGES / name).read_bytes(), platform_id)
    assert (facts.product_id, facts.product_version) == (1234, version)


def refusal(file: bytes, platform_id: int = 13) -> int:
    with pytest.raises(ImageRefused) as error:
        read_image(file, platform_id)
    return error.value.code


def test_broken_images_are_refused_as_a_device_does() -> None:
    image = make_image(7)
    assert refusal(b"") == ERROR_NO_HEADER
    assert refusal(image[:-1]) == ERROR_NO_HEADER
    assert refusal(image[:100] + b"x" + image[101:]) == ERROR_CHECKSUM
    assert refusal(image, 32) == ERROR_PLATFORM
