"""What the releases of Device OS do differently on the wire, as one table.

Spec: device protocol notes §1.4, §1.7, §3.3, §3.5, §3.7, §3.8, §5.7.
"""

from dataclasses import dataclass
from typing import Literal

from roadstead.protocol.dtls.client import ResumeMarker

CURRENT_TRANSFER_FLAG = 0x80
"""Hello flag of devices that take the current update transfer, and no other."""

FIRST_WITHOUT_PRODUCT_ID = 4000
"""From Device OS 4 on the Hello names the platform where older ones name the product."""

FIRST_THAT_CHECKS_MODULES = 3000
"""From Device OS 3 on an image that needs newer modules is refused before it is applied."""

GOODBYE_FLAG = 0x10
"""Hello flag of devices that say goodbye. Spec: device protocol notes §3.3."""

DescribeForm = Literal["protobuf", "json", "combined"]
"""How modules are described: protobuf of 5.5 and later, JSON of 2.0 to 5.4, or one JSON object with
functions and variables that the server asks for, up to 1.x."""


@dataclass(frozen=True, slots=True)
class Generation:
    """The behaviour of one release on the wire.

    Attributes:
        name: the release as people write it, ``6.2``.
        system_version: module version of the system part (6.2.0 is 6200).
        connection_id: whether the device asks for a connection id in its handshake.
        resume_marker: record type of the first records after a resume, None for no marker.
        hello_flags: flags of its Hello (device protocol notes §3.3).
        hello_limits: whether its Hello ends with version, sizes and chunk length (3.0 and later).
        posts_describe: whether it posts its describes itself (2.0 and later).
        describe_token: whether these posts carry a token (3.3 and later).
        describe_form: see DescribeForm.
        event_max_age_always: whether every event carries a Max-Age of 3 bytes (6.1 and older).
        subscription_scope: whether a subscription says that it means the owner's devices (``?u``).
        max_message_bytes: largest CoAP message that it takes.
        time_last: whether it asks for the time after all else (1.x) and not early on.
    """

    name: str
    system_version: int
    connection_id: bool
    resume_marker: ResumeMarker
    hello_flags: int
    hello_limits: bool
    posts_describe: bool
    describe_token: bool
    describe_form: DescribeForm
    event_max_age_always: bool
    subscription_scope: bool
    max_message_bytes: int
    time_last: bool = False

    @property
    def says_goodbye(self) -> bool:
        """Whether it says goodbye before it sleeps (2.0 and later)."""
        return bool(self.hello_flags & GOODBYE_FLAG)

    @property
    def takes_current_transfer(self) -> bool:
        """Whether it takes the current update transfer (3.0 and later), else the classic one."""
        return bool(self.hello_flags & CURRENT_TRANSFER_FLAG)

    @property
    def names_product(self) -> bool:
        """Whether its Hello names the product that its image was built for (3.x and older)."""
        return self.system_version < FIRST_WITHOUT_PRODUCT_ID

    @property
    def checks_modules(self) -> bool:
        """Whether it refuses an image that needs newer modules, and does not end in safe mode."""
        return self.system_version >= FIRST_THAT_CHECKS_MODULES


GENERATIONS: dict[str, Generation] = {
    generation.name: generation
    for generation in (
        Generation(
            name="6.2",
            system_version=6200,
            connection_id=True,
            resume_marker=253,
            hello_flags=0x00F6,
            hello_limits=True,
            posts_describe=True,
            describe_token=True,
            describe_form="protobuf",
            event_max_age_always=False,
            subscription_scope=False,
            max_message_bytes=1152,
        ),
        Generation(
            name="3.1",
            system_version=3100,
            connection_id=True,
            resume_marker=None,
            hello_flags=0x00F6,
            hello_limits=True,
            posts_describe=True,
            describe_token=False,
            describe_form="json",
            event_max_age_always=True,
            subscription_scope=True,
            max_message_bytes=1152,
        ),
        Generation(
            name="3.0",
            system_version=3000,
            connection_id=False,
            resume_marker=254,
            hello_flags=0x00F6,
            hello_limits=True,
            posts_describe=True,
            describe_token=False,
            describe_form="json",
            event_max_age_always=True,
            subscription_scope=True,
            max_message_bytes=1152,
        ),
        Generation(
            name="1.5",
            system_version=1512,
            connection_id=False,
            resume_marker=254,
            hello_flags=0x0006,
            hello_limits=False,
            posts_describe=False,
            describe_token=False,
            describe_form="combined",
            event_max_age_always=True,
            subscription_scope=True,
            max_message_bytes=800,
            time_last=True,
        ),
    )
}
"""The generations that the simulator can be, by name."""

LATEST = GENERATIONS["6.2"]
