"""``roadstead rollout``: plan, start, follow, steer, report and explain rollouts.

The commands work on the data folder, so that a rollout can be stopped while the web edge does not
answer. JSON is that of the API.
"""

import asyncio
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
import typer

from roadstead.cli import rollout_words as words
from roadstead.cli.data_folder import DataDir
from roadstead.cli.rollout_parts import (
    RolloutDesk,
    make_draft,
    parse_policy,
    with_rollouts,
)
from roadstead.http.rollouts.rollout_documents import (
    RolloutAnswer,
    explanation_answer,
    look_document,
    plan_answer,
    reported_document,
    rollout_document,
    stage_documents,
)
from roadstead.identity.model import OPERATOR
from roadstead.rollouts.model import AT_ONCE, Rollout
from roadstead.rollouts.reporting import CSV_HEADER, to_csv

WATCH_S = 2.0
PAGE = 1000

ProductRef = Annotated[
    str, typer.Argument(metavar="PRODUCT", help="Its number or its slug.", show_default=False)
]
Version = Annotated[int, typer.Argument(metavar="VERSION", min=1, max=65534)]
RolloutId = Annotated[str, typer.Argument(metavar="ROLLOUT", help="As `list` shows it.")]
Groups = Annotated[
    list[str] | None, typer.Option("--group", metavar="NAME", help="Only these groups; repeat it.")
]
Filter = Annotated[
    str, typer.Option("--filter", metavar="TEXT", help='As "firmware < 5 and online = yes".')
]
PolicyText = Annotated[
    str, typer.Option("--policy", metavar="JSON|@FILE", help="See docs/rollouts.md.")
]
Stages = Annotated[
    str | None, typer.Option("--stages", metavar="5,5%,100%", help="Running totals.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document, as the API gives it.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(
        help="Rollouts: a version in stages, watched by a gate.", no_args_is_help=True
    )
    for name, command in (
        ("plan", plan),
        ("start", start),
        ("list", list_rollouts),
        ("show", show),
        ("pause", pause),
        ("resume", resume),
        ("approve", approve),
        ("abort", abort),
        ("report", report),
        ("explain", explain),
        ("policy", policy),
    ):
        group.command(name)(command)
    app.add_typer(group, name="rollout")


def plan(
    product: ProductRef,
    version: Version,
    group: Groups = None,
    filter_text: Filter = "",
    policy_text: PolicyText = "{}",
    stages: Stages = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Say who would get a version in which stage, who not and why, and what it takes."""
    draft = make_draft(
        version,
        group,
        filter_text,
        parse_policy(policy_text, stages),
        override_reason="a plan changes nothing",
    )

    async def work(desk: RolloutDesk) -> None:
        rollout, made = await desk.service.plan(OPERATOR, await desk.product(product), draft)
        answer = plan_answer(rollout, made)
        _print([_json(answer)] if as_json else words.plan_lines(answer))

    with_rollouts(data_dir, work)


def start(
    product: ProductRef,
    version: Version,
    group: Groups = None,
    filter_text: Filter = "",
    policy_text: PolicyText = "{}",
    stages: Stages = None,
    from_plan: Annotated[
        str | None, typer.Option("--plan", metavar="ID", help="Draw as this plan did.")
    ] = None,
    override_reason: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Why, if the version has not run on a device yet."),
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Start a rollout. A running server begins within a second, a stopped one when it starts."""
    draft = make_draft(
        version,
        group,
        filter_text,
        parse_policy(policy_text, stages),
        plan=from_plan,
        override_reason=override_reason,
    )

    async def work(desk: RolloutDesk) -> None:
        made = await desk.service.create(OPERATOR, await desk.product(product), draft)
        _tell(made, as_json)

    with_rollouts(data_dir, work)


def list_rollouts(
    product: ProductRef,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="The newest so many.")] = 20,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """List the rollouts of a product, the newest first."""

    async def work(desk: RolloutDesk) -> None:
        of = await desk.product(product)
        page = await desk.service.list_rollouts(of, page=1, per_page=limit)
        found = [rollout_document(one) for one in page.items]
        _print([_json({"rollouts": found})] if as_json else map(words.line_of, found))

    with_rollouts(data_dir, work)


def show(
    rollout: RolloutId,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show it again when it changes, until it is over.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show how far a rollout is: stages, devices, what the gate said last."""

    async def work(desk: RolloutDesk) -> None:
        shown: list[str] = []
        while True:
            answer = await _answer(desk, rollout)
            lines = [_json(answer)] if as_json else list(words.progress_lines(answer))
            if lines != shown:
                _print(lines)
                shown = lines
            if not watch or answer.rollout.ended_at is not None:
                return
            await asyncio.sleep(WATCH_S)

    with_rollouts(data_dir, work)


def pause(rollout: RolloutId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Send nothing new until it is resumed; what is on its way arrives."""

    async def work(desk: RolloutDesk) -> None:
        of = await desk.product_of(rollout)
        _tell(await desk.service.pause(OPERATOR, of, rollout), as_json)

    with_rollouts(data_dir, work)


def resume(rollout: RolloutId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Go on; a stage that was held for a person is released by it."""

    async def work(desk: RolloutDesk) -> None:
        of = await desk.product_of(rollout)
        _tell(await desk.service.resume(OPERATOR, of, rollout), as_json)

    with_rollouts(data_dir, work)


def approve(rollout: RolloutId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Let a rollout start that another person made; one made by this command cannot be."""

    async def work(desk: RolloutDesk) -> None:
        of = await desk.product_of(rollout)
        _tell(await desk.service.approve(OPERATOR, of, rollout), as_json)

    with_rollouts(data_dir, work)


def abort(
    rollout: RolloutId,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Give devices back what they had, too.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """End a rollout for good; what is on its way is cut within seconds."""

    async def work(desk: RolloutDesk) -> None:
        of = await desk.product_of(rollout)
        _tell(await desk.service.abort(OPERATOR, of, rollout, rollback=rollback), as_json)

    with_rollouts(data_dir, work)


def report(
    rollout: RolloutId,
    form: Annotated[
        Literal["text", "json", "csv"], typer.Option("--format", help="How it is written.")
    ] = "text",
    data_dir: DataDir = None,
) -> None:
    """Report what was decided, and what became of each device."""

    async def work(desk: RolloutDesk) -> None:
        answer = await _answer(desk, rollout)
        of = await desk.product_of(rollout)
        if form == "csv":
            print(CSV_HEADER, end="")
        elif form == "json":
            print(_json(answer).removesuffix("}"), end=',"devices":[')
        else:
            _print(words.report_lines(answer))
        after, first = "", True
        while page := await desk.service.report(of, rollout, after=after, limit=PAGE):
            if form == "csv":
                print(to_csv(page), end="")
            elif form == "json":
                rows = ",".join(_json(reported_document(one)) for one in page)
                print(rows if first else f",{rows}", end="")
            else:
                _print(words.device_lines(page))
            after, first = page[-1].order, False
        if form == "json":
            print("]}")

    with_rollouts(data_dir, work)


def explain(
    rollout: RolloutId,
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="24 hexadecimal digits.")],
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Say why a device has not got the version yet, and its place in the queue."""

    async def work(desk: RolloutDesk) -> None:
        of = await desk.product_of(rollout)
        told = explanation_answer(await desk.service.explain(of, rollout, device))
        _print([_json(told)] if as_json else words.explanation_lines(told))

    with_rollouts(data_dir, work)


def policy(
    product: ProductRef,
    wanted: Annotated[
        str | None,
        typer.Option("--set", metavar="JSON|@FILE", help="Use this one from now on."),
    ] = None,
    shipped: Annotated[
        bool, typer.Option("--shipped", help="Go back to the one that Roadstead comes with.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Show or set the policy by which a product's releases are delivered and watched."""
    if wanted is not None and shipped:
        raise typer.BadParameter("--set and --shipped exclude each other")
    parsed = None if wanted is None else parse_policy(wanted, None)

    async def work(desk: RolloutDesk) -> None:
        of = await desk.product(product)
        if wanted is not None or shipped:
            await desk.service.set_policy(OPERATOR, of, parsed)
        own = await desk.service.policy(of)
        print(_json({"policy": own or AT_ONCE, "shipped": own is None}))

    with_rollouts(data_dir, work)


async def _answer(desk: RolloutDesk, rollout_id: str) -> RolloutAnswer:
    of = await desk.product_of(rollout_id)
    rollout, progress, looks = await desk.service.get(of, rollout_id)
    return RolloutAnswer(
        rollout=rollout_document(rollout),
        counts=progress.counts,
        stages=stage_documents(progress),
        looks=[look_document(one) for one in looks],
    )


def _tell(rollout: Rollout, as_json: bool) -> None:
    document = rollout_document(rollout)
    print(_json({"rollout": document}) if as_json else words.line_of(document))


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, flush=True)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
