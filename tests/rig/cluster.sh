# shellcheck shell=bash
# One Kubernetes node on this machine: etcd, API server, controller manager, scheduler, containerd and a kubelet with real pods.
# It listens on loopback and on the pod bridge only.

IP=10.88.0.1 # the pod bridge's own address and the node's: reachable from this machine and its pods only

k() { timeout 120 kubectl --request-timeout=15s "$@"; }
crictl_ctr() { timeout 60 ctr -a "$D/containerd.sock" -n k8s.io "$@"; }
api_ready() { timeout 10 kubectl --request-timeout=5s --kubeconfig "$RIG_HOME/admin.kubeconfig" get --raw /readyz; } >/dev/null 2>&1

# --- what is made once -----------------------------------------------------------------------------------------------

authority() { # DIR
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=rig-ca -keyout "$1/ca.key" -out "$1/ca.crt" 2>/dev/null
  openssl genrsa -out "$1/sa.key" 2048 2>/dev/null
}

cert() { # DIR NAME SUBJECT [SAN]
  openssl req -x509 -CA "$1/ca.crt" -CAkey "$1/ca.key" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
    -subj "$3" -addext basicConstraints=critical,CA:FALSE ${4:+-addext subjectAltName=$4} -keyout "$1/$2.key" -out "$1/$2.crt" 2>/dev/null
}

kubeconfig() { # DIR NAME FILE SERVER CONTEXT [NAMESPACE] [TOKEN]: JSON, which is YAML too and which the helpers here read without a parser of YAML
  local user
  if [ -n "${7:-}" ]; then
    user="{\"token\": \"$7\"}"
  else
    user="{\"client-certificate-data\": \"$(base64 -w0 "$1/$2.crt")\", \"client-key-data\": \"$(base64 -w0 "$1/$2.key")\"}"
  fi
  cat >"$3" <<K
{"apiVersion": "v1", "kind": "Config", "current-context": "$5",
 "contexts": [{"name": "$5", "context": {"cluster": "${5%%-*}", "user": "$2", "namespace": "${6:-default}"}}],
 "clusters": [{"name": "${5%%-*}", "cluster": {"server": "$4", "certificate-authority-data": "$(base64 -w0 "$1/ca.crt")"}}],
 "users": [{"name": "$2", "user": $user}]}
K
  chmod 600 "$3"
}

prepare() {
  [ ! -e "$D/prepared" ] || return 0
  if pgrep -x kubelet >/dev/null; then die 'another kubelet runs on this machine: the rig would remove its logs and control groups'; fi
  mkdir -p "$D/cni"
  sysctl vm.overcommit_memory kernel.panic kernel.panic_on_oops >"$D/sysctl.before" # the kubelet sets these three
  authority "$D"
  local u=https://127.0.0.1:6443
  cert "$D" apiserver /O=system:masters/CN=kube-apiserver "IP:127.0.0.1,IP:10.96.0.1,IP:$IP,DNS:localhost,DNS:kubernetes.default.svc"
  cert "$D" kcm /O=system:masters/CN=system:kube-controller-manager
  cert "$D" sched /CN=system:kube-scheduler
  cert "$D" kubelet /O=system:nodes/CN=system:node:node1
  cert "$D" admin /O=system:masters/CN=admin
  cert "$D" viewer /O=viewers/CN=viewer
  cert "$D" operator /O=operators/CN=operator
  local n
  for n in kcm sched kubelet; do kubeconfig "$D" $n "$D/$n.kubeconfig" $u rig; done
  kubeconfig "$D" admin "$RIG_HOME/admin.kubeconfig" $u rig
  kubeconfig "$D" viewer "$RIG_HOME/viewer.kubeconfig" $u rig-viewer
  kubeconfig "$D" operator "$RIG_HOME/operator.kubeconfig" $u rig-operator shop
  kubeconfig "$D" viewer "$RIG_HOME/viewer-token.kubeconfig" $u rig-viewer-token default view-token
  echo 'view-token,viewer,viewer,"viewers"' >"$D/tokens.csv" # the viewer again, by bearer token

  cat >"$D/containerd.toml" <<K
version = 2
root = "$D/containerd"
state = "$D/containerd-state"
[grpc]
  address = "$D/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "test/pause:1"
  restrict_oom_score_adj = true     # root may lack CAP_SYS_RESOURCE
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "$D/cni"
K
  cat >"$D/cni/10-rig.conflist" <<K
{"cniVersion": "0.4.0", "name": "rig", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$D/cni-ipam", "ranges": [[{"subnet": "10.88.0.0/16"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
K
  cat >"$D/kubelet.yaml" <<K
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $IP
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $D/ca.crt}}
authorization: {mode: Webhook}
cgroupDriver: cgroupfs
clusterDNS: [10.96.0.10]            # nothing answers there, but without it every pod gets a warning event
clusterDomain: cluster.local
failSwapOn: false
healthzPort: 0
makeIPTablesUtilChains: false
nodeStatusUpdateFrequency: 1s       # Ready after 1 s instead of 10 s
nodeStatusReportFrequency: 5m
evictionHard: {memory.available: 50Mi, nodefs.available: 1%, imagefs.available: 1%, nodefs.inodesFree: 1%}
imageGCHighThresholdPercent: 100    # never delete the images that no registry could give back
kubeAPIQPS: 50
kubeAPIBurst: 100
eventRecordQPS: 50
K
  cat /proc/sys/kernel/random/boot_id >"$D/boot_id"
  touch "$D/prepared"
}

rootfs() { # the image's files: busybox and its links
  [ ! -e "$D/fs/complete" ] || return 0
  rm -rf "$D/fs"
  mkdir -p "$D"/fs/pause "$D"/fs/bb/{bin,tmp,etc}
  cp "$B/pause" "$D/fs/pause/"
  cp /bin/busybox "$D/fs/bb/bin/"
  local a
  for a in $(busybox --list); do [ "$a" = busybox ] || ln -s busybox "$D/fs/bb/bin/$a"; done
  echo root:x:0:0:root:/:/bin/sh >"$D/fs/bb/etc/passwd"
  touch "$D/fs/complete"
}

image() { # TAG ROOTFS CONFIG: make a docker-archive of a directory and import it into containerd
  local t=$D/image.tmp
  rm -rf "$t"
  mkdir "$t"
  tar -C "$2" -cf "$t/layer.tar" .
  echo "{\"architecture\":\"$(dpkg --print-architecture)\",\"os\":\"linux\",\"config\":$3,\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:$(sha256sum <"$t/layer.tar" | cut -c -64)\"]}}" >"$t/c.json"
  echo "[{\"Config\":\"c.json\",\"RepoTags\":[\"docker.io/$1\"],\"Layers\":[\"layer.tar\"]}]" >"$t/manifest.json"
  tar -C "$t" -c manifest.json c.json layer.tar | crictl_ctr images import - >/dev/null
  rm -rf "$t"
}

# --- the daemons -----------------------------------------------------------------------------------------------------

start_etcd() { # DIR PORT NAME
  bg "$3" etcd --data-dir "$1/etcd" --listen-client-urls "http://127.0.0.1:$2" --advertise-client-urls "http://127.0.0.1:$2" \
    --listen-peer-urls "http://127.0.0.1:$(($2 + 1))" --initial-advertise-peer-urls "http://127.0.0.1:$(($2 + 1))" \
    --initial-cluster "default=http://127.0.0.1:$(($2 + 1))" --quota-backend-bytes 8589934592
}

start_apiserver() {
  [ -e "$D/prepared" ] || die 'the rig is not up'
  alive apiserver || bg apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2389 --bind-address=127.0.0.1 --secure-port=6443 \
    --endpoint-reconciler-type=none --service-cluster-ip-range=10.96.0.0/16 --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
    --client-ca-file="$D/ca.crt" --token-auth-file="$D/tokens.csv" --tls-cert-file="$D/apiserver.crt" --tls-private-key-file="$D/apiserver.key" \
    --kubelet-client-certificate="$D/apiserver.crt" --kubelet-client-key="$D/apiserver.key" --kubelet-preferred-address-types=InternalIP --allow-privileged \
    --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$D/sa.key" --service-account-signing-key-file="$D/sa.key"
}

wait_api() { wait_for 90 'the API server to be ready' 'apiserver etcd' api_ready; }

network() {
  if ! ip link show cni0 >/dev/null 2>&1; then
    ip link add cni0 type bridge
    ip addr add $IP/16 dev cni0
  fi
  ip link set cni0 up
  # Pod to pod, where Docker has set the policy of FORWARD to DROP.
  iptables -w 10 -C FORWARD -i cni0 -j ACCEPT 2>/dev/null || iptables -w 10 -I FORWARD -i cni0 -j ACCEPT
}

node_ready() { [ "$(k get node node1 -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}{.spec.taints}')" = True ]; }

start_cluster() {
  network
  alive etcd || start_etcd "$D" 2389 etcd
  start_apiserver
  alive containerd || { rm -f "$D/containerd.sock"; bg containerd containerd --config "$D/containerd.toml"; }
  wait_for 30 'containerd to answer' containerd crictl_ctr version
  rootfs
  if ! crictl_ctr images ls -q | grep -q busybox:2; then
    image test/pause:1 "$D/fs/pause" '{"Entrypoint":["/pause"]}'
    image test/busybox:1 "$D/fs/bb" '{"Env":["PATH=/bin"],"Cmd":["/bin/sh"]}'
    image test/busybox:2 "$D/fs/bb" '{"Env":["PATH=/bin"],"Cmd":["/bin/sh"]}'
    say 'containerd has the images'
  fi
  wait_api
  say 'API server ready'
  alive kcm || bg kcm kube-controller-manager --kubeconfig="$D/kcm.kubeconfig" --leader-elect=false --port=0 --secure-port=0 \
    --root-ca-file="$D/ca.crt" --service-account-private-key-file="$D/sa.key" --cluster-signing-cert-file="$D/ca.crt" \
    --cluster-signing-key-file="$D/ca.key" --enable-hostpath-provisioner --horizontal-pod-autoscaler-sync-period=5s
  alive sched || bg sched kube-scheduler --kubeconfig="$D/sched.kubeconfig" --leader-elect=false --port=0 --secure-port=0
  alive kubelet || bg kubelet kubelet --kubeconfig="$D/kubelet.kubeconfig" --config="$D/kubelet.yaml" --hostname-override=node1 --node-ip=$IP \
    --root-dir="$D/kubelet" --cert-dir="$D/kubelet-pki" --maximum-dead-containers-per-container=2 \
    --container-runtime=remote --container-runtime-endpoint="unix://$D/containerd.sock" --containerd="$D/containerd.sock"
  # Pods made before their service account exists are refused.
  wait_for 60 'the default service account' 'kcm apiserver' k get serviceaccount default
  wait_for 90 'node1 to be Ready without a taint' 'kubelet kcm apiserver' node_ready
  say 'node ready'
  if [ ! -e "$D/metrics.off" ] && ! alive metrics; then metrics_on; fi
}

cluster_down() {
  local n
  for n in metrics kubelet sched kcm apiserver etcd; do stop $n; done
  if alive containerd; then
    for n in $(crictl_ctr task ls -q 2>/dev/null || :); do crictl_ctr task rm -f "$n" >/dev/null 2>&1 || :; done
  fi
  stop containerd
  [ -d "$D" ] || return 0
  sweep "$D/"
  kill_cgroups '*/kubepods'
  for n in $(ip netns list 2>/dev/null | awk '/^cni-/ { print $1 }'); do ip netns del "$n" || :; done
  ip link del cni0 2>/dev/null || :
  iptables -w 10 -D FORWARD -i cni0 -j ACCEPT 2>/dev/null || :
  [ ! -e "$D/sysctl.before" ] || sysctl -qp "$D/sysctl.before" >/dev/null 2>&1 || :
  rm -rf /var/log/pods /var/log/containers /var/lib/cni/results /tmp/hostpath_pv
}

remove_state() {
  local m
  while read -r m; do umount -l "$m" 2>/dev/null || :; done < <(grep -o " $D/[^ ]*" /proc/mounts | sort -ru)
  rm -rf "$D" || { sleep 1; rm -rf "$D"; }
  rm -f "$RIG_HOME"/{admin,viewer,viewer-token,operator}.kubeconfig
}

# --- metrics.k8s.io --------------------------------------------------------------------------------------------------

has_metrics() { [ "$(k get pods.metrics.k8s.io -A -o name | wc -l)" -gt 0 ] && k get nodes.metrics.k8s.io node1; }

metrics_on() {
  rm -f "$D/metrics.off"
  k apply -f "$HERE/metrics-crd.yaml" >/dev/null
  k wait --for=condition=Established --timeout=20s crd/nodes.metrics.k8s.io crd/pods.metrics.k8s.io >/dev/null
  alive metrics || bg metrics python3 -B "$HERE/metrics.py" "$RIG_HOME/admin.kubeconfig"
}

metrics_off() {
  stop metrics
  touch "$D/metrics.off"
  k delete --ignore-not-found --timeout=25s -f "$HERE/metrics-crd.yaml" >/dev/null
}

# --- workloads -------------------------------------------------------------------------------------------------------

revision() { [ "$(k -n "$1" get deploy "$2" -o 'jsonpath={.metadata.annotations.deployment\.kubernetes\.io/revision}')" = "$3" ]; }
updated() { # NS KIND/NAME: the rollout is through
  k -n "$1" rollout status --watch=false "$2" | grep -q 'successfully rolled out\|roll out complete\|rolling update complete'
}

apply_workloads_if_needed() { [ -e "$D/workloads" ] || apply_workloads; }

apply_workloads() {
  rm -f "$D/complete" "$D/workloads"
  # Those with a history begin anew, or the revisions would be counted on.
  timeout 90 kubectl -n shop delete --cascade=foreground --ignore-not-found --timeout=80s deploy/history >/dev/null
  timeout 90 kubectl -n faults delete --cascade=foreground --ignore-not-found --timeout=80s deploy/stuck >/dev/null
  timeout 90 kubectl -n default delete --cascade=foreground --ignore-not-found --timeout=80s statefulset/sts daemonset/ds >/dev/null
  k apply -f "$HERE/namespaces.yaml" >/dev/null
  local ns
  for ns in default faults shop; do wait_for 30 "the service account of $ns" 'kcm apiserver' k -n $ns get serviceaccount default; done
  k -n faults create configmap hostile --from-file="$HERE/hostile.sh" --dry-run=client -o yaml | k apply -f - >/dev/null
  k apply -f "$HERE/workloads.yaml" >/dev/null
  # A pod that hangs in deletion: its finalizer is nobody's.
  k -n faults delete pod terminating --wait=false --grace-period=1 >/dev/null

  # The stuck rollout: it was good, and its new revision has an image that nobody can pull.
  wait_for 90 'the good revision of faults/stuck' 'kubelet kcm' updated faults deploy/stuck
  k -n faults set image deploy/stuck c=test/nosuch:1 >/dev/null
  # An HPA without metrics floods the events.
  [ -e "$D/metrics.off" ] || wait_for 60 'the first metrics' 'metrics kubelet apiserver' has_metrics
  k apply -f "$HERE/hpa.yaml" >/dev/null

  # Histories: three revisions each, every one with its cause.
  wait_for 90 'the first revision of the workloads with a history' 'kubelet kcm' histories_settled
  revise 2 'raise the greeting to 2' '{"name": "c", "env": [{"name": "GREETING", "value": "2"}]}'
  revise 3 'image 2' '{"name": "c", "image": "test/busybox:2"}'
  say 'Kubernetes workloads applied'
  touch "$D/workloads"
}

revise() { # NUMBER CAUSE CONTAINER: cause and change in one request, or the cause would be the old revision's
  local patch="{\"metadata\": {\"annotations\": {\"kubernetes.io/change-cause\": \"$2\"}}, \"spec\": {\"template\": {\"spec\": {\"containers\": [$3]}}}}"
  k -n shop patch deploy/history -p "$patch" >/dev/null
  k -n default patch statefulset/sts -p "$patch" >/dev/null
  k -n default patch daemonset/ds -p "$patch" >/dev/null
  wait_for 60 "revision $1 of shop/history" 'kcm apiserver' revision shop history "$1"
  wait_for 90 "revision $1 of the workloads with a history" 'kubelet kcm' histories_settled
}

histories_settled() { updated shop deploy/history && updated default statefulset/sts && updated default daemonset/ds; }

check_states() { # the expected states beside what kubectl and docker print
  local pods docker ok=0
  pods=$(k get pods -A --no-headers) || return 1
  docker=$(timeout 20 docker ps -a --filter label=pilothouse.rig --format '{{.Names}} {{.Status}}') || return 1
  awk -v pods="$pods" -v docker="$docker" -f "$HERE/expected.awk" "$HERE/expected.txt" || ok=1
  if k -n faults get deploy stuck -o 'jsonpath={.status.conditions[*].reason}' | grep -q ProgressDeadlineExceeded; then
    echo 'ok    deployment faults/stuck   ProgressDeadlineExceeded'
  else
    echo 'WAIT  deployment faults/stuck   has not yet exceeded its deadline'
    ok=1
  fi
  return $ok
}

wait_for_states() {
  local start=$SECONDS out
  until out=$(check_states 2>&1); do
    if ((SECONDS - start >= 300)); then
      echo "$out" >&2
      tail_logs 'kubelet kcm'
      die 'waited 300 s for the workloads to reach their states (above)'
    fi
    sleep 1
  done
  say "all workloads are in their states: $(k get pods -A --no-headers | wc -l) pods, $(docker ps -aq --filter label=pilothouse.rig | wc -l) containers"
}
