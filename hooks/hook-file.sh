#!/bin/sh
# Hook file of envhooks, made by `envhooks install`; `envhooks uninstall` puts back what was here before.
event=@event@
here=${0%/*}
kept=$here/$event.envhooks-kept # the hook that was here before, if there was one
case $here in
.git/hooks | */.git/hooks) home=${here%/hooks}/envhooks ;; # without a process: this runs on every ref update
*/envhooks/chained)
	home=${here%/chained}
	# shellcheck source=hooks/chained.sh
	. "$home/chained.sh"
	;;
*) home=$(git rev-parse --git-common-dir)/envhooks ;;
esac
hook=$home/$event
if [ -f "$hook" ] && [ ! -x "$kept" ]; then
	case $event,$1 in reference-transaction,prepared) ;; reference-transaction,*) exit 0 ;; esac # spares the hook
	exec sh "$hook" "$@"
fi

# Both get all of stdin, and both have their say, whatever the other said. A file holds it meanwhile: a shell would
# take bytes for characters of its locale.
code=0
if [ -x "$kept" ]; then
	input=$(mktemp) || exit 2
	trap 'rm -f "$input"' EXIT
	trap 'exit 1' HUP INT TERM
	cat >"$input"
	"$kept" "$@" <"$input" || code=$?
	if [ -f "$hook" ]; then
		sh "$hook" "$@" <"$input" || code=$?
		exit "$code"
	fi
	exec <"$input"
fi

# The hooks themselves are gone: what creates or moves a tag is refused, deletions and everything else pass.
case $event in
pre-push) tag=' [0-9a-f]*[1-9a-f][0-9a-f]* refs/tags/[^ ]* [0-9a-f]*$' ;;
*) tag='^[^ ]* [0-9a-f]*[1-9a-f][0-9a-f]* refs/tags/' ;;
esac
LC_ALL=C grep -q -e "$tag" || exit "$code"
newline='
'
case $newline$(git hook list "$event" 2>/dev/null </dev/null)$newline in
*"${newline}envhooks-$event$newline"*) # the config hook says it; one that is switched off stands there with a word before
	cat >/dev/null # the rest: prek takes a hook that is gone before it has read all for a failure
	exit "$code"
	;;
esac
if [ "$event" = reference-transaction ]; then # fetch and gc make tags too
	[ "$1" = prepared ] || exit "$code"
	case $(ps -ww -o args= -p "$PPID" 2>/dev/null) in 'git tag '* | */'git tag '*) ;; *) exit "$code" ;; esac
fi
echo "envhooks: tags are judged here, but $home is gone; until it is back, no tag is created or moved" >&2
case $event in pre-receive | post-receive) install='install --server' ;; *) install=install ;; esac
fix="envhooks $install"
if ! command -v envhooks >/dev/null 2>&1; then
	fix=
	top=$(git rev-parse --show-toplevel 2>/dev/null </dev/null)
	if grep -q 'id: *envhooks-install' "${top:-.}/.pre-commit-config.yaml" 2>/dev/null; then
		for runner in pre-commit prek; do
			[ -n "$fix" ] || ! command -v $runner >/dev/null 2>&1 || fix="$runner run --hook-stage manual envhooks-install"
		done
	fi
	# shellcheck disable=SC2088 # for the person's own shell
	own='~/.local/share/envhooks'
	# a place of its own needs no PATH, and no Python that a distribution guards
	[ -n "$fix" ] || fix="python3 -m venv $own && $own/bin/pip install envhooks && $own/bin/envhooks $install"
fi
echo "  fix: $fix" >&2
exit 2
