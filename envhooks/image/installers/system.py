"""System packages: apt, apk, dnf and their relatives; only whether they are pinned, and which Python."""

from __future__ import annotations

import re

from envhooks.image.facts import Unpinned
from envhooks.image.installers.options import sort_head, sort_options
from envhooks.image.stage.session import Call, Session
from envhooks.image.text.unknowns import names, unknown

MANAGERS = frozenset(("apt-get", "apt", "aptitude", "apk", "yum", "dnf", "microdnf", "zypper", "tdnf"))
_VALUES = names(
    "--option --target-release --config-file --repository --virtual --repo --enablerepo --disablerepo "
    "--setopt --installroot --releasever --exclude --root --arch --nogpgcheck-for"
)
_SHORT = {"-o": "--option", "-t": "--target-release", "-c": "--config-file", "-X": "--repository"}


def system(session: Session, call: Call) -> None:
    """`apt-get install ...` and its like."""
    head = sort_head(call, _VALUES, _SHORT)
    if head is None or head[0] not in ("install", "add", "in"):
        return
    short = {"-t": "--virtual", "-X": "--repository"} if call.program == "apk" else _SHORT
    options = sort_options(head[1].args, _VALUES, short)
    for arg in options.words:
        text = arg.text
        if unknown(text) or not call.certain or text.endswith(("-", ".deb", ".rpm", ".apk")):
            continue
        name = re.split(r"[=<>~@:/]", text, maxsplit=1)[0]
        pinned = re.search(r"=[^=*]+\Z", text) or (
            call.program not in ("apt-get", "apt", "aptitude", "apk")
            and re.search(r"-[0-9][^-]*-[0-9]", text)
        )
        if not pinned:
            session.installed.unpinned.append(Unpinned(name, "system", text, "it has no version", arg.place))
