"""Command-line arguments -> options and words, by the grammars of pip and uv."""

from __future__ import annotations

from collections.abc import Mapping

from envhooks.base.dataclass import dataclass, field
from envhooks.image.stage.session import Arg, Call
from envhooks.image.text.unknowns import names

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
