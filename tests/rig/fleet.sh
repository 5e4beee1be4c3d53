# shellcheck shell=bash
# A second etcd and API server for the synthetic fleet: no controllers, so nobody collects pods whose nodes do not exist,
# and the rig's own cluster is not disturbed.

fleet_alive() { (D=$F; alive fleet-apiserver && alive fleet-etcd) }
fleet_ready() { k --kubeconfig "$RIG_HOME/fleet.kubeconfig" get --raw /readyz; }

fleet_server_up() {
  local D=$F # the functions used here keep their pid files and logs in $D
  if [ -e "$F/prepared" ] && [ "$(cat "$F/boot_id" 2>/dev/null)" != "$(cat /proc/sys/kernel/random/boot_id)" ]; then fleet_server_down; fi
  if [ ! -e "$F/prepared" ]; then
    fleet_server_down
    mkdir -p "$F"
    authority "$F"
    cert "$F" apiserver /O=system:masters/CN=kube-apiserver IP:127.0.0.1,IP:10.96.0.1,DNS:localhost
    cert "$F" admin /O=system:masters/CN=admin
    kubeconfig "$F" admin "$RIG_HOME/fleet.kubeconfig" https://127.0.0.1:6543 fleet
    cat /proc/sys/kernel/random/boot_id >"$F/boot_id"
    touch "$F/prepared"
  fi
  alive fleet-etcd || start_etcd "$F" 2479 fleet-etcd
  # Short compaction and a wide quota: the churn of a fleet is some megabytes a second.
  alive fleet-apiserver || bg fleet-apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2479 --bind-address=127.0.0.1 --secure-port=6543 \
    --endpoint-reconciler-type=none --service-cluster-ip-range=10.96.0.0/16 --authorization-mode=RBAC --disable-admission-plugins=ServiceAccount \
    --client-ca-file="$F/ca.crt" --tls-cert-file="$F/apiserver.crt" --tls-private-key-file="$F/apiserver.key" --etcd-compaction-interval=1m \
    --max-requests-inflight=2000 --max-mutating-requests-inflight=1000 \
    --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$F/sa.key" --service-account-signing-key-file="$F/sa.key"
  wait_for 90 'the fleet API server to be ready' 'fleet-apiserver fleet-etcd' fleet_ready
  say "fleet server ready: $RIG_HOME/fleet.kubeconfig"
}

fleet_server_down() {
  # shellcheck disable=SC2034 # as above
  local D=$F
  stop fleet-apiserver
  stop fleet-etcd
  if [ -d "$F" ]; then sweep "$F/"; fi
  rm -rf "$F" "$RIG_HOME/fleet.kubeconfig"
}
