"""write a static page of all releases, and an Atom feed

Writes OUT/index.html and OUT/feed.atom. The page is one file that asks nothing of any other place: lines over time,
verdicts, pins, drivers, digests, changelog entries, search, and the difference of any two releases.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from envhooks.base.errors import UsageError
from envhooks.base.files import write_whole
from envhooks.base.hygiene import printable, word
from envhooks.base.urls import split_url
from envhooks.cli._manner import answer, remark
from envhooks.cli._progress import Progress
from envhooks.git.addresses import redact, web_address
from envhooks.git.repository import Git
from envhooks.image.compat import table_of
from envhooks.judge.checkout import hold_every_tag
from envhooks.judge.runs import Work
from envhooks.releases.reading import Releases
from envhooks.releases.site.feed import render_feed
from envhooks.releases.site.page import GENERATOR, SiteFacts, render_page, today

GROUP = "read releases"
EXAMPLES = (("envhooks site public", "writes public/index.html and public/feed.atom"),)


def arguments(parser: argparse.ArgumentParser) -> None:
    """OUT, `--title`, `--url`."""
    parser.add_argument("out", metavar="OUT", type=Path, help="the folder to write to; it is made")
    parser.add_argument(
        "--title", metavar="TEXT", help="default: the repository's address on the release remote"
    )
    parser.add_argument(
        "--url", metavar="URL", default="", help="where the page is going to stand, for the links of the feed"
    )


def run(options: argparse.Namespace) -> int:
    """Write both files; 0 also where a release is refused, for the page says so."""
    url = options.url and options.url.rstrip("/") + "/"
    if url:
        _hold_public(url)
    with Git.open() as git, Progress() as progress:
        releases = Releases(git, Work(step=progress.step))
        hold_every_tag(git)
        found = releases.with_records(releases.judge(releases.read(entries=True)))
        title = printable(options.title or _title(git, releases))
        policy = releases.trust.root.policy
        table = table_of(policy)
    page = render_page(found, SiteFacts(title, policy.origin, today()), table)
    _write(options.out, {"index.html": page, "feed.atom": render_feed(found, title, url)})
    files = [str(options.out / name) for name in ("index.html", "feed.atom")]
    answer(releases=len(found), title=title, files=files)
    remark(f"{len(found)} releases on {printable(files[0])}")
    return 0


def _hold_public(url: str) -> None:
    """Refuse an address that the feed cannot have.

    Raises:
        UsageError: it is none of http, or has a login in it: everybody reads the feed.
    """
    parts, fix = split_url(url), "--url https://team.example.org/environments"
    if (
        parts.scheme not in ("https", "http")
        or not parts.hostname
        or re.search(r"[\s\x00-\x1f<>\"\\^`{|}]", url)
    ):
        raise UsageError(f"{printable(redact(url))} is no http address", fix=fix)
    if parts.username is not None or parts.password is not None:
        raise UsageError("an address with a login in it does not go on a page that everybody reads", fix=fix)


def _title(git: Git, releases: Releases) -> str:
    remote = releases.trust.remote
    address = git.setting(f"remote.{remote}.url") if remote else ""
    path = split_url(web_address(address)).path.strip("/") if address else ""
    return path or (git.work_tree or git.common_dir).name


def _may_replace(file: Path) -> None:
    """Whether a file may be written anew: it is not there, or it is an older page of ours.

    Raises:
        UsageError: it is somebody else's, or a link.
    """
    if file.is_symlink():
        raise UsageError("this is a link, and is not written through", place=printable(str(file)))
    if not file.exists():
        return
    with file.open("rb") as stream:
        is_ours = GENERATOR.encode() in stream.read(2_000)
    if not is_ours:
        raise UsageError(
            "this was not made by envhooks, and is not overwritten",
            place=printable(str(file)),
            fix=f"envhooks site {word(str(file.parent / 'releases'))}",
        )


def _write(folder: Path, files: dict[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in files:
            _may_replace(folder / name)
        for name, text in files.items():
            write_whole(folder / name, text.encode())
    except OSError as error:
        why = printable(error.strerror or type(error).__name__)
        raise UsageError(f"the page cannot be written: {why}", place=printable(str(folder))) from None
