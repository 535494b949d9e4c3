"""The run that a workflow_dispatch started, where GitHub did not name it: GitHub Enterprise Server up to 3.20.

The API tells no inputs of a run. It tells its title: `run-name: image ${{ inputs.key }}` puts the build's key there.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

from envhooks.builds import following
from envhooks.builds.web import Refused, Unreachable

LOOKS = 10
"""How often the list is asked for; a run is in it some seconds after it was started."""
_LEEWAY = timedelta(seconds=2)
"""The time of an answer has whole seconds."""
_UNKNOWN = " and did not say which run it is"


def find(runs: str, key: str, answered: str, get: Callable[[str], Mapping[str, Any]]) -> tuple[int, str, str]:
    """(number of the run or 0, its address, why it is not known).

    Args:
        runs: address of the workflow's list of runs.
        key: the key of the build; empty where no input carries it.
        answered: the `Date` of the answer to the dispatch. A run from before, of the same key, is another attempt's.
        get: asks for an address; raises as `web.call` does.
    """
    if not key:
        return 0, "", f"{_UNKNOWN}; an input with {{key}} and `run-name` with that input let it be found"
    since = _time(answered) - _LEEWAY
    # no `created=`: the server may round it, and the newest come first
    url = f"{runs}?{urlencode({'event': 'workflow_dispatch', 'per_page': '100'})}"
    for look in range(LOOKS):
        if look:
            time.sleep(following.POLL / 5)
        try:
            listed = get(url).get("workflow_runs")
        except (Refused, Unreachable) as error:
            return 0, "", f"{_UNKNOWN}; its list of runs cannot be read: {error}"
        for run in listed if isinstance(listed, list) else ():
            if isinstance(run, dict) and _is_ours(run, key, since):
                return run["id"], str(run.get("html_url", "")), ""
    return 0, "", f"{_UNKNOWN}: no run has the key in its title; `run-name` in the workflow puts it there"


def _is_ours(run: Mapping[str, Any], key: str, since: datetime) -> bool:
    number, created = run.get("id"), run.get("created_at")
    if not isinstance(number, int) or isinstance(number, bool) or not isinstance(created, str):
        return False
    if not any(
        isinstance(title := run.get(name), str) and key in title for name in ("display_title", "name")
    ):
        return False
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", created, re.ASCII):
        return False
    try:
        return datetime.fromisoformat(created.replace("Z", "+00:00")) >= since
    except ValueError:
        return False


def _time(text: str) -> datetime:
    """The time of a `Date`; where a service sends none, a minute before this machine's own, as clocks differ."""
    try:
        found = parsedate_to_datetime(text)
        return found if found.tzinfo else found.replace(tzinfo=timezone.utc)
    except (ValueError, TypeError, OverflowError):
        return datetime.now(timezone.utc) - timedelta(minutes=1)
