"""Options that several verbs have."""

from __future__ import annotations

import argparse


def add_tls(parser: argparse.ArgumentParser) -> None:
    """`--no-tls-verify`, as `tls_verify`."""
    parser.add_argument(
        "--no-tls-verify",
        dest="tls_verify",
        action="store_false",
        help="take any certificate of the registry, or plain http",
    )
