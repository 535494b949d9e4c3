# shellcheck shell=sh
# Sourced by a hook that has something to judge: hands it to Python, and ends the hook with the verdict.
# shellcheck disable=SC2154 # set by the hook:
#   here    the folder of this copy, <git common dir>/envhooks
#   event   the hook's name
# Standard input is what git wrote there and nobody has read: Python reads it as bytes. A shell would not: bash's `read`
# takes the line feed behind half a UTF-8 character for a part of it.
# "$@" are git's own arguments. Everything is said on stderr: stdout of pre-push ends up in `git push --porcelain`.

# Each event is judged once, and this is the one place that decides by which hook. Git >= 2.54 runs config hooks and,
# after them, the hook file. Both are installed, because another, older git may be used on the same clone. So the
# hook file steps back where this git says that it runs the config hook; `git hook list` knows about `enabled` too,
# and fails on older versions. The variable is set by the config hook; set by anybody else it only judges twice.
# That hook leaves a mark, as it comes first: without one there is nothing to ask git for.
newline='
'
# prek and pre-commit hand a push on to the hook that was there before, and take one that is gone before it has read all
# for a failure: "Broken pipe", and the push is refused.
stdin_read() { [ "$event" != pre-push ] || [ -t 0 ] || cat >/dev/null; }
if [ "${ENVHOOKS_WIRING-}" = config ]; then
	[ -e "$here/config-hooks" ] || { true >"$here/config-hooks"; } 2>/dev/null
elif [ -e "$here/config-hooks" ]; then
	case $newline$(git hook list "$event" 2>/dev/null </dev/null)$newline in
	*"${newline}envhooks-$event$newline"*) stdin_read; exit 0 ;;
	esac
fi
# Hooks for all clones of a person: a repository without a policy is none of their business. This is the tip of each
# branch that usually carries one; a branch of another name is known by the remote's HEAD or by the clone's own
# configuration, and not by what a work tree could include there.
if [ -e "$here/everywhere" ]; then
	branch=$(git config --no-includes --get envhooks.branch </dev/null)
	branch=${branch#refs/heads/}
	found=
	for ref in $(git for-each-ref --format='%(refname)' 'refs/remotes/*/HEAD' 'refs/remotes/*/main' \
		'refs/remotes/*/master' refs/heads/main refs/heads/master "refs/heads/${branch:-main}" \
		"refs/remotes/*/${branch:-main}" </dev/null); do
		git cat-file -e "$ref:.envhooks" 2>/dev/null </dev/null && found=yes && break
	done
	[ -n "$found" ] || { stdin_read; exit 0; }
fi
# pre-commit sets the second for its .legacy hook; a git started from here would have pre-commit refuse to run.
unset ENVHOOKS_WIRING PRE_COMMIT_RUNNING_LEGACY

# The interpreter that install recorded. -I: hooks run in the work tree, and without it Python imports a json.py that
# somebody committed there. An environment that was upgraded or rebuilt may have no envhooks any more; it ends with 69
# then, and has read nothing.
python=
[ -r "$here/python" ] && python=$(cat "$here/python")
if [ -x "$python" ]; then
	"$python" -I -c '
import sys
try:
    from envhooks.__main__ import main
except ModuleNotFoundError as error:
    if error.name != "envhooks":
        raise
    sys.exit(69)
sys.exit(main())' hook "$event" "$@" >&2
	code=$?
	case $code in 69 | 126 | 127) ;; *) exit "$code" ;; esac
fi
case $(command -v envhooks) in
/* | [A-Za-z]:*) # an absolute path: not a file of the work tree through a PATH with `.`
	if envhooks --version >/dev/null 2>&1 </dev/null; then
		envhooks hook "$event" "$@" >&2
		exit $?
	fi
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
LC_ALL=C grep -q -e "$tag" || exit 0
shown=$python
case $python in *[!A-Za-z0-9_./+-]*) shown="'$python'" ;; esac
case $event,$python in
pre-receive,*) fix='envhooks install --server' ;;
*/py_env-*) fix='pre-commit run --hook-stage manual envhooks-install' ;; # pre-commit's own environments
*/prek/*) fix='prek run --hook-stage manual envhooks-install' ;;
*/uv/archive-* | */uv/environments-*) fix='uvx envhooks install' ;; # gone with `uv cache clean`
*/uv/tools/*) fix='uv tool install --force envhooks' ;;
*/pipx/venvs/*) fix='pipx install --force envhooks' ;;
*/bin/python*)
	if [ -x "$python" ]; then
		fix="$shown -m pip install envhooks"
	else # a virtual environment that was deleted comes back where it was
		folder=${python%/bin/*}
		case $folder in *[!A-Za-z0-9_./+-]*) folder="'$folder'" ;; esac
		fix="python3 -m venv $folder && $shown -m pip install envhooks"
	fi
	;;
*) # nothing says where it was: a place of its own needs no PATH, and no Python that a distribution guards
	# shellcheck disable=SC2088 # for the person's own shell
	own='~/.local/share/envhooks'
	fix="python3 -m venv $own && $own/bin/pip install envhooks && $own/bin/envhooks install"
	;;
esac
echo "envhooks: tags are judged here, but envhooks is not found any more; until it is back, no tag is created or moved" >&2
echo "  fix: $fix" >&2
exit 2
