/** Owns how npm is called: the one that started us, for all that the lock file names, with nothing run at install. */
import { basename, delimiter, join } from 'node:path';

/**
 * The npm that started us, under the Node that it runs on; a Debian npm works with Debian's Node only. Other package
 * managers set the same variable, so its name is looked at.
 * @param {NodeJS.ProcessEnv} env
 * @returns {[command: string, ...args: string[]]}
 */
export function npmCommand(env) {
  const script = env.npm_execpath;
  if (script && basename(script) === 'npm-cli.js') return [env.npm_node_execpath ?? process.execPath, script];
  return ['npm'];
}

/**
 * `npm ci` in a directory.
 * @param {import('./places.mjs').Place} place
 * @param {string} directory
 * @param {import('./steps.mjs').Tools} tools
 * @param {[command: string, ...args: string[]]} [npm] the one that started us unless another is named
 */
export function npmCi({ root, env }, directory, { run, report }, npm = npmCommand(env)) {
  const [command, ...args] = npm;
  let fetched = 0;
  const bin = join(root, 'node_modules', '.bin');
  return run(
    command,
    // Development packages too, whatever NODE_ENV says: vite builds the page.
    [
      ...args,
      'ci',
      '--ignore-scripts',
      '--include=dev',
      '--include=optional',
      '--no-audit',
      '--no-fund',
      '--loglevel=http',
    ],
    {
      cwd: directory,
      // npm's own shebang must find the host's Node, not the one that this may be about to remove.
      env: {
        ...env,
        PATH: (env.PATH ?? '')
          .split(delimiter)
          .filter((path) => path !== bin)
          .join(delimiter),
      },
      line: (line) => {
        if (/http fetch GET 200 .*\.tgz/.test(line)) report(`installing, ${++fetched} packages fetched`);
      },
    },
  );
}
