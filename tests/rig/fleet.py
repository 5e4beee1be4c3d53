#!/usr/bin/env python3
"""A synthetic fleet of pods of realistic size, on an API server without controllers (`rig fleet-server up`)."""
import argparse
import json
import multiprocessing
import os
import random
import signal
import sys
import threading
import time

from kube import ApiError, Client

LABEL = "pilothouse.rig/fleet"
HOME = os.environ.get("RIG_HOME") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "pilothouse-rig")
PROCESSES = 3  # the server is the bottleneck: more gain nothing on two cores
THREADS = 6
APPS = ("cart", "catalog", "checkout", "frontend", "inventory", "mail", "payment", "search", "session", "shipping")


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def namespace(i, n):
    return f"fleet-{i % n:02d}"


def identity(i):
    """The same name for the same number in every process and run."""
    r = random.Random(i)
    app = APPS[i // 10 % len(APPS)]
    letters = "bcdfghjklmnpqrstvwxz2456789"
    return app, f"{app}-{''.join(r.choices(letters, k=9))}-{''.join(r.choices(letters, k=5))}"


def pod(i, args, padding):
    app, name = identity(i)
    env = [{"name": f"{app.upper()}_SETTING_{n:02d}", "value": f"value-{n}-of-{app}-" + "v" * 40} for n in range(20)]
    env.append({"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}})

    def container(c, port):
        return {
            "name": c, "image": f"registry.invalid/{app}/{c}:1.{i % 7}.{i % 3}", "env": env if c == "app" else env[:5],
            "ports": [{"name": "http", "containerPort": port}],
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "500m", "memory": "512Mi"}},
            "readinessProbe": {"httpGet": {"path": "/ready", "port": port}, "periodSeconds": 5},
            "livenessProbe": {"httpGet": {"path": "/live", "port": port}, "periodSeconds": 10},
            "volumeMounts": [{"name": "config", "mountPath": "/etc/app", "readOnly": True}],
        }

    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": namespace(i, args.namespaces),
            "labels": {LABEL: "true", "app": app, "tier": "backend", "pod-template-hash": name.split("-")[1]},
            "annotations": {"checksum/config": "c" * 64, "kubectl.kubernetes.io/restartedAt": "2024-01-01T00:00:00Z",
                            "example.com/applied-configuration": filler(i, padding)},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name.rsplit("-", 1)[0],
                                 "uid": f"00000000-0000-4000-8000-{i // 10:012d}", "controller": True, "blockOwnerDeletion": True}],
        },
        "spec": {
            # The scheduler's work is done here; the toleration keeps a controller manager, if there is one, from evicting the pod.
            "nodeName": f"fleet-node-{i % args.nodes:03d}" if state(i) != "Pending" else None,
            "tolerations": [{"operator": "Exists"}], "terminationGracePeriodSeconds": 0, "automountServiceAccountToken": False,
            "containers": [container("app", 8080), container("proxy", 15001)],
            "volumes": [{"name": "config", "configMap": {"name": f"{app}-config"}}],
        },
    }


WORDS = " ".join(random.Random(0).choices("spec containers image replicas selector template labels metadata value http probe volume mount secret node zone".split(), k=20000))


def filler(i, size):
    """Text that compresses about as well as a real annotation, different for every pod."""
    at = i * 37 % 50000
    return WORDS[at:at + size].ljust(size, "x")


def state(i):
    return {13: "CrashLoopBackOff", 57: "Pending", 88: "NotReady"}.get(i % 100, "Running")


def status(i, restarts=0, at=None):
    what, at = state(i), at or now()
    app, _ = identity(i)
    if what == "Pending":
        return {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "lastTransitionTime": at,
                                                    "message": "0/100 nodes are available: 100 Insufficient memory."}]}
    good = what == "Running"

    def container(name, ok):
        c = {"name": name, "image": f"registry.invalid/{app}/{name}:1.{i % 7}.{i % 3}", "imageID": f"registry.invalid/{app}/{name}@sha256:" + "0" * 64,
             "containerID": f"containerd://{i:032x}{hash(name) & 0xffffffff:032x}", "ready": ok, "started": True, "restartCount": restarts, "state": {"running": {"startedAt": at}}}
        if name == "app" and what == "CrashLoopBackOff":
            ended = {"exitCode": 1, "reason": "Error", "startedAt": at, "finishedAt": at, "containerID": c["containerID"]}
            c.update(ready=False, started=False, restartCount=restarts + 42, lastState={"terminated": ended},
                     state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}})
        return c

    def condition(kind, ok):
        c = {"type": kind, "status": "True" if ok else "False", "lastTransitionTime": at}
        return c if ok else {**c, "reason": "ContainersNotReady", "message": "containers with unready status: [app]"}

    return {
        "phase": "Running", "startTime": at, "hostIP": f"10.1.0.{i % 250}", "podIP": f"10.2.{i // 250 % 250}.{i % 250}",
        "podIPs": [{"ip": f"10.2.{i // 250 % 250}.{i % 250}"}], "qosClass": "Burstable",
        "conditions": [condition("Initialized", True), condition("Ready", good), condition("ContainersReady", good), condition("PodScheduled", True)],
        "containerStatuses": [container("app", good), container("proxy", True)],
    }


def path(i, args):
    return f"/api/v1/namespaces/{namespace(i, args.namespaces)}/pods/{identity(i)[1]}"


def set_status(client, i, args, **more):
    client.request("PATCH", path(i, args) + "/status", {"status": status(i, **more)}, "application/merge-patch+json")


def create(client, i, args, padding):
    try:
        client.request("POST", f"/api/v1/namespaces/{namespace(i, args.namespaces)}/pods", pod(i, args, padding))
    except ApiError as e:
        if e.status != 409:  # there from an earlier run
            raise
    set_status(client, i, args)


def spread(args, work):
    """Run work(client, worker, workers) in several processes of several threads; the first failure ends all."""
    workers = PROCESSES * THREADS

    def process(p):
        signal.signal(signal.SIGINT, signal.SIG_DFL)

        def thread(t):
            try:
                work(Client(args.kubeconfig), p * THREADS + t, workers)
            except Exception as e:  # a thread's exception would otherwise go unnoticed
                print(f"fleet: {e!r}", file=sys.stderr, flush=True)
                os._exit(1)

        threads = [threading.Thread(target=thread, args=(t,)) for t in range(THREADS)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()

    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=process, args=(p,), daemon=True) for p in range(PROCESSES)]
    for p in processes:
        p.start()
    while any(p.is_alive() for p in processes):
        if any(p.exitcode for p in processes):
            break
        time.sleep(0.1)
    if any(p.exitcode for p in processes):
        for p in processes:
            p.kill()
        sys.exit(1)


def post_unless_there(client, where, body):
    try:
        client.request("POST", where, body)
    except ApiError as e:
        if e.status != 409:
            raise


def shape(args):
    return {k: getattr(args, k) for k in ("pods", "namespaces", "nodes", "bytes")}


def made(client):
    """What `up` made, as it wrote it down on the server."""
    try:
        return json.loads(client.get("/api/v1/namespaces/default/configmaps/fleet")["data"]["shape"])
    except ApiError as e:
        if e.status == 404:
            return None
        raise


def up(args):
    start = time.monotonic()
    client = Client(args.kubeconfig)
    there = made(client)
    if there and {**there, "pods": 0} != {**shape(args), "pods": 0}:
        sys.exit(f"fleet: there is one of another shape, {there}: run `rig fleet down` first")
    for n in range(args.namespaces):
        post_unless_there(client, "/api/v1/namespaces", {"metadata": {"name": namespace(n, args.namespaces), "labels": {LABEL: "true"}}})
    for n in range(args.nodes):
        name = f"fleet-node-{n:03d}"
        post_unless_there(client, "/api/v1/nodes", {"metadata": {"name": name, "labels": {LABEL: "true", "kubernetes.io/hostname": name}}})
        size = {"cpu": "32", "memory": "128Gi", "pods": "250"}
        client.request("PATCH", f"/api/v1/nodes/{name}/status", {"status": {"capacity": size, "allocatable": size, "conditions": [
            {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": now(), "lastTransitionTime": now()}]}}, "application/merge-patch+json")
    # The server adds fields of its own: make one, see how much is missing, and make it again.
    remove(client, path(0, args))
    create(client, 0, args, 0)
    padding = max(0, args.bytes - len(client.request("GET", path(0, args))))
    remove(client, path(0, args))

    done = multiprocessing.Value("i", 0)

    def work(client, worker, workers):
        for i in range(worker, args.pods, workers):
            create(client, i, args, padding)
            with done.get_lock():
                done.value += 1

    threading.Thread(target=report, args=(done, args.pods, start), daemon=True).start()
    spread(args, work)
    remove(client, "/api/v1/namespaces/default/configmaps/fleet")
    wanted = {**shape(args), "pods": max(args.pods, there["pods"] if there else 0)}
    client.request("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "fleet"}, "data": {"shape": json.dumps(wanted)}})
    size = len(client.request("GET", path(0, args)))
    print(f"fleet: {args.pods} pods of {size} bytes in {args.namespaces} namespaces on {args.nodes} nodes, made in {time.monotonic() - start:.0f} s")


def remove(client, where):
    try:
        client.request("DELETE", where + "?gracePeriodSeconds=0")
    except ApiError as e:
        if e.status != 404:
            raise


def report(done, total, start):
    while True:
        time.sleep(10)
        print(f"fleet: {done.value} of {total} after {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)


def churn(args):
    there = made(Client(args.kubeconfig)) or sys.exit("fleet: there is none: run `rig fleet up N` first")
    fleet = argparse.Namespace(**there)
    start = time.monotonic()
    done = multiprocessing.Value("i", 0)
    late = multiprocessing.Value("d", 0)

    def work(client, worker, workers):
        r = random.Random(worker)
        n = worker
        while n < args.rate * args.seconds:
            due = start + n / args.rate
            wait = due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            set_status(client, r.randrange(fleet.pods), fleet, restarts=n % 97 + 1)
            with done.get_lock():
                done.value += 1
                late.value = max(late.value, time.monotonic() - due)
            n += workers

    spread(args, work)
    took = time.monotonic() - start
    print(f"fleet: {done.value} changes in {took:.1f} s ({done.value / max(took, 0.001):.0f} a second), the latest {late.value:.2f} s after its time")


def down(args):
    client = Client(args.kubeconfig)
    query = f"labelSelector={LABEL}%3Dtrue"
    for n in client.get(f"/api/v1/namespaces?{query}")["items"]:
        client.request("DELETE", f"/api/v1/namespaces/{n['metadata']['name']}/pods?{query}&gracePeriodSeconds=0", {"gracePeriodSeconds": 0})
    client.request("DELETE", f"/api/v1/nodes?{query}")
    remove(client, "/api/v1/namespaces/default/configmaps/fleet")
    # The namespaces stay: without a controller manager a deleted one would never go.
    print("fleet: removed")


def show(args):
    client = Client(args.kubeconfig)
    pods = client.get("/api/v1/pods?limit=1")
    print(f"fleet: {len(pods['items']) + pods['metadata'].get('remainingItemCount', 0)} pods, made as {made(client)}")


def main():
    parser = argparse.ArgumentParser(prog="rig fleet", description=__doc__)
    parser.add_argument("--kubeconfig", default=os.path.join(HOME, "fleet.kubeconfig"), help="of the server to fill (client certificate, JSON as the rig writes it)")
    commands = parser.add_subparsers(required=True)
    p = commands.add_parser("up", help="make the fleet")
    p.add_argument("pods", type=int)
    p.add_argument("--namespaces", type=int, default=20)
    p.add_argument("--nodes", type=int, default=100)
    p.add_argument("--bytes", type=int, default=24000, help="size of a pod's JSON")
    p.set_defaults(run=up)
    p = commands.add_parser("churn", help="change the status of random pods")
    p.add_argument("rate", type=float, help="changes a second")
    p.add_argument("seconds", type=float)
    p.set_defaults(run=churn)
    commands.add_parser("down", help="remove the fleet, not the server").set_defaults(run=down)
    commands.add_parser("status", help="how many pods there are").set_defaults(run=show)
    args = parser.parse_args()
    if not os.path.exists(args.kubeconfig):
        sys.exit(f"fleet: no {args.kubeconfig}: run `rig fleet-server up` first")
    try:
        args.run(args)
    except (ApiError, OSError) as e:
        sys.exit(f"fleet: {e}")


if __name__ == "__main__":
    main()
