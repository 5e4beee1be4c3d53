# shellcheck shell=bash
# Common to all parts of the rig: messages, processes, waits, packages and the Kubernetes binaries.

export PATH=$B:/usr/sbin:/sbin:$PATH
export DOCKER_HOST=unix:///var/run/docker.sock
export KUBECONFIG=$RIG_HOME/admin.kubeconfig
unset DOCKER_CONTEXT

T0=$(date +%s.%N)
say() { awk -v a="$(date +%s.%N)" -v b="$T0" -v m="$*" 'BEGIN { printf "rig %6.1fs  %s\n", a - b, m }'; }
die() { say "FAILED: $*" >&2; exit 1; }

lock() { # one `up` or `down` at a time; the daemons do not inherit the lock (see bg)
  mkdir -p "$RIG_HOME"
  exec 9>"$RIG_HOME/lock"
  flock -w 1800 9 || die 'another rig command has held the lock for half an hour'
}

# --- processes -------------------------------------------------------------------------------------------------------
# A pid file holds the process id and its start time, so that a reused id is not mistaken for ours.

start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

bg() { # NAME COMMAND...: in a session of its own, so that it outlives this script
  local n=$1
  shift
  (cd "$D" && exec setsid "$@" >>"$D/$n.log" 2>&1 </dev/null 9>&-) &
  local p=$!
  disown "$p"
  echo "$p $(start_time "$p")" >"$D/$n.pid"
}

pid_of() { cut -d' ' -f1 "$D/$1.pid"; }

alive() {
  local p s
  read -r p s 2>/dev/null <"$D/$1.pid" || return 1
  [ -n "$s" ] && [ "$(start_time "$p")" = "$s" ] && ! grep -qs '^State:.[ZX]' "/proc/$p/status"
}

stop() { # NAME [GRACE]: SIGKILL, or SIGTERM with so many seconds to obey first
  local p i
  if alive "$1"; then
    p=$(pid_of "$1")
    if [ "${2:-0}" -gt 0 ]; then
      kill -TERM "$p" 2>/dev/null || :
      for ((i = 0; i < $2 * 10; i++)); do alive "$1" || break; sleep .1; done
    fi
    kill -KILL "$p" 2>/dev/null || :
    for ((i = 0; i < 100; i++)); do alive "$1" || break; sleep .1; done
    ! alive "$1" || die "process $p ($1) did not end"
  fi
  rm -f "$D/$1.pid"
}

not() { ! "$@"; }

send_signal() {
  alive "$1" || die "$1 does not run"
  kill "-${2#SIG}" "$(pid_of "$1")"
  # Whoever kills and starts again is not to find it dying.
  [[ $2 != *KILL && $2 != 9 ]] || wait_for 10 "$1 to end" '' not alive "$1"
}

sweep() { # PATH: end the rig's kinds of processes that name PATH in their command line, children first
  local p exe child
  for p in /proc/[0-9]*; do
    exe=$(basename "$(readlink "$p/exe" 2>/dev/null)" 2>/dev/null) || continue
    case ${exe%% *} in
      etcd | kube-apiserver | kube-controller-manager | kube-scheduler | kubelet | containerd | containerd-shim* | dockerd | docker-proxy | python3*) ;;
      *) continue ;;
    esac
    tr '\0' '\n' <"$p/cmdline" 2>/dev/null | grep -qF -- "$1" || continue
    p=${p#/proc/}
    [ "$p" != $$ ] || continue
    if [[ $exe == containerd-shim* ]]; then
      for child in $(pgrep -P "$p"); do kill -KILL "$child" 2>/dev/null || :; done
    fi
    kill -KILL "$p" 2>/dev/null || :
  done
}

sweep_unowned() { # processes of a run that was killed before it wrote their pid files
  local n known=' '
  for n in "$D"/*.pid; do [ ! -e "$n" ] || known+="$(cut -d' ' -f1 "$n") "; done
  for n in $(pgrep -f -- "--config $D/containerd.toml|--data-dir $D/etcd|=$D/.*kubeconfig|=$D/ca.crt" || :); do
    case $known in *" $n "*) ;; *)
      case $(basename "$(readlink "/proc/$n/exe" 2>/dev/null)") in
        etcd | kube-apiserver | kube-controller-manager | kube-scheduler | kubelet | containerd) kill -KILL "$n" 2>/dev/null || : ;;
      esac ;;
    esac
  done
}

kill_cgroups() { # PATTERN...: kill every process in control groups below these paths, then remove the groups
  local g p root
  for g in "$@"; do
    while read -r root; do
      while read -r p; do kill -KILL "$p" 2>/dev/null || :; done < <(find "$root" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -u)
    done < <(find /sys/fs/cgroup -maxdepth 3 -type d -path "$g" 2>/dev/null)
  done
  sleep .2
  for g in "$@"; do
    find /sys/fs/cgroup -depth -type d \( -path "$g" -o -path "$g/*" \) -exec rmdir {} + 2>/dev/null || :
  done
}

# --- waits -----------------------------------------------------------------------------------------------------------

wait_for() { # SECONDS WHAT NAMES COMMAND...: poll the command; NAMES are daemons that must live and whose logs tell why not
  local limit=$1 what=$2 names=$3 start=$SECONDS n
  shift 3
  until "$@" >/dev/null 2>&1; do # in a condition: no -e inside
    for n in $names; do
      [ ! -e "$D/$n.pid" ] || alive "$n" || { tail_logs "$names"; die "$n ended while waiting for $what"; }
    done
    if ((SECONDS - start >= limit)); then
      tail_logs "$names"
      die "waited $limit s for $what"
    fi
    sleep .2
  done
}

tail_logs() {
  local n
  for n in $1; do
    [ -e "$D/$n.log" ] || continue
    echo "--- the end of $D/$n.log" >&2
    tail -n 25 "$D/$n.log" | cut -c -400 >&2
  done
}

# --- packages --------------------------------------------------------------------------------------------------------

apt_install() { # nothing is to be started by the packages' scripts: RUNLEVEL keeps sysv's services down
  say "installing $*"
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  # Lists of other parties may be unreachable; what matters is whether the installation works.
  timeout 300 apt-get update -qq </dev/null >"$RIG_HOME/apt.log" 2>&1 9>&- || :
  timeout 900 apt-get install -y -qq --no-install-recommends "$@" </dev/null >>"$RIG_HOME/apt.log" 2>&1 9>&- ||
    { tail -n 25 "$RIG_HOME/apt.log" >&2; die "apt-get install $*"; }
}

install_packages() {
  local want=()
  need() { command -v "$1" >/dev/null || want+=("$2"); }
  need containerd containerd
  need runc runc
  need etcd etcd-server
  need dockerd docker.io
  need docker docker.io
  need iptables iptables
  need ip iproute2
  need openssl openssl
  need pgrep procps
  need python3 python3
  [ -x /usr/lib/cni/bridge ] || want+=(containernetworking-plugins)
  dpkg -s busybox-static >/dev/null 2>&1 || want+=(busybox-static)
  [ ${#want[@]} = 0 ] || apt_install "${want[@]}"
}

# --- the Kubernetes binaries -----------------------------------------------------------------------------------------
# Debian ships the whole source of one version; the cache is keyed on its name and on the script that builds it.

ensure_binaries() {
  local hash tar built
  hash=$(sha256sum "$HERE/build-kubernetes.sh" | cut -c -12)
  built=$(find "$RIG_HOME" -maxdepth 2 -path "*-$hash/.complete" | head -n 1)
  if [ -z "$built" ]; then
    need_build=()
    [ -x /usr/bin/go ] || need_build+=(golang-go)
    command -v gcc >/dev/null || need_build+=(gcc)
    [ -e /usr/include/stdlib.h ] || need_build+=(libc6-dev)
    [ -d /usr/share/gocode/src/github.com/modern-go/reflect2 ] || need_build+=(golang-github-modern-go-reflect2-dev)
    [ ${#need_build[@]} = 0 ] || apt_install "${need_build[@]}"
    tar=$(find "$RIG_HOME/source" -name 'kubernetes_*.orig.tar.gz' 2>/dev/null | head -n 1)
    [ -n "$tar" ] || { fetch_source; tar=$(find "$RIG_HOME/source" -name 'kubernetes_*.orig.tar.gz' | head -n 1); }
    built=$RIG_HOME/$(basename "$tar" .orig.tar.gz)-$hash/.complete
    say 'building Kubernetes (some minutes, once)'
    rm -rf "$(dirname "$built")"
    timeout 3000 "$HERE/build-kubernetes.sh" "$tar" "$(dirname "$built")" "$RIG_HOME/build" </dev/null >"$RIG_HOME/build.log" 2>&1 9>&- ||
      { tail -n 25 "$RIG_HOME/build.log" >&2; die 'building Kubernetes'; }
    rm -rf "$RIG_HOME/build" # 2 GB that nobody needs again
    touch "$built"
    say 'Kubernetes is built'
  fi
  ln -sfnT "$(basename "$(dirname "$built")")" "$B"
}

fetch_source() {
  local t=$RIG_HOME/source.tmp
  say 'fetching the source package of Kubernetes'
  rm -rf "$t"
  mkdir -p "$t/parts" "$t/lists/partial" "$t/got"
  # The system's own Debian sources, as source-package sources, in lists of our own: the system's stay as they are.
  local s
  for s in /etc/apt/sources.list.d/*.sources; do
    if grep -qs 'debian-archive-keyring' "$s"; then sed 's/^Types:.*/Types: deb-src/' "$s" >"$t/parts/$(basename "$s")"; fi
  done
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | grep '^deb .*debian' | sed 's/^deb /deb-src /' >"$t/parts/classic.list" || :
  local o=(-o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$t/parts" -o "Dir::State::lists=$t/lists" -o 'APT::Sandbox::User=root')
  {
    timeout 600 apt-get "${o[@]}" update || :
    (cd "$t/got" && timeout 900 apt-get "${o[@]}" source --download-only kubernetes)
  } </dev/null >"$RIG_HOME/apt.log" 2>&1 9>&- || { tail -n 25 "$RIG_HOME/apt.log" >&2; die 'apt-get source kubernetes'; }
  mkdir -p "$RIG_HOME/source"
  mv "$t"/got/kubernetes_*.orig.tar.gz "$RIG_HOME/source/"
  rm -rf "$t"
}
