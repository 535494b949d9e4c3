#!/bin/sh
# Hook file of envhooks, made by `envhooks install`; `envhooks uninstall` puts back what was here before.
event=@event@
here=${0%/*}
case $here in
.git/hooks | */.git/hooks) home=${here%/hooks}/envhooks ;; # without a process: this runs on every ref update
*) home=$(git rev-parse --git-common-dir)/envhooks ;;
esac
door=$home/$event
kept=$here/$event.envhooks-kept # the hook that was here before, if there was one
if [ -f "$door" ] && [ ! -x "$kept" ]; then
	case $event,$1 in reference-transaction,prepared) ;; reference-transaction,*) exit 0 ;; esac # spares the door
	exec sh "$door" "$@"
fi

# Both get all of stdin, and both have their say, whatever the other said.
input=$(cat; echo .) # the point keeps the last line feed
input=${input%.}
code=0
if [ -x "$kept" ]; then
	printf %s "$input" 2>/dev/null | "$kept" "$@" || code=$?
fi
if [ -f "$door" ]; then
	printf %s "$input" 2>/dev/null | sh "$door" "$@" || code=$?
	exit "$code"
fi

# The doors themselves are gone: what creates or moves a tag is refused, deletions and everything else pass.
case $event in
pre-push) tag=' [0-9a-f]*[1-9a-f][0-9a-f]* refs/tags/[^ ]* [0-9a-f]*$' ;;
*) tag='^[^ ]* [0-9a-f]*[1-9a-f][0-9a-f]* refs/tags/' ;;
esac
printf %s "$input" | LC_ALL=C grep -q -e "$tag" || exit "$code"
case $(git hook list "$event" 2>/dev/null) in *"envhooks-$event"*) exit "$code" ;; esac # the config hook says it
if [ "$event" = reference-transaction ]; then # fetch and gc make tags too
	[ "$1" = prepared ] || exit "$code"
	case $(ps -ww -o args= -p "$PPID" 2>/dev/null) in 'git tag '* | */'git tag '*) ;; *) exit "$code" ;; esac
fi
echo "envhooks: tags are judged here, but $home is gone; until it is back, no tag is created or moved" >&2
echo "  fix: envhooks install" >&2
exit 2
