# shellcheck shell=sh
# Sourced by the hook files in <git common dir>/envhooks/chained, where core.hooksPath of this repository leads since
# `envhooks install`. Sets $kept to the hook that git would run without that: the one in the folder that the person's
# configuration or the machine's names, which is asked each time, or that this repository named before.
# shellcheck disable=SC2034,SC2154 # `here` and `event` are the hook file's, and so is the use of `kept`
folder=
if [ -f "$here/named" ]; then
	IFS= read -r folder <"$here/named" || true
else
	named=$(git config --show-scope --type=path --get-all core.hooksPath </dev/null)
	newline='
'
	tab='	'
	while [ -n "$named" ]; do # from the last on: scopes come as system, global, local
		line=${named##*"$newline"}
		case $line in
		"system$tab"* | "global$tab"*) folder=${line#*"$tab"} && break ;;
		esac
		case $named in *"$newline"*) named=${named%"$newline"*} ;; *) named= ;; esac
	done
fi
kept=${folder:-${here%/envhooks/chained}/hooks}/$event
