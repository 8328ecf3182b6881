"""What ``roadstead rollout`` works with: the service on a data folder, products, policies."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import typer

from roadstead.cli.operator import OperatorParts, operate
from roadstead.kit.clock import SystemClock
from roadstead.kit.errors import Invalid, NotFound
from roadstead.products.model import Product
from roadstead.products.store import find_product, find_product_by_slug
from roadstead.rollouts import store
from roadstead.rollouts.model import Policy, check_policy
from roadstead.rollouts.service import Draft, RolloutService
from roadstead.storage.database import Database

POLICY_BYTES_MAX: Final = 64 * 1024

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class RolloutDesk:
    """Rollouts of one data folder, whether or not a server runs on it.

    What is committed here a running server takes up within a second, by the outbox; one that does
    not run does it when it starts.
    """

    service: RolloutService
    database: Database

    async def product(self, ref: str) -> Product:
        """A product by its number or its slug.

        Raises:
            NotFound: ``product_not_found``.
        """
        if ref.isascii() and ref.isdigit() and len(ref) <= 5:
            found = await self.database.read(lambda conn: find_product(conn, int(ref)))
        else:
            found = await self.database.read(lambda conn: find_product_by_slug(conn, ref))
        if found is None:
            raise NotFound("product_not_found", f"There is no product {ref!r} on this server.")
        return found

    async def product_of(self, rollout_id: str) -> Product:
        """The product of a rollout.

        Raises:
            NotFound: ``rollout_not_found``.
        """
        found = await self.database.read(lambda conn: store.find_any(conn, rollout_id))
        if found is None:
            text = f"There is no rollout {rollout_id!r}; `roadstead rollout list` names them."
            raise NotFound("rollout_not_found", text)
        return await self.product(str(found.product_id))


def with_rollouts(data_dir: str | None, work: Callable[[RolloutDesk], Awaitable[Result]]) -> Result:
    """Runs ``work`` on the rollouts of a data folder."""

    async def run(parts: OperatorParts) -> Result:
        service = RolloutService(parts.database, SystemClock(), _nobody, _nobody)
        return await work(RolloutDesk(service, parts.database))

    return operate(data_dir, run)


def _nobody() -> None:
    """The outbox row is all that a server needs."""


def parse_policy(text: str, stages: str | None) -> Policy:
    """A policy from JSON, or from ``@FILE``; ``stages`` with commas replaces its stages.

    Raises:
        Invalid: ``bad_policy``, and see ``check_policy``.
    """
    content = _read(text[1:]) if text.startswith("@") else text.encode()
    try:
        policy = msgspec.json.decode(content, type=Policy)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise Invalid("bad_policy", f"--policy cannot be read: {error}.") from error
    if stages is not None:
        parts = tuple(part.strip() for part in stages.split(",") if part.strip())
        policy = msgspec.structs.replace(policy, stages=parts)
    return check_policy(policy)


def _read(name: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            content = file.read(POLICY_BYTES_MAX + 1)
    except OSError as error:
        raise typer.BadParameter(f"cannot read {name}: {error.strerror}") from None
    if len(content) > POLICY_BYTES_MAX:
        raise typer.BadParameter(f"{name} is longer than {POLICY_BYTES_MAX} bytes")
    return content


def make_draft(
    version: int,
    groups: list[str] | None,
    filter_text: str,
    policy: Policy,
    *,
    plan: str | None = None,
    override_reason: str | None = None,
) -> Draft:
    """What the options of ``plan`` and ``start`` ask for."""
    return Draft(
        version=version,
        groups=tuple(groups or ()),
        filter_text=filter_text,
        policy=policy,
        id=plan,
        override_reason=override_reason,
    )
