"""`envhooks site`: the page and the feed, read as text and, with Debian's Chromium and axe-core, as people use them."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import CHANGELOG, DOCKERFILE, GOOD_TAG, Repo

from envhooks.releases.site.markup import element, raw

ROOT = Path(__file__).parents[2]
MODULES = ROOT / ".cache/browser/node_modules"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NODE = shutil.which("node")
HOSTILE = "<img src=x onerror=alert(1)>"
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def site(good: Repo) -> Path:
    """The page of a good rc, a good stable a year later, and a refused one whose texts are hostile."""
    good.environ["GIT_COMMITTER_DATE"] = "2025-10-12T12:00:00Z"
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    good.environ["GIT_COMMITTER_DATE"] = "2026-11-02T12:00:00Z"
    good.commit_files(
        {"Dockerfile": DOCKERFILE.replace("0.23.0", "0.23.0") + "RUN pip install numpy==2.1.3\n"}
    )
    good.git("push", "-q", "origin", "main")
    good.git("tag", "-s", "PyTorch-CUDA-v2.8", "-m", "Stable")
    entry = f"# Changelog\n\n## 2.9-rc1 - 2026-11-02\n\n{HOSTILE} </script><script>alert(2)</script>\n"
    package = "RUN pip install 'x<y>&\"\\'==1'\n"
    good.commit_files(
        {"CHANGELOG.md": CHANGELOG.replace("# Changelog\n", entry), "Dockerfile": DOCKERFILE + package}
    )
    good.git("push", "-q", "origin", "main")
    good.git("tag", "-a", "PyTorch-CUDA-v2.9-rc1", "-m", HOSTILE)
    good.git("tag", "-a", "a<b>&'c", "-m", HOSTILE)
    (good.path / "Dockerfile").unlink()
    good.commit_files({"CHANGELOG.md": CHANGELOG})
    good.git("tag", "-a", "PyTorch-CUDA-v2.9-rc2", "-m", "No Dockerfile")
    good.commit_files(
        {"Dockerfile": "FROM ubuntu:24.04\nRUN pip install -r https://example.org/r.txt constructor==1\n"}
    )
    good.git("tag", "-a", "PyTorch-CUDA-v2.9-rc3", "-m", "Not wholly known")
    out = good.path.parent / "site"
    done = good.envhooks("site", str(out), "--url", "https://team.example.org/environments", check=True)
    assert "6 releases" in done.out
    return out


class Seen(HTMLParser):
    """Elements, attributes and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_hostile_text_stays_text(site: Path) -> None:
    seen = Seen((site / "index.html").read_text(encoding="utf-8"))
    assert not [tag for tag, _ in seen.tags if tag in ("img", "iframe", "object", "base")]
    assert sum(tag == "script" for tag, _ in seen.tags) == 2
    assert not [
        attribute for _, attributes in seen.tags for attribute in attributes if attribute.startswith("on")
    ]
    assert HOSTILE in seen.text and "a<b>&'c" in seen.text


def test_nothing_is_asked_of_another_place(site: Path) -> None:
    text = (site / "index.html").read_text(encoding="utf-8")
    seen = Seen(text)
    links = [
        value for _, attributes in seen.tags for name, value in attributes.items() if name in ("src", "href")
    ]
    assert set(links) == {"feed.atom"}
    assert "url(" not in text and "@import" not in text and " style=" not in text


def test_only_this_style_and_this_script_may_run(site: Path) -> None:
    text = (site / "index.html").read_text(encoding="utf-8")
    seen = Seen(text)
    (policy,) = [a["content"] or "" for _, a in seen.tags if a.get("http-equiv") == "Content-Security-Policy"]
    for name in ("style", "script"):
        body = re.findall(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)
        assert len(body) == 1
        digest = base64.b64encode(hashlib.sha256(body[0].encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy


def test_the_page_says_what_the_tags_say(site: Path) -> None:
    text = html.unescape((site / "index.html").read_text(encoding="utf-8"))
    for part in (
        "PyTorch-CUDA-v2.8-rc1",
        "alice@example.org",
        "torch 2.8.0+cu128",
        "no record proves one",
        "refused",
    ):
        assert part in text


def test_the_feed_has_what_is_accepted_newest_first(site: Path) -> None:
    feed = ElementTree.fromstring((site / "feed.atom").read_text(encoding="utf-8"))
    entries = feed.findall(f"{ATOM}entry")
    assert [one.findtext(f"{ATOM}title") for one in entries] == ["PyTorch-CUDA-v2.8", GOOD_TAG]
    assert feed.findtext(f"{ATOM}updated") == "2026-11-02T12:00:00Z"
    link = entries[0].find(f"{ATOM}link")
    assert link is not None and link.get("href") == "https://team.example.org/environments/#PyTorch-CUDA-v2.8"
    assert len({one.findtext(f"{ATOM}id") for one in entries}) == 2


def test_the_same_repository_makes_the_same_page(good: Repo, site: Path) -> None:
    before = [(site / name).read_bytes() for name in ("index.html", "feed.atom")]
    good.envhooks("site", str(site), "--url", "https://team.example.org/environments", check=True)
    assert [(site / name).read_bytes() for name in ("index.html", "feed.atom")] == before


def test_no_release_is_a_page_too(good: Repo, tmp_path: Path) -> None:
    good.envhooks("site", str(tmp_path / "new/site"), check=True)
    assert "0 releases" in (tmp_path / "new/site/index.html").read_text(encoding="utf-8")
    ElementTree.parse(tmp_path / "new/site/feed.atom")
    (tmp_path / "file").write_text("x")
    # older pages are written anew, and nothing that is somebody else's
    good.envhooks("site", str(tmp_path / "new/site"), check=True)
    for name in ("index.html", "feed.atom"):
        own = tmp_path / name.partition(".")[0]
        own.mkdir()
        (own / name).write_text("<p>mine</p>")
        done = good.envhooks("site", str(own))
        assert done.code == 2 and "is not overwritten" in done.err, done.said
        assert [(file.name, file.read_text()) for file in own.iterdir()] == [(name, "<p>mine</p>")]
        (own / name).unlink()
        (own / name).symlink_to(tmp_path / "file")
        done = good.envhooks("site", str(own))
        assert done.code == 2 and "a link" in done.err and (tmp_path / "file").read_text() == "x", done.said
    done = good.envhooks("site", str(tmp_path / "file"))
    assert done.code == 2 and "cannot be written" in done.err
    assert good.envhooks("site", str(tmp_path / "x"), "--url", "javascript:alert(1)").code == 2


@given(st.text(), st.text())
def test_no_text_is_ever_markup(text: str, value: str) -> None:
    seen = Seen(element("p", text, title=value).text)
    assert [tag for tag, _ in seen.tags] == ["p"]
    assert list(seen.tags[0][1]) == ["title"]


@pytest.mark.parametrize("text", ["</script>", "x</sCrIpt", "<!--"])
def test_data_that_would_end_its_element_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="would end it"):
        raw("script", text)


BROWSER = """
const { createRequire } = await import("node:module");
const require = createRequire(process.argv[1] + "/");
const { chromium } = require("playwright-core");
const { readFileSync } = await import("node:fs");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [, , executablePath, page_url] = process.argv;
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-quic",
  "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"] });
const found = { violations: [], requests: [], alerts: 0, errors: [] };
for (const width of [360, 1280]) for (const colorScheme of ["light", "dark"]) {
  // axe is injected by the test, which the page's own policy would not let in
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 }, bypassCSP: true });
  const page = await context.newPage();
  page.on("request", (one) => found.requests.push(one.url()));
  await page.goto(page_url);
  for (const one of await page.locator("details").all()) await one.evaluate((e) => { e.open = true; });
  await page.selectOption("#one", "PyTorch-CUDA-v2.8-rc1");
  await page.selectOption("#other", "PyTorch-CUDA-v2.8");
  await page.evaluate(axe);
  const result = await page.evaluate(() => globalThis.axe.run(document));
  for (const one of result.violations) found.violations.push(`${width} ${colorScheme} ${one.id}: ${one.nodes[0].html}`);
  found[`wide ${width}`] = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await context.close();
}
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
const page = await context.newPage();
page.on("dialog", (one) => { found.alerts += 1; one.dismiss(); });
page.on("pageerror", (error) => found.errors.push(String(error)));
page.on("console", (message) => { if (message.type() === "error") found.errors.push(message.text()); });
await page.goto(page_url);
// keyboard alone: the search, then the first release
await page.keyboard.press("Tab");
await page.keyboard.press("Tab");
found.focus = await page.evaluate(() => document.activeElement.id);
await page.keyboard.type("numpy");
found.said = await page.textContent("#said");
found.shown = await page.locator(".release:visible .name").allTextContents();
let reached = false;
for (let i = 0; i < 12 && !reached; i += 1) {
  await page.keyboard.press("Tab");
  reached = await page.evaluate(() => document.activeElement.tagName === "SUMMARY");
}
await page.keyboard.press("Enter");
found.opened = await page.evaluate(() => document.activeElement.parentElement.open === true);
await page.selectOption("#one", "PyTorch-CUDA-v2.8-rc1");
await page.selectOption("#other", "PyTorch-CUDA-v2.8");
found.difference = await page.locator("#difference tbody tr").allTextContents();
found.others = [];
for (const tag of ["PyTorch-CUDA-v2.9-rc2", "PyTorch-CUDA-v2.9-rc3"]) {
  await page.selectOption("#other", tag);
  found.others.push((await page.locator("#difference").innerText()).replace(/\\s+/g, " "));
}
await page.goto(page_url + "#100%");
await page.goto("about:blank");
await page.goto(page_url + "#PyTorch-CUDA-v2.9-rc1");
found.hash = await page.evaluate(() => document.getElementById("PyTorch-CUDA-v2.9-rc1").open);
await browser.close();
console.log(JSON.stringify(found));
"""


@pytest.mark.skipif(
    CHROMIUM is None or NODE is None or not (MODULES / "axe-core").exists(),
    reason="NOT TESTED: Chromium, node or axe-core is missing; apt-get install chromium, scripts/neighbours",
)
def test_in_a_browser(site: Path) -> None:
    """Two widths, both schemes, the keyboard alone, no violation for axe-core, and no request but the page itself."""
    assert NODE is not None and CHROMIUM is not None
    url = (site / "index.html").as_uri()
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", BROWSER, str(MODULES), CHROMIUM, url],
        capture_output=True, text=True, check=False, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["violations"] == []
    assert set(found["requests"]) == {url}
    assert (found["alerts"], found["errors"]) == (0, [])
    assert (found["wide 360"], found["wide 1280"]) == (0, 0)  # nothing scrolls sideways
    assert found["focus"] == "search"
    assert found["said"] == "1 of 6 releases"
    assert found["shown"] == ["PyTorch-CUDA-v2.8"]
    assert found["opened"] is True
    assert found["difference"] == ["numpy-2.1.3"]
    none, some = found["others"]
    assert none == "Cannot tell: the environment of PyTorch-CUDA-v2.9-rc2 is not known."
    # an open part may hold torch; a package that only one of the two names is no difference that is known
    assert "torch 2.8.0+cu128 not known" in some and "constructor - 1" in some, some
    assert found["hash"] is True


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("javascript:alert(1)", "no http address"),
        ("https://", "no http address"),
        ('https://team.example.org/"><script>', "no http address"),
        ("https://team.example.org/a b", "no http address"),
        ("https://user:secret@team.example.org/", "a login in it"),
        ("https://token@team.example.org/", "a login in it"),
    ],
)
def test_an_address_that_no_feed_has(good: Repo, url: str, why: str) -> None:
    done = good.envhooks("site", "public", "--url", url)
    assert done.code == 2 and why in done.err and "secret" not in done.err, done.err
    assert not (good.path / "public").exists()


def test_a_title_of_any_bytes(good: Repo) -> None:
    """A clone's folder has the name that it has, and is the title where no remote says another."""
    good.git("remote", "remove", "origin")
    place = os.fsdecode(os.fsencode(good.path) + b"\xff\x1b[31m")
    good.path.rename(place)
    there = Repo(Path(place), good.environ)
    there.envhooks("site", "public", check=True)
    page = (there.path / "public/index.html").read_text()
    assert "Environments of clone" in page and "\x1b" not in page
    there.envhooks("site", "public", "--title", "T\udcff<b>", check=True)
    assert "<b>" not in (there.path / "public/feed.atom").read_text()
