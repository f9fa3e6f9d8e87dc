import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { descriptorOf, digestOf, imageOf, imageType, indexType } from "./content.ts";

const zeroBlock = new Uint8Array(1024);

/** Writes an OCI image layout (OCI image-spec, "Image Layout") with one image of one layer, tagged `latest`; gives the manifest's digest. */
export async function writeOciLayout(folder: string, text: string): Promise<string> {
  const blobs = join(folder, "blobs/sha256");
  await mkdir(blobs, { recursive: true });
  // Two blocks of zeroes are an empty tar archive; the comment in the config makes each image another one.
  const layer = new Uint8Array(gzipSync(zeroBlock));
  const config = JSON.stringify({
    architecture: "amd64",
    os: "linux",
    config: { Labels: { text } },
    rootfs: { type: "layers", diff_ids: [digestOf(zeroBlock)] },
  });
  const manifest = imageOf([], {
    config: descriptorOf(config, "application/vnd.oci.image.config.v1+json"),
    layers: [descriptorOf(layer, "application/vnd.oci.image.layer.v1.tar+gzip")],
  });
  for (const content of [layer, config, manifest]) {
    await writeFile(join(blobs, digestOf(content).slice("sha256:".length)), content);
  }
  const entry = {
    ...descriptorOf(manifest, imageType),
    annotations: { "org.opencontainers.image.ref.name": "latest" },
  };
  await writeFile(join(folder, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  await writeFile(
    join(folder, "index.json"),
    JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [entry] }),
  );
  return digestOf(manifest);
}
