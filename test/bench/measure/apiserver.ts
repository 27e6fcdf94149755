// Where kube-apiserver spends its time while something is measured: a profile for `go tool pprof`.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { dirname } from 'node:path';
import { parse } from 'yaml';

/** What the profile covers: the start of what is measured, seconds. */
const SECONDS = 10;

interface Kubeconfig {
  clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
  users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[];
}

/** Writes a CPU profile of the next ten seconds. Rejects when the API server answers with anything else. */
export async function profileApiserver(kubeconfig: string, file: string): Promise<void> {
  const { clusters, users } = parse(await readFile(kubeconfig, 'utf8')) as Kubeconfig;
  const [cluster, user] = [clusters[0]?.cluster, users[0]?.user];
  if (cluster === undefined || user === undefined)
    throw new Error(`${kubeconfig}: no access in it`);
  const pem = (data: string) => Buffer.from(data, 'base64');
  const agent = new Agent({
    ca: pem(cluster['certificate-authority-data']),
    cert: pem(user['client-certificate-data']),
    key: pem(user['client-key-data']),
  });
  const url = new URL(`/debug/pprof/profile?seconds=${SECONDS}`, cluster.server);
  const profile = await read(url, agent);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, profile);
}

function read(url: URL, agent: Agent): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  request(url, { agent }, async (response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    if (response.statusCode === 200) resolve(body);
    else reject(new Error(`${url.pathname}: ${response.statusCode} ${body}`));
  })
    .on('error', reject)
    .end();
  return promise;
}
