# Prints what a log must not be able to do to the terminal of its reader.
# shellcheck shell=sh disable=SC1003,SC2016,SC2059
what=$1

escapes() {
  printf 'osc 52 clipboard: [\033]52;c;aG9zdGlsZQ==\007] [\033]52;c;aG9zdGlsZQ==\033\\]\n'
  printf 'osc 0 and 2 title: [\033]0;hostile title\007] [\033]2;hostile title\033\\]\n'
  printf 'osc 8 link: [\033]8;;http://hostile.invalid/\033\\link\033]8;;\033\\] osc 4 palette: [\033]4;0;rgb:ff/00/00\007] osc 1337: [\033]1337;SetMark\007]\n'
  printf 'cursor: [\033[1;1H] [\033[10A] [\033[99C] [\033[s] [\033[u] [\0337] [\0338] [\033M] [\033D]\n'
  printf 'clear: [\033[2J] [\033[3J] [\033[H] [\033[2K] [\033[99P] [\033[99X]\n'
  printf 'alternate screen: [\033[?1049h] [\033[?1049l] [\033[?47h]\n'
  printf 'modes: mouse [\033[?1000h\033[?1006h] paste [\033[?2004h] cursor [\033[?25l] region [\033[5;10r] insert [\033[4h] synchronized [\033[?2026h]\n'
  printf 'reset: [\033c] [\033[!p] charset: [\033(0] lqqqk [\016] lqqqk [\017]\n'
  printf 'queries: [\033[6n] [\033[c] [\033[>c] [\033[5n] [\033]11;?\007] [\033P$qm\033\\] [\033[18t] [\005]\n'
  printf 'c1 in utf-8: csi [\302\2332J] osc [\302\2350;hostile title\302\234] nel [\302\205]\n'
  printf 'c1 as bytes: csi [\2332J] osc [\2350;hostile title\234] dcs [\220q\234]\n'
  printf 'invalid utf-8: [\377\376] [\300\257] [\355\240\200] [\342\202] [\364\220\200\200]\n'
  printf 'controls: [\001] [\002] bell [\007] backspace [ab\b\b] vt [\013] ff [\014] del [\177] nul [\000]\n'
  printf 'carriage return: hidden\rshown, tab:\there\n'
  printf 'colours: \033[31mred\033[0m \033[1;38;5;208m256\033[0m \033[38;2;120;200;80mtrue\033[0m \033[4:3mcurly\033[0m \033[31;;;;;;99999999999mlong\033[0m not closed: \033[7mreverse\n'
  printf 'wide: 你好，世界 日本語 한국어 ｆｕｌｌ 👩‍👩‍👧‍👦 🇩🇪 👍🏽 ❤️ é é 🏴󠁧󠁢󠁥󠁮󠁧󠁿 क्षि\n'
  printf 'invisible: zero width [a\342\200\213b] joiner [\342\200\215] override [\342\200\256evil\342\200\254] isolate [\342\201\247x\342\201\251] bom [\357\273\277] soft hyphen [\302\255] line separator [\342\200\250]\n'
  printf 'zalgo: Z\314\200\314\201\314\202\314\203\314\204\314\205\314\206\314\207\314\210\314\211\314\212\314\213\314\214\314\215\314\216\314\217a\n'
  printf 'a string that does not end: \033]0;never closed\n'
  printf 'a device control string that does not end: \033Pq#0;2;0;0;0\n'
  printf 'an escape at the end of the line \033\n'
  printf '\n   \n'
  printf 'level=error msg="the line after" code=42\n'
}

long() { # BYTES
  printf 'long %s: ' "$1"
  head -c "$1" /dev/zero | tr '\000' x
  printf ' end\n'
}

n=0
while :; do
  [ "$what" = long ] || escapes
  if [ "$what" != escapes ]; then
    # One line of 5 MiB at the beginning, then long ones.
    if [ $n = 0 ]; then long 5242880; elif [ $((n % 10)) = 0 ]; then long 200000; else long 3000; fi
  fi
  n=$((n + 1))
  sleep 3
done
