# shellcheck shell=bash
# The Docker Engine on its usual socket, and the containers on it. A daemon that already answers there is used and left alone.

docker_ready() { timeout 10 docker version >/dev/null 2>&1; }

start_docker() {
  mkdir -p "$D"
  if ! alive dockerd; then
    if docker_ready; then
      touch "$D/docker.foreign"
      say 'using the Docker daemon that runs already'
      return
    fi
    rm -f "$D/docker.foreign" "$D/docker.daemon.pid"
    # A killed daemon takes its containerd along, and mistakes what is left of it for a living one.
    sweep "$D/docker-exec/containerd/containerd.toml"
    rm -f "$D/docker-exec/containerd/containerd.pid"
    # Containers live on while the daemon is away, so that a restart changes none of their states.
    bg dockerd dockerd --host "$DOCKER_HOST" --data-root "$D/docker" --exec-root "$D/docker-exec" --pidfile "$D/docker.daemon.pid" --live-restore
  fi
  wait_for 60 'the Docker daemon to answer' dockerd docker_ready
  # After a kill, this version forgets the restart policy of a container that was between two starts.
  if [ -e "$D/docker-workloads" ] && [ "$(docker container inspect -f '{{.State.Status}}' rig-crash 2>/dev/null)" = exited ]; then
    docker start rig-crash >/dev/null 2>&1 || :
  fi
  say 'Docker ready'
}

stop_docker() {
  [ ! -e "$D/docker.foreign" ] || die 'the Docker daemon is not the rig'\''s own'
  stop dockerd 20
}

docker_containers() { timeout 20 docker ps -aq --filter label=pilothouse.rig 2>/dev/null || :; }

remove_docker_workloads() {
  local c
  mapfile -t c < <(docker_containers)
  [ ${#c[@]} = 0 ] || timeout 60 docker rm -f "${c[@]}" >/dev/null 2>&1 || :
  timeout 20 docker network rm shop_default >/dev/null 2>&1 || :
}

docker_down() {
  local foreign=0
  [ ! -e "$D/docker.foreign" ] || foreign=1
  if alive dockerd || [ $foreign = 1 ]; then remove_docker_workloads; fi
  stop dockerd 10
  [ -d "$D" ] || return 0
  if [ $foreign = 0 ] && [ -d "$D/docker" ]; then
    sweep "$D/docker-exec/"
    # Containers whose shims are gone.
    local c
    for c in "$D"/docker/containers/*; do [ ! -d "$c" ] || kill_cgroups "*/docker/$(basename "$c")"; done
    ip link del docker0 2>/dev/null || :
  fi
}

dc() { # NAME RUN-ARGUMENTS...
  local n=$1
  shift
  timeout 60 docker run --detach --name "$n" --hostname "$n" --label pilothouse.rig=1 --stop-timeout 1 "$@" >/dev/null
}

compose() { # SERVICE NUMBER RUN-ARGUMENTS...: labelled as docker compose does
  local s=$1 n=$2
  shift 2
  dc "shop-$s-$n" --network shop_default --network-alias "$s" \
    --label com.docker.compose.project=shop --label com.docker.compose.service="$s" --label com.docker.compose.container-number="$n" \
    --label com.docker.compose.oneoff=False --label com.docker.compose.version=2.27.0 --label com.docker.compose.project.working_dir=/srv/shop \
    --label com.docker.compose.project.config_files=/srv/shop/compose.yaml --label com.docker.compose.depends_on= \
    --label com.docker.compose.config-hash="$(echo "$s" | sha256sum | cut -c -64)" --label com.docker.compose.image="$IMAGE_ID" "$@"
}

make_docker_workloads_if_needed() {
  local out=x
  [ ! -e "$D/docker-workloads" ] || out=$(check_states 2>&1 | grep '^WAIT  container' || :)
  [ -z "$out" ] || make_docker_workloads
}

make_docker_workloads() {
  rm -f "$D/docker-workloads"
  remove_docker_workloads
  rootfs
  if ! docker image inspect test/busybox:2 >/dev/null 2>&1; then
    tar -C "$D/fs/bb" -c . | timeout 60 docker import --change 'ENV PATH=/bin' --change 'CMD ["/bin/sh"]' - test/busybox:1 >/dev/null
    docker tag test/busybox:1 test/busybox:2
  fi
  IMAGE_ID=$(docker image inspect -f '{{.Id}}' test/busybox:1)
  timeout 20 docker network create --label pilothouse.rig=1 --label com.docker.compose.project=shop --label com.docker.compose.network=default shop_default >/dev/null
  local i=test/busybox:1
  # shellcheck disable=SC2016 # expanded by the container's shell
  {
    local web='mkdir -p /www; echo hello >/www/index.html; httpd -p 8080 -h /www; i=0; while :; do echo "$(date +%s) $HOSTNAME line $i"; i=$((i+1)); sleep 1; done'
    local two='while :; do echo "to stdout"; echo "to stderr" >&2; sleep 5; done'
    local eat='x=a; while :; do x=$x$x; done'
    local wait='trap "exit 0" TERM; while :; do sleep 1; done'
  }
  compose web 1 --restart unless-stopped $i sh -c "$web"
  compose web 2 --restart unless-stopped $i sh -c "$web"
  compose db 1 --restart always --memory 64m --cpus .5 -v rig-db:/data $i sh -c "$two"
  compose cache 1 $i sh -c "$wait"
  dc rig-healthy --health-cmd true --health-interval 5s --health-retries 1 $i sh -c "$wait"
  dc rig-unhealthy --health-cmd 'echo refused >&2; exit 1' --health-interval 5s --health-retries 1 $i sh -c "$wait"
  dc rig-crash --restart always $i sh -c 'echo about to fail; exit 3'
  dc rig-exited137 $i sleep 100000
  dc rig-oom --memory 16m --memory-swap 16m $i sh -c "$eat"
  dc rig-paused $i sh -c "$wait"
  # The driver "local" keeps bytes that are no UTF-8; the usual one replaces them.
  dc rig-hostile --log-driver local --log-opt max-size=40m $i sh -c "$(cat "$HERE/hostile.sh")" hostile all
  dc rig-tty --tty --interactive $i sh
  dc rig-ports --publish 127.0.0.1:18080:8080 --publish 18081-18082:8081-8082 --publish 127.0.0.1:18053:53/udp --expose 9000 $i sh -c "$web"
  dc rig-done $i true
  docker kill rig-exited137 >/dev/null
  docker pause rig-paused >/dev/null
  touch "$D/docker-workloads"
  say 'Docker workloads made'
}
