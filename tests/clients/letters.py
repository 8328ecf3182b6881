"""What the server wrote to people; without a mail server it puts letters into its data folder."""

import asyncio
import email
import email.policy

from tests.system.harness import RoadsteadServer


async def read_letter(server: RoadsteadServer, to: str, timeout_s: float = 5.0) -> str:
    """The text of the newest letter to an address, as soon as there is one."""
    async with asyncio.timeout(timeout_s):
        while not (found := _letters(server, to)):
            await asyncio.sleep(0.05)
    return found[-1]


def _letters(server: RoadsteadServer, to: str) -> list[str]:
    texts = []
    for path in sorted((server.data_dir / "outbox").glob("*.eml")):
        letter = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        if letter["To"] == to:
            texts.append(letter.get_content())
    return texts
