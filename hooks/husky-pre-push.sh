# shellcheck shell=sh
# Sourced by the line that `envhooks install` writes into .husky/pre-push; that line sets $envhooks to this file.
# Judges the push, and gives the rest of that script its stdin back. A file holds it meanwhile: bytes go through no shell.
# shellcheck disable=SC2154
envhooks_input=$(mktemp) || exit 2
cat >"$envhooks_input"
sh "${envhooks%/*}/pre-push" "$@" <"$envhooks_input" || { envhooks_code=$?; rm -f "$envhooks_input"; exit "$envhooks_code"; }
exec <"$envhooks_input"
rm -f "$envhooks_input"
