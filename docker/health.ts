/** Owns the image's health check: asks the server of this container for /health, and exits with 0 if it answers well. */
import http from 'node:http';
import https from 'node:https';
import { readConfig } from '../server/config/readConfig.ts';

/** How long the answer may take, in milliseconds. */
const PATIENCE = 5000;

const { config } = readConfig(process.env);
const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[config.host] ?? config.host;
const options = { host, port: config.port, path: '/health', agent: false, timeout: PATIENCE };
// The certificate is for a public name; here it is about whether anybody answers.
const request = config.tls ? https.get({ ...options, rejectUnauthorized: false }) : http.get(options);
request.once('response', ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1));
request.once('timeout', () => request.destroy(new Error(`no answer within ${PATIENCE / 1000} s`)));
request.once('error', ({ message }) => {
  process.stderr.write(`${message}\n`);
  process.exit(1);
});
