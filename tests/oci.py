"""oci.py ARCHIVE OUT: reads an OCI image layout back, as image-spec 1.0 has it, and unpacks its one layer into OUT.

Every digest, size, media type and diff_id must be right, every blob must be named, and manifest.json (docker's) must name the
same blobs. Prints the config's words for the shell: "USER ENTRYPOINT CMD", the platform, and the layer's entries, a line each.
"""
import gzip
import hashlib
import io
import json
import re
import sys
import tarfile

archive, out = sys.argv[1:3]
with tarfile.open(archive) as tar:
    files = {m.name: tar.extractfile(m).read() for m in tar.getmembers() if m.isfile()}
used = set()


def need(good, what):
    if not good:
        sys.exit(f"oci.py: {what}")


def blob(descriptor, kind):
    need(descriptor["mediaType"] == f"application/vnd.oci.image.{kind}", f"{descriptor['mediaType']} is {kind}")
    need(re.fullmatch(r"sha256:[0-9a-f]{64}", descriptor["digest"]), "a digest")
    name = "blobs/sha256/" + descriptor["digest"][7:]
    data = files.get(name, b"")
    need(hashlib.sha256(data).hexdigest() == descriptor["digest"][7:], f"the digest of {name}")
    need(len(data) == descriptor["size"], f"the size of {name}")
    used.add(name)
    return data


need(json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}, "oci-layout")
index = json.loads(files["index.json"])
need(index["schemaVersion"] == 2 and len(index["manifests"]) == 1, "index.json")
manifest = json.loads(blob(index["manifests"][0], "manifest.v1+json"))
need(manifest["schemaVersion"] == 2 and len(manifest["layers"]) == 1, "the manifest")
config = json.loads(blob(manifest["config"], "config.v1+json"))
layer = gzip.decompress(blob(manifest["layers"][0], "layer.v1.tar+gzip"))
need(config["rootfs"] == {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}, "the diff_id")
platform = index["manifests"][0]["platform"]
need(all(config[k] == v for k, v in platform.items()), "one platform")
docker = json.loads(files["manifest.json"])[0]
need({docker["Config"], *docker["Layers"]} | {"blobs/sha256/" + index["manifests"][0]["digest"][7:]} == used, "docker's manifest")
need({n for n in files if n.startswith("blobs/")} == used, "no blob that nobody names")
print(config["config"]["User"], *config["config"]["Entrypoint"], *config["config"]["Cmd"])
print(platform["os"], platform["architecture"], index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"], docker["RepoTags"][0])
with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
    for m in tar.getmembers():
        print(f"{m.name} {m.mode:o} {m.uid}:{m.gid} {m.mtime}")
        tar.extract(m, out, filter="data") if hasattr(tarfile, "data_filter") else tar.extract(m, out)
