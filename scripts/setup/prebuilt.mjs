/** Downloads the upstream prebuilt media worker and extracts it from its archive. */
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/**
 * The URL of the prebuilt worker, built as in mediasoup's own installer (npm-scripts.mjs in its package).
 * @param {{ version: string, repository: { url: string } }} manifest mediasoup's package.json
 * @param {NodeJS.ProcessEnv} env
 * @param {{ platform: string, arch: string, release: string }} [on]
 */
export function prebuiltUrl(
  manifest,
  env,
  on = { platform: process.platform, arch: process.arch, release: release() },
) {
  const repository = manifest.repository.url.replace(/^git\+/, '').replace(/\.git$/, '');
  const base = env.MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL || `${repository}/releases/download`;
  const kernel = on.platform === 'linux' ? `-kernel${Number(on.release.split('.')[0])}` : '';
  return `${base}/${manifest.version}/mediasoup-worker-${manifest.version}-${on.platform}-${on.arch}${kernel}.tgz`;
}

/**
 * @param {string} module mediasoup's directory
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Buffer | string>} the worker, or the reason why it is not available
 */
export async function fetchPrebuilt(module, env) {
  if (env.MEDIASOUP_SKIP_WORKER_PREBUILT_DOWNLOAD) return 'no prebuilt one is wanted';
  try {
    const url = prebuiltUrl(JSON.parse(readFileSync(join(module, 'package.json'), 'utf8')), env);
    const worker = fileInTar(gunzipSync(await download(url)), 'mediasoup-worker');
    return worker ?? 'the archive with the prebuilt one does not have it';
  } catch (error) {
    const { message, cause } = /** @type {Error} */ (error);
    return `no prebuilt one can be downloaded (${cause instanceof Error ? cause.message : message})`;
  }
}

/**
 * @param {string} url
 * @param {{ answer?: number, whole?: number }} [within] timeouts of the response headers and of the whole response, in
 * milliseconds: a network that drops packets must not block set-up
 * @returns {Promise<Buffer>}
 */
export async function download(url, { answer = 5_000, whole = 60_000 } = {}) {
  const aborter = new AbortController();
  const after = (/** @type {number} */ time) =>
    setTimeout(() => aborter.abort(new Error(`no answer within ${time / 1000} s`)), time);
  let timer = after(answer);
  try {
    const response = await fetch(url, { signal: aborter.signal });
    clearTimeout(timer);
    timer = after(whole);
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Extracts one file from a tar archive, by its name without directories.
 * @param {Buffer} tar
 * @param {string} name
 * @returns {Buffer | undefined}
 */
export function fileInTar(tar, name) {
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const text = (/** @type {number} */ from, /** @type {number} */ to) =>
      tar.toString('latin1', at + from, at + to).replace(/\0.*$/s, '');
    const size = Number.parseInt(text(124, 136), 8);
    const isFile = text(156, 157) === '0' || text(156, 157) === '';
    if (isFile && text(0, 100).split('/').pop() === name) return tar.subarray(at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return undefined;
}
