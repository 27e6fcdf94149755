// For docker-compose.yml: runs the Git server of the example repository, the registry of its image, and a receiver that prints the
// messages to Slack and Feishu, until the process gets a signal.
import { startReceiver } from '@weir/cluster';
import { serveExample } from './example.ts';
import { serveImages } from './images.ts';
import { chatAnswer, printChatMessage, readChatMessage } from './messages.ts';

const HOST = '0.0.0.0';

const example = await serveExample({ host: HOST, port: Number(process.env.GIT_PORT ?? 8080) });
const images = await serveImages({
  host: HOST,
  port: Number(process.env.REGISTRY_PORT ?? 8082),
});
const chat = await startReceiver({
  host: HOST,
  port: Number(process.env.RECEIVER_PORT ?? 8081),
  onRequest({ path, body }) {
    const message = readChatMessage(path, body);
    if (message) process.stdout.write(`${printChatMessage(message)}\n`);
  },
});
chat.reply(chatAnswer);
process.stdout.write(`serving ${example.url} at ${example.commit}\n`);

const stop = async (): Promise<void> => {
  await Promise.all([example.close(), images.close(), chat.close()]);
};
process.on('SIGTERM', stop).on('SIGINT', stop);
