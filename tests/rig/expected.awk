# Compares `kubectl get pods -A` and `docker ps` (in the variables pods and docker) with the lines of expected.txt.
BEGIN {
  np = split(pods, pod, "\n")
  nd = split(docker, con, "\n")
}
/^#/ || NF == 0 { next }
{
  if ($1 == "docker") {
    n = split("", hits); found = ""; count = 0
    want = $0; sub(/^docker +[^ ]+ +/, "", want)
    for (i = 1; i <= nd; i++) {
      name = con[i]; sub(/ .*/, "", name)
      state = con[i]; sub(/^[^ ]+ /, "", state)
      if (name ~ "^(" $2 ")$") { found = found " [" state "]"; if (state ~ "^(" want ")") count++ }
    }
    report(count == 1, "container " $2, found)
  } else {
    found = ""; count = 0
    for (i = 1; i <= np; i++) {
      split(pod[i], f)
      if (f[1] == $1 && f[2] ~ "^(" $2 ")$") {
        found = found " [" f[3] " " f[4] " " f[5] "]"
        if (f[3] ~ "^(" $3 ")$" && f[4] ~ "^(" $4 ")$" && f[5] + 0 >= $5) count++
      }
    }
    report($6 ~ /\+$/ ? count >= $6 + 0 : count == $6, "pod " $1 "/" $2, found)
  }
}
function report(fine, what, found) {
  if (!fine) bad = 1
  printf "%-5s %s  %s\n", fine ? "ok" : "WAIT", what, substr(found, 1, 200)
}
END { exit bad }
