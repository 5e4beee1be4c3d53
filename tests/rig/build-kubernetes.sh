#!/bin/bash
# Builds Kubernetes' binaries from Debian's source package with Debian's Go: no network, no make; the build is reproducible.
# usage: build-kubernetes.sh ORIG_TAR_GZ OUT WORK   -> OUT/{kube-apiserver,kube-controller-manager,kube-scheduler,kubelet,kubectl,pause}
set -euo pipefail
tar=$(realpath "$1") out=$2 work=$3
export PATH=/usr/bin:/bin GOPATH=$work/go GOCACHE=$work/gocache GO111MODULE=off CGO_ENABLED=0 GOFLAGS='' HOME="${HOME:-/root}"
src=$GOPATH/src/k8s.io/kubernetes
rm -rf "$src"
mkdir -p "$src" "$out"
tar xzf "$tar" --strip-components=1 -C "$src"
cd "$src"

# Go 1.18 and later need reflect2 1.0.2 or later: the vendored 1.0.1 crashes the API server at the first custom resource.
rm -r vendor/github.com/modern-go/reflect2
cp -r /usr/share/gocode/src/github.com/modern-go/reflect2 vendor/github.com/modern-go/

# Two periods of the kubelet, shortened: a graceful pod deletion takes 4-8 s instead of 7-60 s.
sed -i 's/ContainerGCPeriod = time.Minute/ContainerGCPeriod = 2 * time.Second/' pkg/kubelet/kubelet.go
sed -i 's/syncPeriod = 10 \* time.Second/syncPeriod = time.Second/' pkg/kubelet/status/status_manager.go

# The OpenAPI definitions are the one generated file that the source lacks.
packages=$(grep -rl --include='*.go' '^// +k8s:openapi-gen=' pkg staging/src/k8s.io | grep -v 'code-generator/\|sample-apiserver/\|_test.go\|zz_generated' |
  xargs -n1 dirname | sort -u | sed 's#^staging/src/#vendor/#; s#^#k8s.io/kubernetes/#' | paste -sd,)
nice go run ./vendor/k8s.io/kube-openapi/cmd/openapi-gen -i "$packages" -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi \
  -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -r "$work/openapi-violations"
# The same rule violations as upstream's own: the same input gave the same output.
cmp "$work/openapi-violations" api/api-rules/violation_exceptions.list

flags='-s -w'
for p in component-base/version client-go/pkg/version; do
  v=k8s.io/kubernetes/vendor/k8s.io/$p
  flags+=" -X $v.gitVersion=v1.20.2 -X $v.gitMajor=1 -X $v.gitMinor=20"
done
nice go build -trimpath -ldflags "$flags" -o "$out/" ./cmd/kube-apiserver ./cmd/kube-controller-manager ./cmd/kube-scheduler ./cmd/kubelet ./cmd/kubectl
gcc -Os -static -s -DVERSION=3.2 -o "$out/pause" build/pause/linux/pause.c
