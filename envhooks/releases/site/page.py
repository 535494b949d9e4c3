"""The page of all releases: one file, no request to anywhere, every text of a tag or file escaped."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone
from functools import cache
from pathlib import Path

from envhooks.base.dataclass import dataclass
from envhooks.image import Environment
from envhooks.image.compat.table import Table
from envhooks.judge.facts import VERDICT_WORDS
from envhooks.releases.compare import base_text, driver_text, packages_of, version_text
from envhooks.releases.facts import Release
from envhooks.releases.site.markup import Markup, element, raw

_FOLDER = Path(__file__).parent
GENERATOR = "envhooks site"
"""What page and feed say of the program that made them."""
_STAGES = ("stable", "post", "rc", "beta", "alpha")


@dataclass(frozen=True)
class SiteFacts:
    """Facts of the page besides its releases."""

    title: str
    """The repository: `team/environments`."""
    policy: str
    """Place of today's policy, for people: `.envhooks/policy.toml on origin/main`."""
    day: str
    """The day on which the page was made."""


def render_page(releases: Sequence[Release], facts: SiteFacts, table: Table) -> str:
    """The page as HTML."""
    style, script = _asset("page.css"), _asset("page.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    lines: dict[str, list[Release]] = {}
    for release in releases:
        lines.setdefault(release.line, []).append(release)
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="generator", content=GENERATOR),
        element("meta", name="referrer", content="no-referrer"),
        element("title", f"Environments of {facts.title}"),
        element("link", rel="alternate", type="application/atom+xml", href="feed.atom", title="Releases"),
        raw("style", style),
    )
    body = element(
        "body",
        element(
            "header",
            element("h1", f"Environments of {facts.title}"),
            element(
                "p",
                f"{len(releases)} releases, judged on {facts.day} by {facts.policy}. ",
                element("a", "Feed of new releases", href="feed.atom"),
                class_="quiet",
            ),
        ),
        element(
            "main",
            _controls(list(lines), releases),
            element(
                "p", f"{len(releases)} of {len(releases)} releases", id="said", role="status", class_="quiet"
            ),
            [_line(name, found, table) for name, found in lines.items()],
            _difference(releases),
        ),
        element(
            "footer",
            element(
                "p",
                "A verdict is that of the day above. An image is named where a signed record proves it; "
                "what the files do not say is not guessed.",
                class_="quiet",
            ),
        ),
        raw("script", _json(releases, table), type="application/json", id="data"),
        raw("script", script),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en').text}\n"


@cache
def _asset(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _json(releases: Iterable[Release], table: Table) -> str:
    """Tag -> its facts by label, and whether it may hold more than they say; no character of it can end the element."""
    facts = {
        release.tag: {"facts": dict(_facts(release, table)), "open": _is_open(release)}
        for release in releases
    }
    return json.dumps(facts).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _is_open(release: Release) -> bool:
    environment = release.environment
    return not isinstance(environment, Environment) or any(
        doubt.what not in ("python", "hardware") for doubt in environment.cannot_tell
    )


def _facts(release: Release, table: Table) -> Iterator[tuple[str, str]]:
    environment = release.environment
    if not isinstance(environment, Environment) or any(
        doubt.what == "dockerfile" for doubt in environment.cannot_tell
    ):
        return
    yield "base image", base_text(environment)
    yield "Python", environment.python or ""
    for one in environment.hardware:
        yield f"{one.kind} ({one.source})", one.version or "some"
    yield "driver", driver_text(environment, table)
    for name, package in packages_of(environment).items():
        yield name, version_text(package)


# ------------------------------------------------------------------------------------------ controls


def _controls(lines: Sequence[str], releases: Sequence[Release]) -> Markup:
    there = {release.stage for release in releases}
    boxes = [
        element("label", element("input", type="checkbox", name="stage", value=stage, checked=True), stage)
        for stage in _STAGES
        if stage in there
    ]
    options = [element("option", name or "others", value=name) for name in lines]
    return element(
        "form",
        element(
            "label",
            "Search names, packages, signers",
            element("input", type="search", id="search", autocomplete="off"),
        ),
        element(
            "label", "Line", element("select", element("option", "all lines", value=""), options, id="line")
        ),
        element("fieldset", element("legend", "Stages"), boxes),
        class_="controls",
        data_script=True,
        hidden=True,
    )


def _difference(releases: Sequence[Release]) -> Markup:
    options = [element("option", release.tag, value=release.tag) for release in reversed(releases)]
    choose = element("option", "choose a release", value="")
    return element(
        "section",
        element("h2", "Difference of two releases", id="difference-of-two"),
        element(
            "div",
            element("label", "From", element("select", choose, options, id="one")),
            element("label", "To", element("select", choose, options, id="other")),
            class_="controls",
        ),
        element("div", id="difference", class_="scroll", aria_live="polite", tabindex="0", role="region",
                aria_labelledby="difference-of-two"),
        data_script=True,
        hidden=True,
    )  # fmt: skip


# ------------------------------------------------------------------------------------- lines, releases


def _line(name: str, releases: Sequence[Release], table: Table) -> Markup:
    return element(
        "section",
        element("h2", name or "Other tags"),
        _timeline(name, releases),
        [_release(release, table) for release in reversed(releases)],
        class_="line",
    )


def _timeline(name: str, releases: Sequence[Release]) -> Markup | None:
    """Releases over time; the list below says the same, so that it is a picture with one sentence."""
    dated = [release for release in releases if release.seconds > 0 and release.date]
    if len({release.date for release in dated}) < 2:
        return None
    first, last = min(one.seconds for one in dated), max(one.seconds for one in dated)
    span = max(last - first, 1)
    dots = []
    for release in dated:
        kind = "full" if release.stage == "stable" else ""
        if release.yanked or release.verdict == "refused":
            kind = "stop"
        dots.append(
            element(
                "circle",
                element("title", f"{release.tag}, {release.date}"),
                cx=f"{20 + 960 * (release.seconds - first) / span:.0f}", cy="20", r="6", class_=f"dot {kind}".rstrip(),
            )
        )  # fmt: skip
    begin, end = min(one.date for one in dated), max(one.date for one in dated)
    picture = element(
        "svg",
        element("line", x1="20", y1="20", x2="980", y2="20"),
        dots,
        class_="time", viewBox="0 0 1000 40", role="img", preserveAspectRatio="xMidYMid meet",
        aria_label=f"{len(dated)} releases of {name or 'other tags'} from {begin} to {end}",
    )  # fmt: skip
    # beside the picture: a text in it would shrink with it, and could not be read on a telephone
    ends = element("p", element("span", begin), element("span", end), class_="ends quiet", aria_hidden="true")
    return element("div", picture, ends)


def _word(release: Release) -> str:
    """The most important state of a release: a contradicted proof counts more than a good tag."""
    if release.yanked:
        return "yanked"
    if (
        release.verdict == "accepted"
        and release.records is not None
        and release.records.state == "contradicted"
    ):
        return "contradicted"
    return VERDICT_WORDS.get(release.verdict, "not judged")


def _release(release: Release, table: Table) -> Markup:
    word = _word(release)
    environment = release.environment
    known = environment if isinstance(environment, Environment) else None
    pins = (
        ", ".join(f"{name} {version_text(one)}" for name, one in list(packages_of(known).items())[:3])
        if known
        else ""
    )
    words = [release.tag, release.signer, word, pins, *(f"{a} {b}" for a, b in _facts(release, table))]
    return element(
        "details",
        element(
            "summary",
            element("span", release.tag, class_="name"),
            element("span", release.stage),
            element("span", release.date),
            element("span", word, class_=word.replace(" ", "-")),
            element("span", pins, class_="pins quiet"),
        ),
        element("div", _details(release, known, table)),
        class_="release",
        id=release.tag,
        data_line=release.line,
        data_stage=release.stage,
        data_text=" ".join(words).lower(),
    )


def _details(release: Release, environment: Environment | None, table: Table) -> list[Markup]:
    found: list[Markup] = []
    if release.yanked:
        found.append(element("p", f"Yanked: {release.yanked}", class_="yanked"))
    if release.why:
        found.append(element("p", release.why, class_=_word(release).replace(" ", "-")))
    if release.image:
        found += [
            element("h3", "Image"),
            _command(f"docker pull {release.image}"),
        ]
    pairs = [
        ("signed by", release.signer),
        ("commit", release.commit or ""),
        ("tag object", release.object),
        ("image", "" if release.image else _no_image(release)),
    ]
    if environment is None:
        pairs.append(("environment", f"not known: {getattr(release.environment, 'why', '')}"))
    else:
        pairs += [
            ("base image", base_text(environment)),
            ("Python", environment.python or "not stated"),
            (
                "hardware",
                ", ".join(
                    dict.fromkeys(f"{h.kind} {h.version or ''}".rstrip() for h in environment.hardware)
                ),
            ),
            ("NVIDIA driver", driver_text(environment, table)),
        ]
    found.append(_pairs(pairs))
    if environment is not None:
        packages = packages_of(environment)
        if packages:
            found += [
                element("h3", "Packages"),
                _pairs([(n, version_text(one)) for n, one in packages.items()]),
            ]
        if environment.cannot_tell:
            doubts = [element("li", f"{one.what}: {one.why}") for one in environment.cannot_tell]
            found += [element("h3", "Cannot tell"), element("ul", doubts)]
    if release.entry:
        found += [element("h3", "Changelog"), element("pre", release.entry)]
    return found


def _no_image(release: Release) -> str:
    if release.records is not None and release.records.state == "contradicted":
        return (
            f"contradicted: {release.records.faults[0]}"
            if release.records.faults
            else "its record is contradicted"
        )
    return "no record proves one"


def _command(text: str) -> Markup:
    button = element("button", "Copy", type="button", data_copy=True, data_script=True, hidden=True)
    return element("div", element("pre", text), button, class_="command")


def _pairs(pairs: Iterable[tuple[str, str]]) -> Markup:
    cells: list[str | Markup] = []
    for label, text in pairs:
        if text:
            cells += [element("dt", label), element("dd", text)]
    return element("dl", cells)


def today() -> str:
    """The day, in UTC."""
    return datetime.now(timezone.utc).date().isoformat()
