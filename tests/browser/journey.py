"""One visit to the console: where it went, what the browser complained about."""

import re
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from playwright.sync_api import Browser, ConsoleMessage, Page, Response, expect

AXE = Path(__file__).parents[2] / "console/node_modules/axe-core/axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]

WATCH_POLICY = """
window.__violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.__violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


class Journey:
    """A browser profile of its own on one server.

    Args:
        browser: to open it in.
        origin: ``http://host:port`` of the server.
        width, theme: how the page is looked at.
    """

    def __init__(
        self, browser: Browser, origin: str, *, width: int = 1280, theme: str = "light"
    ) -> None:
        self.origin = origin
        self._context = browser.new_context(
            base_url=origin,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if theme == "dark" else "light",
            reduced_motion="reduce",
        )
        self._context.add_init_script(WATCH_POLICY)
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(15_000)
        self.complaints: list[str] = []
        self.expected_statuses: set[int] = set()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        self.page.on("response", self._notice)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                violations = self.page.evaluate("window.__violations ?? []")
                assert violations == [], violations
                assert self.complaints == [], self.complaints
        finally:
            self._context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        # A refused request is told by its status too, where the test may expect it.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def _notice(self, response: Response) -> None:
        # Nobody is signed in at the first look; the answer to that question is 401.
        first_look = response.status == 401 and response.url.endswith("/v1/user")
        expected = first_look or response.status in self.expected_statuses
        if response.status >= 400 and not expected:
            self.complaints.append(f"{response.status} {response.request.method} {response.url}")

    def sign_in(self, email: str, password: str) -> None:
        """By the form, as a person does."""
        self.page.goto("/sign-in")
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("heading", name="Home")).to_be_visible()

    def open(self, path: str, heading: str | re.Pattern[str]) -> Page:
        """Goes to an address and waits until its title stands there."""
        self.page.goto(path)
        expect(self.page.get_by_role("heading", level=1, name=heading)).to_be_visible()
        return self.page

    def settle(self) -> None:
        """Waits until nothing on the page is still loading."""
        expect(self.page.locator(".skeleton")).to_have_count(0)

    def find_barriers(self) -> list[str]:
        """What WCAG A and AA rules of axe are broken on the page as it is."""
        session = self._context.new_cdp_session(self.page)
        session.send("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
        script = f"axe.run(document, {{runOnly: {WCAG!r}}})"
        answer = session.send(
            "Runtime.evaluate",
            {"expression": script, "awaitPromise": True, "returnByValue": True},
        )
        broken: list[dict[str, Any]] = answer["result"]["value"]["violations"]
        return [
            f"{one['id']}: {node['target']} {node.get('failureSummary', '')}"
            for one in broken
            for node in one["nodes"]
        ]

    def is_wider_than_its_window(self) -> bool:
        """Whether the page scrolls sideways."""
        wide = self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        return bool(wide)
