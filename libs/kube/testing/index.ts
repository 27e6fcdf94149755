export { proxyTo, type TcpProxy } from './tcp-proxy.ts';
