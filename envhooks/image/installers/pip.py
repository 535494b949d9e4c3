"""`pip install`, `uv pip install` and their relatives: arguments -> requirements, files and indexes."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from envhooks.base.dataclass import dataclass, field
from envhooks.image.dockerfile.stages import is_set
from envhooks.image.installers import InstallTask
from envhooks.image.requirements import parse_requirement
from envhooks.image.stage import Arg, Call, Session, Sources
from envhooks.image.stage.installed import SYSTEM
from envhooks.image.text import names, readable, unknown

_PIP_VALUES = names(
    "--requirement --constraint --build-constraint --editable --target --index-url --pypi-url --extra-index-url "
    "--find-links --prefix --root --platform --python-version --implementation --abi --upgrade-strategy "
    "--no-binary --only-binary --progress-bar --global-option --install-option --build-option --config-settings "
    "--src --cache-dir --trusted-host --timeout --default-timeout --retries --proxy --cert --client-cert --log "
    "--log-file --exists-action --report --root-user-action --python --keyring-provider --use-feature "
    "--use-deprecated --group --resume-retries --uploaded-prior-to --hash"
)
_PIP_SWITCHES = names(
    "--upgrade --force-reinstall --ignore-installed --ignore-requires-python --no-build-isolation --use-pep517 "
    "--no-use-pep517 --check-build-dependencies --break-system-packages --compile --no-compile --no-deps "
    "--no-dependencies --no-warn-script-location --no-warn-conflicts --prefer-binary --require-hashes --no-clean "
    "--no-index --dry-run --user --pre --no-input --no-cache-dir --no-color --no-python-version-warning "
    "--disable-pip-version-check --quiet --verbose --isolated --require-virtualenv --debug --help --version --yes"
)
_UV_VALUES = names(
    "--requirement --requirements --constraint --constraints --override --overrides --build-constraint "
    "--build-constraints --exclude --excludes --editable --target --index --default-index --index-url "
    "--extra-index-url --find-links --prefix --python --python-version --python-platform --torch-backend "
    "--upgrade-package --reinstall-package --refresh-package --no-build-package --no-binary-package --no-binary "
    "--only-binary --extra --group --no-group --only-group --no-extra --package --index-strategy "
    "--keyring-provider --link-mode --cache-dir --config-file --config-setting --config-settings "
    "--config-settings-package --prerelease --resolution --fork-strategy --exclude-newer "
    "--exclude-newer-package --no-build-isolation-package --directory --project --color "
    "--allow-insecure-host --trusted-host --python-preference --python-fetch --branch --tag --rev --optional "
    "--script --no-install-package --no-sources-package --bounds --marker --env-file --with "
    "--with-requirements --with-editable --from"
)
_SHORT = {
    "-r": "--requirement", "-c": "--constraint", "-e": "--editable", "-t": "--target", "-i": "--index-url",
    "-f": "--find-links", "-C": "--config-settings",
}  # fmt: skip
_UV_SHORT = {
    **_SHORT,
    "-p": "--python",
    "-P": "--upgrade-package",
    "-b": "--build-constraints",
    "-m": "--marker",
    "-w": "--with",
}
_SAME = {
    "--requirements": "--requirement", "--constraints": "--constraint", "--override": "--constraint",
    "--overrides": "--constraint", "--pypi-url": "--index-url", "--default-index": "--index-url",
    "--index": "--extra-index-url",
}  # fmt: skip


@dataclass
class Options:
    """The arguments of one command, sorted."""

    values: dict[str, list[Arg]] = field(default_factory=dict)
    switches: set[str] = field(default_factory=set)
    words: list[Arg] = field(default_factory=list)

    def last(self, *names: str) -> Arg | None:
        """The last value of the options."""
        found = [arg for name in names for arg in self.values.get(name, [])]
        return found[-1] if found else None

    def all(self, *names: str) -> list[Arg]:
        """Every value of the options."""
        return [arg for name in names for arg in self.values.get(name, [])]


def sort_options(
    args: tuple[Arg, ...], values: frozenset[str], short: Mapping[str, str], *, abbreviated: bool = False
) -> Options:
    """Sort arguments into values, switches and words, as optparse and clap do.

    Args:
        args: what follows the subcommand.
        values: long options that take a value.
        short: short options that take a value -> their long names.
        abbreviated: whether a long option may be cut off where it stays unique (optparse).
    """
    out = Options()
    rest = iter(args)
    for arg in rest:
        text = arg.text
        if text == "--":
            out.words += rest
        elif text.startswith("--"):
            name, sign, value = text.partition("=")
            if abbreviated and name not in values and name not in _PIP_SWITCHES:
                longer = [one for one in values if one.startswith(name)]
                name = longer[0] if len(longer) == 1 else name
            if name not in values:
                out.switches.add(name)
                continue
            given = Arg(value, arg.place) if sign else next(rest, None)
            if given is not None:
                out.values.setdefault(_SAME.get(name, name), []).append(given)
        elif text.startswith("-") and len(text) > 1:
            _short_options(text, arg, rest, short, out)
        else:
            out.words.append(arg)
    return out


def _short_options(text: str, arg: Arg, rest: object, short: Mapping[str, str], out: Options) -> None:
    from collections.abc import Iterator

    assert isinstance(rest, Iterator)
    for at in range(1, len(text)):
        name = short.get(f"-{text[at]}")
        if name is None:
            out.switches.add(f"-{text[at]}")
            continue
        value = text[at + 1 :].removeprefix("=")
        given = Arg(value, arg.place) if value else next(rest, None)
        if isinstance(given, Arg):
            out.values.setdefault(_SAME.get(name, name), []).append(given)
        return


def sort_head(call: Call, values: frozenset[str], short: Mapping[str, str]) -> tuple[str, Call] | None:
    """(subcommand, the call behind it), global options passed over; None where there is none."""
    args = list(call.args)
    at = 0
    head: list[Arg] = []
    while at < len(args):
        text = args[at].text
        if not text.startswith("-"):
            rest = Call(
                call.program, (*head, *args[at + 1 :]), call.place, call.certain, call.where, call.cwd, call.env,
                call.swallowed,
            )  # fmt: skip
            return text, rest
        head.append(args[at])
        if (text in values or text in short) and at + 1 < len(args):
            at += 1
            head.append(args[at])
        at += 1
    return None


def _words(text: str | None) -> list[str]:
    return (text or "").split()


def sources_of(call: Call, options: Options, session: Session, *, uv: bool) -> Sources:
    """The indexes of one call: flags before environment before configuration."""
    get = call.env
    sources = Sources(first_index_wins=uv, keeps_local=not uv)
    if uv:
        sources.index = get("UV_DEFAULT_INDEX") or get("UV_INDEX_URL") or ""
        sources.extra = [_named(one) for one in _words(get("UV_INDEX"))] + _words(get("UV_EXTRA_INDEX_URL"))
        sources.links = (get("UV_FIND_LINKS") or "").replace(",", " ").split()
        sources.backend = get("UV_TORCH_BACKEND") or ""
        strategy = options.last("--index-strategy")
        chosen = strategy.text if strategy else (get("UV_INDEX_STRATEGY") or "")
        sources.first_index_wins = chosen in ("", "first-index")
        backend = options.last("--torch-backend")
        if backend:
            sources.backend = backend.text
    else:
        sources.index = get("PIP_INDEX_URL") or session.config.get("index-url", "")
        sources.extra = _words(get("PIP_EXTRA_INDEX_URL") or session.config.get("extra-index-url"))
        sources.links = _words(get("PIP_FIND_LINKS") or session.config.get("find-links"))
    if (index := options.last("--index-url")) is not None:
        sources.index = index.text
    if "--no-index" in options.switches:
        sources.index = ""
    sources.extra = [_named(arg.text) for arg in options.all("--extra-index-url")] + sources.extra
    sources.links = [arg.text for arg in options.all("--find-links")] + sources.links
    return sources


def _named(index: str) -> str:
    """An index without the name that uv lets stand before it: `pytorch=https://...`."""
    name, sign, url = index.partition("=")
    return url if sign and "/" not in name and ":" not in name else index


def pip(session: Session, call: Call) -> None:
    """`pip ...` and `python -m pip ...`."""
    before = sort_head(call, _PIP_VALUES, _SHORT)
    if before is None:
        return
    command, rest = before
    if command == "install":
        _install(session, rest, uv=False)
    elif command == "uninstall":
        _uninstall(session, rest, call.where)
    elif command in ("download", "wheel"):
        _fetch(session, rest)
    elif command == "config":
        words = [arg.text for arg in rest.args if not arg.text.startswith("-")]
        if len(words) == 3 and words[0] == "set":
            session.config[words[1].rpartition(".")[2]] = (
                words[2]
                if call.certain
                else session.unknowns.mark("pip's configuration depends on a condition")
            )


def uv_pip(session: Session, call: Call) -> None:
    """`uv pip install|sync|uninstall ...`, behind the words `uv pip`."""
    head = sort_head(call, _UV_VALUES, _UV_SHORT)
    if head is None:
        return
    command, rest = head
    if command == "install":
        _install(session, rest, uv=True)
    elif command == "uninstall":
        options = sort_options(rest.args, _UV_VALUES, _UV_SHORT)
        _uninstall(session, rest, uv_place(session, rest, options))
    elif command == "sync":
        _sync(session, rest)


def uv_place(session: Session, call: Call, options: Options) -> str:
    """The environment that `uv pip` works on."""
    if "--system" in options.switches or is_set(call.env("UV_SYSTEM_PYTHON")):
        return SYSTEM
    target = options.last("--python")
    python = target.text if target else (call.env("UV_PYTHON") or "")
    if python.startswith("/") and not unknown(python):
        prefix = posixpath.dirname(posixpath.dirname(python)) if "/bin/" in python else python
        return session.installed.prefix_of(prefix)
    if call.where != SYSTEM:
        return call.where
    virtual = call.env("VIRTUAL_ENV")
    if virtual and not unknown(virtual):  # pip goes by PATH, uv by this variable
        return virtual.rstrip("/")
    from envhooks.image.dockerfile.stages import join

    local = join(call.cwd, ".venv")
    return local if local in session.installed.venvs else SYSTEM


def _target(session: Session, call: Call, options: Options, where: str) -> str:
    """The environment, or the folder that `--target`, `--prefix` or `--root` names."""
    arg = options.last("--target", "--prefix", "--root")
    if arg is None:
        return where
    path = session.locate(call, arg.text)
    return SYSTEM if path in ("/", "/usr", "/usr/local") else path


def _install(session: Session, call: Call, *, uv: bool) -> None:
    options = (
        sort_options(call.args, _UV_VALUES, _UV_SHORT)
        if uv
        else sort_options(call.args, _PIP_VALUES, _SHORT, abbreviated=True)
    )
    if "--dry-run" in options.switches or "--help" in options.switches or "-h" in options.switches:
        return
    where = _target(session, call, options, uv_place(session, call, options) if uv else call.where)
    before: dict[tuple[str, str], object] = {}
    if not uv and "--user" in options.switches:
        where = SYSTEM
        before.update(session.installed.entries)
    task = InstallTask(session, call, where, "uv" if uv else "pip", sources_of(call, options, session, uv=uv))
    task.upgrade = bool(options.switches & {"-U", "--upgrade"})
    task.reinstall = bool(options.switches & {"--force-reinstall", "-I", "--ignore-installed", "--reinstall"})
    task.alone = bool(options.switches & {"--no-deps", "--no-dependencies"})
    task.upgraded = {arg.text for arg in options.all("--upgrade-package", "--reinstall-package")}
    constraint_files = options.all("--constraint")
    variable = call.env("UV_CONSTRAINT" if uv else "PIP_CONSTRAINT")
    constraint_files += [Arg(one, call.place) for one in _words(variable)]
    for arg in constraint_files:
        task.constrain(arg)
    for arg in options.words:
        task.word(arg)
    for arg in options.all("--editable"):
        task.project(arg)
    extras = {one.lower() for arg in options.all("--extra") for one in arg.text.split(",")}
    for arg in options.all("--requirement"):
        task.file(arg, extras)
    for arg in options.all("--group"):
        session.note(f"the dependency group {readable(arg.text)} is not followed", arg.place)
    task.finish()
    if not uv and "--user" in options.switches:
        changed = {key[1] for key, entry in session.installed.entries.items() if before.get(key) is not entry}
        session.installed.user |= changed


def _sync(session: Session, call: Call) -> None:
    options = sort_options(call.args, _UV_VALUES, _UV_SHORT)
    where = _target(session, call, options, uv_place(session, call, options))
    task = InstallTask(session, call, where, "uv", sources_of(call, options, session, uv=True))
    _only(session, call, task, options, where)


def pip_sync(session: Session, call: Call) -> None:
    """`pip-sync FILE...`: what the files ask for, and nothing else."""
    options = sort_options(call.args, _PIP_VALUES | {"--python-executable", "--pip-args"}, _SHORT)
    if options.switches & {"-n", "--dry-run", "--help"}:
        return
    if options.all("--python-executable", "--pip-args"):
        session.note("what pip-sync installs is not followed", call.place)
        return
    if not options.words:
        options.words.append(Arg("requirements.txt", call.place))
    task = InstallTask(session, call, call.where, "pip", sources_of(call, options, session, uv=False))
    task.alone = True
    _only(session, call, task, options, call.where)


def _only(session: Session, call: Call, task: InstallTask, options: Options, where: str) -> None:
    """Install the packages of files, and doubt all others: they are removed."""
    for arg in options.words:
        task.file(arg)
    kept = task.named()
    task.finish()
    session.installed.only(where, kept, f"{call.program} removes what its files do not name", call.place)


def _fetch(session: Session, call: Call) -> None:
    """`pip download` and `pip wheel`: note which packages lie in a folder from here on."""
    short = {**_SHORT, "-d": "--dest", "-w": "--wheel-dir"}
    options = sort_options(call.args, _PIP_VALUES | {"--dest", "--wheel-dir"}, short, abbreviated=True)
    folder = options.last("--dest", "--wheel-dir")
    found: set[str] = set()
    known = True
    for arg in options.words:
        requirement = None if unknown(arg.text) else parse_requirement(arg.text)
        known = known and requirement is not None and bool(requirement.name)
        found |= {requirement.name} if requirement else set()
    if options.all("--requirement", "--editable") or not found:
        known = False
    where = session.locate(call, folder.text if folder else ".")
    before = session.installed.fetched.get(where)
    whole = known and before != ()
    session.installed.fetched[where] = tuple(sorted({*found, *(before or ())})) if whole else ()


def _uninstall(session: Session, call: Call, where: str) -> None:
    options = sort_options(call.args, _PIP_VALUES | {"--python"}, _SHORT)
    for arg in options.words:
        requirement = parse_requirement(arg.text)
        if unknown(arg.text):
            reason = session.unknowns.why(arg.text)
            why = f"what is uninstalled is not known: {reason}"
            session.note(why, arg.place)
            listed = reason.startswith(("a loop sets ", "the shell computes "))
            # beside a name it may be an option
            if listed and all(unknown(one.text) for one in options.words):
                session.installed.doubt_frameworks(where, why, arg.place)
        elif requirement is None or not requirement.name:
            continue
        else:
            why = "whether it is uninstalled depends on a condition"
            session.remove(call, requirement.name, where, why, arg.place)
    for arg in options.all("--requirement"):
        why = f"what {readable(arg.text)} uninstalls is not followed"
        session.note(why, arg.place)
        session.installed.only(where, (), why, arg.place)
