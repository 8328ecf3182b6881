"""What the documentation names is there: pages, headings, commands, options, counters, limits."""

import re

import click
import pytest
from tests.docs.pages import ROOT, Page, read_page, read_pages
from typer.main import get_command

from roadstead.cli.entry import build_app

PAGES = read_pages()
LINE_LIMITS = {"README.md": 120, "docs/architecture.md": 200}

COMMAND = get_command(build_app())


def words_of(page: Page) -> list[list[str]]:
    return list(page.commands("roadstead"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_repository_leads_somewhere(page: Page):
    for target in page.links():
        path, _, fragment = target.partition("#")
        found = (page.path.parent / path).resolve() if path else page.path
        assert found.exists(), f"{page.name} links to {target}, which is not there"
        assert found.is_relative_to(ROOT), f"{page.name} links out of the repository: {target}"
        if fragment and found.suffix == ".md":
            there = Page(found, found.read_text()).anchors()
            assert fragment in there, f"{page.name} links to {target}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_roadstead_command_exists_with_its_options(page: Page):
    for words in words_of(page):
        problem = find_problem(words)
        assert problem is None, f"{page.name}: roadstead {' '.join(words)}: {problem}"


@pytest.mark.parametrize(
    "line",
    ["serv", "serve --htp 1:1", "server-key exprt", "device register --platfrom 3", "device", "-x"],
)
def test_a_misspelt_command_or_option_is_found(line: str):
    assert find_problem(line.split()) is not None


def test_commands_are_found_in_blocks_in_prose_and_behind_pipes():
    block = (
        "```sh\nX=1 roadstead serve \\\n --http a:1\necho x | bin/roadstead user create a\n```\n"
    )
    page = Page(
        ROOT / "x.md", f"{block}`roadstead db upgrade > y`, `roadstead …`, not a roadstead.\n"
    )
    assert words_of(page) == [
        ["serve", "--http", "a:1"],
        ["user", "create", "a"],
        ["db", "upgrade"],
    ]


def test_the_pages_together_name_every_command():
    named = {tuple(words[:2]) for page in PAGES for words in words_of(page) if words}
    named |= {words[:1] for words in named}
    missing = [path for path in leaves(COMMAND) if path not in named]
    assert not missing, f"no page says how to use: {missing}"


@pytest.mark.parametrize(("name", "limit"), LINE_LIMITS.items())
def test_the_first_pages_stay_short(name: str, limit: int):
    assert len(read_page(name).text.splitlines()) <= limit


def test_every_page_is_listed_in_the_index():
    listed = {(ROOT / "docs" / target).resolve() for target in read_page("docs/index.md").links()}
    for page in PAGES:
        is_decision = page.path.parent.name == "decisions"
        assert is_decision or page.name == "docs/index.md" or page.path in listed, page.name


def test_every_decision_is_listed_with_the_others():
    folder = ROOT / "docs" / "decisions"
    listed = {
        (folder / target).resolve() for target in read_page("docs/decisions/README.md").links()
    }
    assert listed == set(folder.glob("0*.md"))


def test_every_room_has_its_line_in_the_architecture():
    page = read_page("docs/architecture.md").text
    rooms = {path.parent.name for path in (ROOT / "src" / "roadstead").glob("*/__init__.py")}
    lines = set(re.findall(r"^\| `([a-z]+)`", page, re.MULTILINE))
    assert rooms - lines == set()
    assert lines - rooms == set()


def test_every_file_that_the_architecture_names_is_there():
    for name in read_page("docs/architecture.md").spans():
        if re.fullmatch(r"[a-z_]+(/[a-z_]+)+(\.py)?", name):
            found = [ROOT / "src" / "roadstead" / name, ROOT / name]
            assert any(path.exists() for path in found), name


def test_every_log_line_that_the_guide_quotes_is_written_somewhere():
    quoted = re.findall(r"log: `([^`]+)`", read_page("docs/bring-your-board.md").text)
    sources = "".join(path.read_text() for path in (ROOT / "src/roadstead/gateway").glob("*.py"))
    for line in quoted:
        # What is refused and why are two texts in the source; the name of the device is a third.
        part = line.rpartition(": ")[2] if line.startswith("refused ") else line
        assert part.replace("DEVICE_ID", "%s") in sources, line
    assert quoted


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The names of all commands that do something."""
    inner = getattr(command, "commands", None)
    if not inner:
        return [path]
    own = [path] if does_something_alone(command) else []
    return own + [leaf for name, child in inner.items() for leaf in leaves(child, (*path, name))]


def does_something_alone(group: click.Command) -> bool:
    return bool(getattr(group, "invoke_without_command", False)) and group is not COMMAND


def find_problem(words: list[str]) -> str | None:
    """What is wrong with the words after `roadstead`; None if they name a command with options.

    A group alone is no command; `roadstead --help` and `roadstead --version` are.
    """
    command, rest = COMMAND, list(words)
    while inner := getattr(command, "commands", None):
        if rest[:1] in (["--help"], ["--version"]):
            return None
        if does_something_alone(command) and (not rest or rest[0].startswith("-")):
            break
        if not rest or rest[0] not in inner:
            return f"no command {rest[0]!r}" if rest else "it is a group; name one of its commands"
        command = inner[rest.pop(0)]
    known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    for word in rest:
        if word.startswith("-") and len(word) > 1:
            name = word.partition("=")[0]
            if name not in known | {"--help"}:
                return f"no option {name}"
    return None


def test_the_first_page_shows_what_the_test_bed_measured():
    figures = read_page("docs/rollout-figures.md").text
    headline = [line for line in figures.partition("## ")[0].splitlines() if line.startswith("|")]
    first = read_page("README.md").text.splitlines()
    assert len(headline) > 8
    assert [line for line in headline if line not in first] == []
