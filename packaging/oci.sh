#!/bin/sh
# oci.sh VERSION EPOCH TARGET EXECUTABLE [DIR]: DIR/latchkey-VERSION-TARGET.oci.tar, an OCI image layout (image-spec 1.0)
# with the one file in it, written without a container program. DIR is build/release. The bytes depend on the files' alone.
#
# The image has one layer: /latchkey, the licences, and an empty /var/lib/latchkey of user 65532, which the program runs as.
# Beside the layout lies manifest.json, by which `docker load` of before version 25 finds the same blobs.
set -eu
cd "$(dirname "$0")/.."
version=$1 epoch=$2 target=$3 executable=$4 out=${5:-build/release}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
umask 022
USER_ID=65532
case $target in
x86_64-*) platform='"architecture":"amd64"' ;;
aarch64-*) platform='"architecture":"arm64"' ;;
arm-*hf) platform='"architecture":"arm","variant":"v7"' ;;
arm-*) platform='"architecture":"arm","variant":"v5"' ;;
i686-*) platform='"architecture":"386"' ;;
riscv64-*) platform='"architecture":"riscv64"' ;;
mipsel-*) platform='"architecture":"mipsle"' ;;
mips-*) platform='"architecture":"mips"' ;;
*) echo "oci.sh: no name for the processor of $target" >&2; exit 1 ;;
esac
platform="$platform,\"os\":\"linux\""

packed() { # OWNER ARGUMENT...: a tar whose bytes are the same each time
    owner=$1
    shift
    tar --sort=name --format=gnu --owner="$owner" --group="$owner" --numeric-owner --mtime="@$epoch" "$@"
}
mkdir -p "$work/root" "$work/data/var/lib/latchkey" "$work/layout/blobs/sha256" "$out"
cp "$executable" "$work/root/latchkey"
chmod 755 "$work/root/latchkey"
packaging/licenses.sh "$work/root/licenses"
cp LICENSE "$work/root/licenses/latchkey"
chmod 700 "$work/data/var/lib/latchkey"
packed 0 -C "$work/root" -cf "$work/layer" latchkey licenses
packed 0 -C "$work/data" --no-recursion -rf "$work/layer" var var/lib
packed "$USER_ID" -C "$work/data" --no-recursion -rf "$work/layer" var/lib/latchkey

sum() { sha256sum "$1" | cut -d' ' -f1; }
blob() { # FILE TYPE: puts it in its place; prints its descriptor, without the closing brace
    digest=$(sum "$1")
    cp "$1" "$work/layout/blobs/sha256/$digest"
    printf '{"mediaType":"application/vnd.oci.image.%s","digest":"sha256:%s","size":%s' "$2" "$digest" "$(wc -c <"$1" | tr -d ' ')"
}
plain=$(sum "$work/layer")
gzip -9n <"$work/layer" >"$work/layer.gz"
layer=$(blob "$work/layer.gz" layer.v1.tar+gzip)
cat >"$work/config" <<END
{"created":"$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)",$platform,"config":{"User":"$USER_ID:$USER_ID","ExposedPorts":{"8080/tcp":{}},"Entrypoint":["/latchkey"],"Cmd":["serve","0.0.0.0:8080"],"Volumes":{"/var/lib/latchkey":{}},"WorkingDir":"/","StopSignal":"SIGTERM","Labels":{"org.opencontainers.image.title":"latchkey","org.opencontainers.image.version":"$version"}},"rootfs":{"type":"layers","diff_ids":["sha256:$plain"]},"history":[{"created_by":"packaging/oci.sh"}]}
END
config=$(blob "$work/config" config.v1+json)
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s},"layers":[%s}]}\n' "$config" "$layer" >"$work/manifest"
manifest=$(blob "$work/manifest" manifest.v1+json)
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s,"platform":{%s},"annotations":{"org.opencontainers.image.ref.name":"%s"}}]}\n' \
    "$manifest" "$platform" "$version" >"$work/layout/index.json"
printf '{"imageLayoutVersion":"1.0.0"}\n' >"$work/layout/oci-layout"
printf '[{"Config":"blobs/sha256/%s","RepoTags":["latchkey:%s"],"Layers":["blobs/sha256/%s"]}]\n' "$(sum "$work/config")" "$version" "$(sum "$work/layer.gz")" \
    >"$work/layout/manifest.json"
name=latchkey-$version-$target.oci.tar
packed 0 -C "$work/layout" -cf "$out/$name.new" blobs index.json manifest.json oci-layout
mv -f "$out/$name.new" "$out/$name"
echo "$out/$name"
