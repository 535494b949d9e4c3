"""The checks: one file each, found by the folder.

A check is a module with a docstring (the first line is a sentence without a full stop, `Refuses a tag that ...`,
and its row in every table; the rest is its page: why, and how to put it right) and

- `check(subject, policy)`, which yields Findings and opens nothing;
- `READS`, the facts that it looks at: names of properties of `Subject`;
- `NEEDS`, the checks that must have passed first: order, and silence about what follows from their fault;
- optionally `MAY_READ`, facts that it can do without; `LEVEL`, its level unless the policy says otherwise;
  `CHANGES`, the changes of a ref that it judges; `ADMITTED`, whether it judges tags that tags.lock
  admits as older than the policy, too; `ALONE`, whether it judges a tag also where the policy lowered a
  check that it NEEDS; `not_applicable(subject, policy)`, which answers with the reason or nothing.
"""
