import { equal } from 'node:assert/strict';
import { test } from 'node:test';
import { proxyFor } from './proxy.ts';

const proxy = 'http://proxy:3128';
const choose = (url: string, env: Record<string, string>) => proxyFor(new URL(url), env);

test('a proxy is chosen by the scheme', () => {
  equal(choose('https://git.example/x', { https_proxy: proxy }), proxy);
  equal(choose('https://git.example/x', { HTTPS_PROXY: 'proxy:3128' }), proxy);
  equal(choose('http://git.example/x', { https_proxy: proxy }), undefined);
  equal(choose('http://git.example/x', { HTTP_PROXY: proxy }), undefined);
  equal(choose('http://git.example/x', { http_proxy: proxy }), proxy);
  equal(choose('http://git.example/x', { all_proxy: proxy }), proxy);
  equal(choose('http://git.example/x', {}), undefined);
  equal(choose('ssh://git.example/x', { http_proxy: proxy, https_proxy: proxy }), undefined);
  equal(choose('ssh://git.example/x', { all_proxy: 'socks5://proxy' }), 'socks5://proxy');
});

test('exceptions are names with what is below them, addresses and networks', () => {
  const direct = (url: string, no_proxy: string) =>
    choose(url, { http_proxy: proxy, no_proxy }) === undefined;
  equal(direct('http://git.svc.cluster.local/', '.svc, .cluster.local'), true);
  equal(direct('http://git.example./', 'other,git.example'), true);
  equal(direct('http://notgit.example/', 'git.example'), false);
  equal(direct('http://10.1.2.3/', '10.0.0.0/8'), true);
  equal(direct('http://11.1.2.3/', '10.0.0.0/8, 10.0.0.0/99'), false);
  equal(direct('http://[fd00::1]/', 'fd00::/8'), true);
  equal(direct('http://10.1.2.3/', '10.1.2.3'), true);
  equal(direct('http://anything/', '*'), true);
});
