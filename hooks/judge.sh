# shellcheck shell=sh
# Sourced by a door that found something to judge: hands it to Python, and ends the door with the verdict.
# shellcheck disable=SC2154 # set by the door:
#   here    the folder of this copy, <git common dir>/envhooks
#   event   the hook's name
#   input   what git wrote to its stdin, to the last line feed
# "$@" are git's own arguments. Everything is said on stderr: stdout of pre-push ends up in `git push --porcelain`.

# Each event is judged once, and this is the one place that decides by which door. Git >= 2.54 runs config hooks and,
# after them, the hook file. Both are installed, because another, older git may be used on the same clone. So the
# file's door steps back where this git says that it runs the config hook; `git hook list` knows about `enabled` too,
# and fails on older versions. The variable is set by the config hook; set by anybody else it only judges twice.
# That hook leaves a mark, as it comes first: without one there is nothing to ask git for.
newline='
'
if [ "${ENVHOOKS_WIRING-}" = config ]; then
	[ -e "$here/config-hooks" ] || { true >"$here/config-hooks"; } 2>/dev/null
elif [ -e "$here/config-hooks" ]; then
	case $newline$(git hook list "$event" 2>/dev/null)$newline in
	*"${newline}envhooks-$event$newline"*) exit 0 ;;
	esac
fi
# Doors for all clones of a person: a repository without a law is none of their business. This is the tip of each branch
# that usually carries one; a branch of another name is known by the remote's HEAD or by the clone's own configuration.
if [ -e "$here/everywhere" ]; then
	branch=$(git config --get envhooks.branch)
	branch=${branch#refs/heads/}
	lawful=
	for ref in $(git for-each-ref --format='%(refname)' 'refs/remotes/*/HEAD' 'refs/remotes/*/main' \
		'refs/remotes/*/master' refs/heads/main refs/heads/master "refs/heads/${branch:-main}" "refs/remotes/*/${branch:-main}"); do
		git cat-file -e "$ref:.envhooks" 2>/dev/null && lawful=yes && break
	done
	[ -n "$lawful" ] || exit 0
fi
# pre-commit sets the second for its .legacy hook; a git started from here would have pre-commit refuse to run.
unset ENVHOOKS_WIRING PRE_COMMIT_RUNNING_LEGACY

python=
site=
[ -r "$here/python" ] && IFS= read -r python <"$here/python"
if [ -r "$here/site" ]; then
	while IFS= read -r line; do site=$site${site:+$newline}$line; done <"$here/site"
fi

# -I: hooks run in the work tree, and without it Python imports a json.py that somebody committed there.
# -S: what install recorded is all that is needed; to run every .pth file of an environment takes 2 to 30 ms.
recorded() {
	if [ -n "$site" ]; then
		"$python" -I -S -c '
import sys
sys.path += sys.argv.pop(1).split("\n")
try:
    from envhooks.__main__ import main
except ModuleNotFoundError as error:
    if error.name != "envhooks":
        raise
    sys.exit(1) # the next way is tried
sys.exit(main())' "$site" "$@"
	else
		"$python" -I -m envhooks "$@"
	fi
}

# A verdict ends the door. But an interpreter whose package is gone (an environment that was upgraded or rebuilt) exits
# with 1 like a refusal; then the next way is tried: the same interpreter where it finds the package by itself (another
# version of Python has its packages in another folder), then envhooks on PATH.
for site in "$site" ''; do
	[ -x "$python" ] || break
	printf %s "$input" 2>/dev/null | recorded hook "$event" "$@" >&2 && exit 0
	code=$?
	"$python" -I ${site:+-S} -c '
import sys
sys.path += filter(None, sys.argv[1].split("\n"))
import envhooks' "$site" 2>/dev/null && exit "$code"
	[ -n "$site" ] || break
done
case $(command -v envhooks) in
/* | [A-Za-z]:*) # an absolute path: not a file of the work tree through a PATH with `.`
	printf %s "$input" 2>/dev/null | envhooks hook "$event" "$@" >&2 && exit 0
	code=$?
	envhooks --version >/dev/null 2>&1 && exit "$code"
	;;
esac

if [ "$event" = post-receive ]; then
	echo 'envhooks: tags that are pushed here are built, but envhooks is not found any more, so nothing is' >&2
	echo '  fix: envhooks install --server' >&2
	exit 2
fi

# Nobody can judge. What creates or moves a tag is refused; deletions and everything else pass.
case $event in
pre-push) tag=' [0-9a-f]*[1-9a-f][0-9a-f]* refs/tags/[^ ]* [0-9a-f]*$' ;;
*) tag='^[^ ]* [0-9a-f]*[1-9a-f][0-9a-f]* refs/tags/' ;;
esac
printf %s "$input" | LC_ALL=C grep -q -e "$tag" || exit 0
case $event,$python in
pre-receive,*) fix='envhooks install --server' ;;
*/py_env-*) fix='pre-commit run --hook-stage manual envhooks-install' ;; # pre-commit's own environments
*) fix='envhooks install' ;;
esac
echo "envhooks: tags are judged here, but envhooks is not found any more; until it is back, no tag is created or moved" >&2
echo "  fix: $fix" >&2
exit 2
