#!/usr/bin/env python3
"""Stands in for metrics-server: every ten seconds the kubelets' own numbers become metrics.k8s.io objects.  usage: metrics.py KUBECONFIG"""
import sys
import time

from kube import ApiError, Client

PERIOD = 10
API = "/apis/metrics.k8s.io/v1beta1"


def usage(x):
    return {"cpu": f"{x['cpu'].get('usageNanoCores', 0)}n", "memory": f"{x['memory'].get('workingSetBytes', 0) // 1024}Ki"}


def measured(x):
    return "usageNanoCores" in x.get("cpu", {}) and "memory" in x


def put(client, path, kind, name, body):
    body = {"apiVersion": "metrics.k8s.io/v1beta1", "kind": kind, "window": "15s", **body}
    body["metadata"]["name"] = name
    try:
        client.request("PATCH", f"{path}/{name}?fieldManager=metrics&force=true", body, "application/apply-patch+yaml")
    except ApiError as e:
        if e.status not in (403, 404):  # its namespace is being removed
            raise


def round(client):
    labels = {(p["metadata"]["namespace"], p["metadata"]["name"]): p["metadata"].get("labels", {}) for p in client.get("/api/v1/pods?resourceVersion=0")["items"]}
    fresh = set()
    for node in client.get("/api/v1/nodes?resourceVersion=0")["items"]:
        name = node["metadata"]["name"]
        summary = client.get(f"/api/v1/nodes/{name}/proxy/stats/summary")
        if measured(summary["node"]):
            put(client, f"{API}/nodes", "NodeMetrics", name, {"metadata": {}, "timestamp": summary["node"]["cpu"]["time"], "usage": usage(summary["node"])})
        for pod in summary["pods"]:
            key = (pod["podRef"]["namespace"], pod["podRef"]["name"])
            containers = [c for c in pod.get("containers") or [] if measured(c)]
            if key not in labels or not containers:
                continue
            put(client, f"{API}/namespaces/{key[0]}/pods", "PodMetrics", key[1],
                {"metadata": {"namespace": key[0], "labels": labels[key]}, "timestamp": containers[0]["cpu"]["time"],
                 "containers": [{"name": c["name"], "usage": usage(c)} for c in containers]})
            fresh.add(key)
    for old in client.get(f"{API}/pods")["items"]:
        key = (old["metadata"]["namespace"], old["metadata"]["name"])
        if key not in fresh:
            client.request("DELETE", f"{API}/namespaces/{key[0]}/pods/{key[1]}")


client = Client(sys.argv[1])
while True:
    start = time.monotonic()
    try:
        round(client)
        pause = PERIOD - (time.monotonic() - start)
    except (ApiError, OSError, KeyError) as e:
        # A server that is stopped, or a kubelet that has no numbers yet: soon again.
        print(time.strftime("%H:%M:%S"), repr(e), flush=True)
        pause = 2
    time.sleep(max(pause, 1))
