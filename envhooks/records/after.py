"""After a verified build of any builder: the record is signed, written on the tag, shared, and put beside the image.

What stands in the way is said with the build's own end; the build is done all the same.
"""

from __future__ import annotations

from collections.abc import Mapping

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge, EnvhooksError
from envhooks.base.hygiene import printable
from envhooks.builds import watcher
from envhooks.builds.confirm import Confirmed
from envhooks.builds.registry import parse
from envhooks.builds.remote import Remote, user_environment
from envhooks.builds.types import Plan, Result
from envhooks.builds.verify_image import published_settings
from envhooks.git.repository import Git
from envhooks.records import images, making, share, writer
from envhooks.records.keys import find_key


def watch() -> None:
    """The watcher behind a push, with records."""
    watcher.main(record)


def record(
    git: Git,
    confirmed: Confirmed,
    remote: Remote,
    plan: Plan,
    result: Result,
    environ: Mapping[str, str],
) -> str:
    """Record a build that is done; answers with a sentence on the result.

    Empty where the policy names no verifier: then nobody's record would count.
    """
    if not confirmed.policy.verifiers:
        return ""
    by_hand = f"envhooks record {plan.tag} --image {plan.own}@{result.digest or 'sha256:...'}"
    try:
        return _record(git, confirmed, remote, plan, result, user_environment(environ))
    except writer.Contradiction as error:
        return printable(f"not recorded: {error.message}", 1000)
    except EnvhooksError as error:
        return printable(f"not recorded: {error.message}; by hand: {by_hand}", 1000)


def _record(
    git: Git,
    confirmed: Confirmed,
    remote: Remote,
    plan: Plan,
    result: Result,
    environ: Mapping[str, str],
) -> str:
    if not plan.own or result.digest is None:
        raise CannotJudge("the build does not tell the digest of an image in a registry")
    key = find_key(git, environ=environ)
    wanted = published_settings(next(one for one in confirmed.policy.builds if one.name == plan.build))
    tls_verify, pythons = wanted.tls_verify, wanted.pythons
    seen = images.look(replace(parse(plan.own), digest=result.digest), environ, tls_verify=tls_verify)
    if not result.verified:
        verified, holds = making.inspect(
            seen, plan.expected, plan.tag, environ, tls_verify=tls_verify, pythons=pythons
        )
        result = replace(result, verified=verified, holds=holds)
    tag = writer.tag_record(git, confirmed, plan.ref)
    share.fetch(git, remote, environ)
    image = making.by_build(confirmed, tag, plan, result, seen)
    written = writer.write(git, confirmed.trust.root, remote, tag, image, key)
    share.share(git, remote, environ)
    signer = written.signer
    if not written.lines:
        return f"recorded before, by {signer}"
    try:
        images.attach(seen, written.lines, environ, tls_verify=tls_verify)
    except EnvhooksError as error:
        return f"recorded by {signer}, and not beside the image: {printable(error.message, 200)}"
    return f"recorded by {signer}"
