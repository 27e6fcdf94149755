import { type Settings, SettingsError } from '@weir/service';

/**
 * NATS servers with commas between them, from `--nats-url` or NATS_URL; undefined if neither is set. Throws
 * SettingsError for what can't be an address, because it would be tried without end. The message leaves passwords out.
 */
export function natsServers(
  settings: Pick<Settings, 'get'>,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const servers = settings.get('nats-url') ?? env.NATS_URL;
  for (const server of servers?.split(',') ?? []) {
    const host = server.trim().replace(/^([a-z]+:\/\/)?(.*@)?/, '');
    if (isAddress(host)) continue;
    const message = `--nats-url or NATS_URL: '${host}' is no address such as nats://nats.example.com:4222`;
    throw new SettingsError(message);
  }
  return servers;
}

function isAddress(host: string): boolean {
  return host !== '' && !/[\s/]/.test(host.replace(/\/$/, '')) && URL.canParse(`nats://${host}`);
}
