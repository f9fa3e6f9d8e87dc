import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Background, startBackground } from "./processes.ts";

/** Settings of nginx's `http` block that backend and peer share. */
export const nginxHttpDefaults =
  `access_log off; keepalive_timeout 600s; keepalive_requests 1000000000; ssl_protocols TLSv1.3;
    client_body_buffer_size 128k; client_max_body_size 0; proxy_max_temp_file_size 0; proxy_buffers 16 16k;`;

/** A configuration of nginx with one process, around `http` or `stream` blocks. */
export function toNginxConfig(name: string, blocks: string, loadModule = ""): string {
  return `${loadModule} daemon off; master_process off; pid ${name}.pid; error_log ${name}.err;
    worker_rlimit_nofile 65536; events { worker_connections 32768; }
    ${blocks}\n`;
}

/** Starts nginx on a configuration. */
export async function startNginx(
  nginx: string,
  { folder, name, config, core }: { folder: string; name: string; config: string; core: number },
): Promise<Background> {
  const path = join(folder, `${name}.conf`);
  await writeFile(path, config);
  return startBackground(nginx, ["-p", `${folder}/`, "-c", path, "-e", `${name}.err`], { core });
}
