import base64
import hashlib
import re
import sys
from html.parser import HTMLParser

import pytest
from made_table import FACTS, NASTY, made_table

from ursat.benchmark.facts import EMBEDDED
from ursat.benchmark.report import PanelKeeper, write_report
from ursat.errors import UsageError

pytest.importorskip("PIL", reason="pictures need Pillow")


class Page(HTMLParser):
    """What a page refers to, and what it says."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.text, self.refers, self.inside = [], [], {}, [], ""
        self.policy = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        self.inside = tag
        self.refers += [given[name] for name in ("src", "href", "action", "data", "poster") if name in given]
        self.ids += [given["id"]] if "id" in given else []
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        self.text[self.inside] = self.text.get(self.inside, "") + data


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    path = folder / "report.html"
    table = made_table(PanelKeeper(folder / "panels"))
    write_report(table, FACTS, folder / "panels", path)
    return path.read_text(encoding="utf-8")


def test_it_refers_to_nothing_outside(text):
    page = Page(text)
    assert page.refers
    assert {refers.partition(":")[0] for refers in page.refers if not refers.startswith("#")} == {"data"}
    assert all(refers[1:] in page.ids for refers in page.refers if refers.startswith("#"))
    assert "url(" not in text
    assert "@import" not in text


def test_the_policy_allows_its_own_style_and_script_only(text):
    page = Page(text)
    assert page.policy.startswith("default-src 'none'")
    for tag in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.text[tag].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in page.policy
    assert not [tag for tag, given in page.tags if "style" in given]  # the policy would drop it
    assert [tag for tag, _ in page.tags].count("script") == 1


def test_names_cannot_break_out(text):
    assert NASTY not in text
    assert "mine&lt;script&gt;" in text
    assert "out of &lt;memory&gt;" in text


def test_it_says_what_a_reader_must_know(text):
    for said in (
        EMBEDDED, "my report.html", "5f" * 32, "ursat 0.1.0", "CC0", "One image was left out.", "As printed",
        "The paper defines no SRE", "no reference", "∞", "52.97 dB",
    ):  # fmt: skip
        assert said in text, said
    assert "FID" not in re.sub(r"<section id=\"printed\".*?</section>", "", text, flags=re.DOTALL)  # none was computed


def test_tables_and_pictures_can_be_read_without_eyes(text):
    page = Page(text)
    assert all(given.get("alt") is not None for tag, given in page.tags if tag == "img")
    assert {given["scope"] for tag, given in page.tags if tag == "th"} == {"col", "row", "rowgroup"}
    assert all("aria-label" in given or "aria-hidden" in given for tag, given in page.tags if tag == "svg")
    assert len(page.ids) == len(set(page.ids))
    assert ("html", {"lang": "en"}) in page.tags


def test_a_report_without_pictures(tmp_path):
    path = tmp_path / "report.html"
    write_report(made_table(), FACTS, None, path)
    page = Page(path.read_text(encoding="utf-8"))
    assert "compare" not in page.ids
    assert "results" in page.ids
    assert list(tmp_path.iterdir()) == [path]


def test_without_the_template_engine_the_hint_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(UsageError) as caught:
        write_report(made_table(), FACTS, None, tmp_path / "report.html")
    assert "ursat[bench]" in caught.value.hint
    assert not list(tmp_path.iterdir())
