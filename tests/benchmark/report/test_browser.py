"""The report in a real browser: it works, and it asks nobody for anything."""

import os
import shutil

import pytest
from made_table import FACTS, made_table

from ursat.benchmark.report import PanelKeeper, write_report

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = os.environ.get("URSAT_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path (URSAT_CHROMIUM names one)")
PATIENCE_MS = 240_000  # a loaded machine; nothing here is a measurement


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    write_report(made_table(PanelKeeper(folder / "panels")), FACTS, folder / "panels", folder / "report.html")
    return (folder / "report.html").as_uri()


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as driver:
        started = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"], timeout=PATIENCE_MS
        )
        yield started
        started.close()


@pytest.fixture
def visit(browser, url):
    """An open page with what it said on the console, what failed, and what it asked for."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(url, timeout=PATIENCE_MS)
    yield page, said, asked
    page.close()


def divider(page):
    """Where the divider is, as the slider and the picture have it."""
    clip = page.eval_on_selector("#left-image", "image => getComputedStyle(image).clipPath")
    return page.input_value("#divider"), clip


def test_no_error_and_no_request(visit, url):
    page, said, asked = visit
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    broken = "[...document.images].filter(image => !(image.complete && image.naturalWidth)).length"
    assert page.evaluate("document.images.length") > 10
    assert page.evaluate(broken) == 0
    assert said == []
    assert [address for address in asked if not address.startswith("data:")] == [url]


def test_the_policy_would_stop_a_request(visit):
    page, said, _ = visit
    blocked = page.evaluate("fetch('https://example.org/').then(() => false, () => true)")
    assert blocked
    assert any("Content Security Policy" in line for line in said)


def test_the_slider_moves_by_keyboard_and_by_pointer(visit):
    page, said, _ = visit
    at, clip = divider(page)
    assert at == "50"
    page.focus("#divider")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    moved, moved_clip = divider(page)
    assert moved == "52"
    assert moved_clip != clip
    page.locator("#stage").scroll_into_view_if_needed()
    box = page.locator("#stage").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 30)
    page.mouse.up()
    assert divider(page)[0] == "20"
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 30)
    assert divider(page)[0] == "20"  # released
    assert said == []


def test_the_choice_of_pictures_is_followed(visit):
    page, said, _ = visit
    before = page.get_attribute("#right-image", "src")
    page.select_option("#right", label="ground truth")
    truth = page.get_attribute("#right-image", "src")
    assert truth != before
    assert page.get_attribute("#right-image", "alt").startswith("ground truth: ")
    page.select_option("#scene", index=3)
    assert page.input_value("#right") == "ground truth"
    assert page.get_attribute("#right-image", "src") != truth
    assert "reference" in page.locator("#left option").all_inner_texts()
    assert said == []


def test_it_fits_a_narrow_screen(visit):
    page, _, _ = visit
    page.set_viewport_size({"width": 380, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 380
