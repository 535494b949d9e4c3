# shellcheck shell=sh
# Sourced by the line that `envhooks install` writes into .husky/pre-push; that line sets $envhooks to this file.
# Judges the push, and gives the rest of that script its stdin back.
envhooks_input=$(cat; echo .)
envhooks_input=${envhooks_input%.}
# shellcheck disable=SC2154
printf %s "$envhooks_input" 2>/dev/null | sh "${envhooks%/*}/pre-push" "$@" || exit $?
exec <<EOF
${envhooks_input%?}
EOF
