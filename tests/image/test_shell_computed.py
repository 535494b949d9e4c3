"""Words that a shell computes, against what the shells and programs of this machine really make of them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from envhooks.image.shell.matching import searched
from envhooks.image.shell.words import Expander
from envhooks.image.text import Unknowns, unknown

VALUES = (
    "2.8.0", "12.8.1", "12.8", "v2.8", "", "2.8.0+cu128", "a b", "cu128", "3.12", "1..2", "-n", "gpu",
    "12", "ü.1",
)  # fmt: skip
FOLLOWED = r"""
${V%.*}
${V%%.*}
${V#*.}
${V##*.}
${V#v}
${V//./}
${V/./}
${V:0:3}
${V: -3}
${V:3}
${V::2}
${V: 1 : 2}
${V,,}
${V^^}
${V^}
${V/%.1/}
${V/#12/13}
${#V}
${V%%+*}
${V##*+cu}
$(echo $V | cut -d. -f1,2)
$(echo $V | cut -d. -f1-2)
$(echo $V | cut -d '.' -f 1,2 | tr -d .)
$(echo "$V" | cut --delimiter=. --fields=2-)
$(echo $V | cut -c1-3)
$(echo $V | cut -c2-)
$(echo "${V}" | awk -F. '{print $1$2}')
$(echo "${V}" | awk -F'.' '{print $1"."$2}')
$(echo "${V}" | awk -F . '{ print $1 "." $2 }')
$(echo "${V}" | awk -F '.' '{printf "%s%s", $1, $2}')
$(echo "${V}" | awk -F '.' '{printf("cu%s", $1)}')
$(echo "${V}" | awk -F'[.]' '{print $1}')
$(echo "${V}" | awk -F'\\.' '{print $1}')
$(echo "${V}" | awk 'BEGIN{FS="."}{print $NF}')
$(echo "${V}" | awk 'BEGIN{FS="."; OFS="."} {print $1,$2}')
$(echo "${V}" | awk -F. -v OFS=. '{print $1,$2}')
$(echo "${V}" | awk '{print $2}')
$(echo $V | sed 's/\.//')
$(echo $V | sed "s/\.//g")
$(echo $V | sed 's/[.]//g')
$(echo $V | sed 's/\.[0-9]*$//')
$(echo $V | sed 's/\([0-9]*\)\.\([0-9]*\).*/\1\2/')
$(echo $V | sed -E 's/([0-9]+)\.([0-9]+).*/\1\2/')
$(echo $V | sed -E 's/^([0-9]+\.[0-9]+).*$/\1/')
$(echo $V | sed -e 's/\.//g' -e 's/1$//')
$(echo $V | sed 's/\.//g;s/1$//')
$(echo $V | sed -r 's/\.[0-9]+$//')
$(echo $V | sed 's/^v//')
$(echo $V | sed 's/+.*//')
$(echo $V | sed 's|\.|_|g')
$(echo $V | sed 's/[^0-9]//g')
$(echo $V | sed 's/[[:alpha:]]*//')
$(printf '%s' "$V" | tr -d .)
$(printf "%s" $V)
$(printf "cu%s" "$V")
$(printf "cu%s%s" $(echo $V | tr '.' ' '))
$(printf '%s\n' "$V")
$(echo $V | tr '.' '_')
$(echo $V | tr . -)
$(tr -d . <<< "$V")
$(echo $V | tr a-z A-Z)
$(echo $V | tr '[:upper:]' '[:lower:]')
$(echo $V | tr -cd 0-9)
$(echo $V | tr -dc '[:digit:]')
$(echo $V | tr -d '[:punct:]')
$(echo "$V" | grep -oE '^[0-9]+\.[0-9]+')
$(echo "$V" | grep -o '^[0-9]*')
$(echo "$V" | grep -o '[a-z]')
$(echo "$V" | egrep -o '^[0-9]+')
$(echo "$V" | awk '{print $0}')
$(echo "$V" | awk -F'\\.' '{print $2;}')
$(echo "$V" | sed 's/./x/' | sed 's/x/\//')
"`echo $V | cut -d. -f1`"
"${N:-"$V"}"
"${N-"a $V"}"
"${N+"$V"}${V:+"b"}"
$(case $V in (12.*) echo a;; ([0-9].[0-9]*) echo b;; ("") echo c;; (*) echo d;; esac)
$(case "$V" in (2.8.?) echo a;; ([!0-9]*) echo b;; (v2.[0-9]) echo c;; ('12.8'|*cu12[0-9]) echo d;; esac)
$(case $V in ("2."*) echo a;; (*'.1') echo b;; ($V) echo c;; esac)
$([ ! "$V" = gpu ] && echo yes || echo no)
$([ "$V" -eq 12 ] && echo yes || echo no)
$([ "${#V}" -ge 4 ] && echo yes || echo no)
$([ "${#V}" -lt 4 ] && echo yes || echo no)
$(basename "x$V" .1)
$(basename /a/b/x$V)
`echo $V | cut -d. -f1`
$(echo "$V" | rev | cut -d. -f2- | rev)
$(echo "$V" | head -c 3)
$(echo "$V" | head -n1)
$(echo "$V" | head -1 2>/dev/null)
$(echo "x$V" | xargs)
$(echo "$V" | cat)
$(python3 -c "print('$V'.replace('.', ''))")
$(python3 -c "v='$V'.split('.'); print(v[0] + v[-1])")
$(python3 -c "import sys; print('$V'[:4])")
$(python3 -c "print(f'cu{\"$V\"}')")
$(python3 -c "print('a' if '$V' == '12.8' else 'b')")
$(python3 -c "print('a' if '.' in '$V' else 'b')")
$([ "$V" = 3.12 ] && echo yes || echo no)
$([ "$V" != 3.12 ] && echo yes || echo no)
$(test -z "$V" && echo yes || echo no)
$([ -n "$V" ] && echo yes)
$([ -n "$V" ] || echo no)
$([[ "$V" == 12.* ]] && echo yes || echo no)
$(if [ "$V" = 3.12 ]; then echo yes; else echo no; fi)
$(if [ "$V" = gpu ]; then echo a; elif [ "$V" = 3.12 ]; then echo b; else echo c; fi)
$(if [ -n "$V" ]; then echo "$V" | tr -d .; fi)
""".strip().split("\n")
LEFT = r"""
$(echo $V; echo 1)
$(echo $V > /dev/null)
$(echo -e "$V\n")
$(echo "a\n$V")
$(echo a "b\tc")
$(echo x > file)
$(echo $V | sed)
$(echo $V | sed d)
$(echo $V | sed 's/\(1/2/')
$(echo $V | sed 's/\+/2/')
$(echo $V | sed -E 's/+/2/')
$(echo $V | sed 's/1/\1/')
$(echo $V | sed 's/1/2/;s/1/2/;s/1/2/;s/1/2/;s/1/2/;s/1/2/;s/1/2/')
$(echo $V | grep 1)
$(echo $V | grep -oi V)
$(echo $V | grep -o 1 file)
$(printf)
$(printf -v X a)
$(printf a b)
$(printf 'a\nb\n' | cut -c1)
$(echo $V | awk)
$(echo $V | awk -f file)
$(echo $V | awk -F 'ab' '{print $1}')
$(echo $V | awk '{printf "%s", $1, $2}')
$(echo $V | awk '{printf "%d", $1}')
$(basename)
$(basename -a /x/y)
$(basename x/)
$(cut -c1)
$(echo $V && cat)
$([ -n "1" ] | cat)
$({ echo $V; } | cat)
$(echo $V | cut -x)
$(echo $V | cut -d.)
$(echo $V | cut -f1 -c1)
$(echo $V | cut -d ab -f1)
$(echo $V | cut -f x)
$(echo $V | tr)
$(echo $V | tr -d '[x]')
$(echo $V | tr -s . x)
$(echo $V | tr -d a b)
$(echo $V | head -n 2)
$(echo "$V" | grep -o '[0-9]*')
$(: && echo "$V")
$(case $(date) in (a) echo b;; (*) echo c;; esac)
$(case $V in ($(date)) echo b;; (*) echo c;; esac)
$(case $V in ([a-z]*) echo a;; (*) echo b;; esac)
$(case $V in ([[:digit:]]*) echo b;; (*[a-z]*[a-z]*[a-z]*) echo c;; esac)
$([ "$(date)" = "$V" ] && echo yes || echo no)
$([ a -a b ] && echo yes || echo no)
$([ x -nt y ] && echo yes || echo no)
${V%'.'*}
${V%[0-9]}
${V%$(date)}
${#N[@]}
${!V}
${V:0:-1}
${V/./&}
$(echo $V | sed 's/\./&/')
$(echo $V | sed -E 's/(a|ab)(c|bcd)(d*)/\1/')
$(echo $V | sed -E 's/(.)*/\1/')
$(echo $V | sed 's/[0-9]\{2\}//')
$(echo $V | sed 's/[9-0]//')
$(echo $V | sed -n 's/1/2/p')
$(echo $V | sed 's/1/2/2')
$(echo $V | sed 's/x*/-/g')
$(echo $V | awk -F. '{print $1*10}')
$(echo $V | awk -F. '{print substr($1, 1)}')
$(echo $V | awk -F. '{NF=2; print}')
$(echo $V | cut -d. -f0)
$(echo $V | cut -d. -f3-1)
$(echo $V | tr -s .)
$(echo $V | tr '.' '\n')
$(printf '%d' x$V)
$(printf '%5s' $V)
$(printf '%b' "$V\n")
$(cat version.txt)
$(date +%Y)
$(python3 -c "print(open('x').read())")
$(python3 -c "print(().__class__)")
$(python3 -c "print('$V' * 3)")
$(python3 -c "import torch; print('$V')")
$(python3 -c "print('a'); print('b')")
$(python3 -c "[print('$V') for _ in 'ab']")
$({ echo a; } && echo b)
$(false && { echo a; } || echo b)
$(if [ -f x ]; then echo a; else echo b; fi)
$(for a in 1 2; do echo $a; done)
$(f() { echo a; }; f)
""".strip().split("\n")


class One:
    """The shell's one variable V."""

    def __init__(self, value: str) -> None:
        self._value = value
        self._unknowns = Unknowns()

    def lookup(self, name: str) -> str | None:
        return self._value if name == "V" else None

    def unset(self, name: str) -> str:
        return ""

    def assign(self, name: str, value: str) -> None:
        raise AssertionError(name)

    def mark(self, why: str) -> str:
        return self._unknowns.mark(why)


def computed(word: str, value: str, *, bash: bool) -> str | None:
    text = Expander(One(value), lambda _amount: None, bash).text(word)
    return None if unknown(text) else text


def really(shell: str, value: str, words: list[str], folder: Path) -> list[str | None]:
    """What the shell makes of each word; None where it ends with an error or complains."""
    script = "".join(f"( X={word}; printf 'is:%s' \"$X\" ) 2>&1; printf '%d\\0' $?\n" for word in words)
    done = subprocess.run(
        [shell, "-c", script],
        env={"V": value, "PATH": "/usr/local/bin:/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        cwd=folder,
    )
    answers = done.stdout.decode(errors="replace").split("\0")[:-1]
    return [one[3:-1] if one.startswith("is:") and one.endswith("0") else None for one in answers]


@pytest.mark.parametrize("shell", ["bash", "dash"])
@pytest.mark.parametrize("value", VALUES)
def test_what_is_worked_out_is_what_the_shell_gives(shell: str, value: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not here")
    words = [*FOLLOWED, *LEFT]
    if shell == "dash":
        words = [word for word in words if "<<<" not in word]  # the whole script is an error to it
    for word, said in zip(words, really(shell, value, words, tmp_path), strict=True):
        ours = computed(word, value, bash=shell == "bash")
        assert ours is None or said is None or ours == said, (word, value)


def test_usual_forms_are_followed() -> None:
    lost = [word for word in FOLLOWED if all(computed(word, value, bash=True) is None for value in VALUES)]
    assert lost == []


def test_what_is_not_followed_is_unknown_whatever_the_value() -> None:
    told = [
        (word, value) for word in LEFT for value in VALUES if computed(word, value, bash=True) is not None
    ]
    assert told == []


def test_a_hostile_pattern_is_given_up() -> None:
    for pattern in (
        ".*" * 90 + "x",
        "[0-9]*" * 30,
        "(" * 90,
        "\\(.*\\)" * 9,
        "a" * 200 + "*",
        "[" * 99,
        "[[:x:]]",
    ):
        assert searched(pattern, "1" * 400, extended=True) in (None, False)
        assert searched(pattern, "1" * 400, extended=False) in (None, False)
    for word in (
        "$(" * 100,
        "$(echo " + "a" * 400 + " | sed 's/" + ".*" * 20 + "b//')",
        "$(echo a" + " | cat" * 60 + ")",
        "${N:-" * 60 + "a" + "}" * 60,
    ):
        assert computed(word, "1", bash=True) is None
