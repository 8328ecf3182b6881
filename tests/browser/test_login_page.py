"""The login page of an app, in a browser that holds its policy against the redirect to the app."""

import base64
import hashlib
import http.server
import threading
from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser
from tests.browser.stage import EMAIL, PASSWORD, Stage

pytestmark = pytest.mark.browser

VERIFIER = "v" * 64


class App(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<h1>the app</h1>")

    def log_message(self, *what: object) -> None:
        """Says nothing."""


@pytest.fixture
def back() -> Iterator[str]:
    """The redirect URI of an app on an origin of its own."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), App)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/cb"
    server.shutdown()
    server.server_close()


def test_somebody_signs_in_and_is_led_back_to_the_app(browser: Browser, stage: Stage, back: str):
    with stage.server.client(stage.token) as client:
        what = {"name": "My <App>", "type": "web", "redirect_uri": back}
        made = client.post(f"/v1/products/{stage.product}/clients", json=what)
        client_id = made.json()["client"]["id"]
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": back,
        "state": "xyz",
        "code_challenge": challenge.decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    page = browser.new_page()
    page.goto(f"{stage.origin}/oauth/authorize?{urlencode(query)}")
    assert "My <App>" in page.inner_text("body")
    for password in ("not this one", PASSWORD):
        page.fill("input[name=username]", EMAIL)
        page.fill("input[name=password]", password)
        page.click("button[value=allow]")
        page.wait_for_load_state()
        if password != PASSWORD:
            assert "is not right" in page.inner_text("body")
    page.wait_for_url(f"{back}*")
    answer = parse_qs(urlsplit(page.url).query)
    assert answer["state"] == ["xyz"]
    page.close()
    form = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "redirect_uri": back,
        "code": answer["code"][0],
        "code_verifier": VERIFIER,
    }
    issued = httpx.post(f"{stage.origin}/oauth/token", data=form, trust_env=False)
    assert issued.status_code == 200, issued.text
