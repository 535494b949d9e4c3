#!/bin/sh
# Hook file of envhooks, made by `envhooks install`: runs the hook of this name that git would run without envhooks.
event=${0##*/}
here=${0%/*}
# shellcheck source=hooks/chained.sh
. "$here/../chained.sh"
[ -x "$kept" ] && [ -f "$kept" ] || exit 0
exec "$kept" "$@"
