/** Runs npm: the one that started this process, on the lock file, without install scripts. */
import { basename, delimiter, join } from 'node:path';

/**
 * The npm that started this process, with the Node it runs on; a Debian npm works with Debian's Node only. Other
 * package managers set the same variable, so the name is checked.
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
 * @param {import('./paths.mjs').Paths} paths
 * @param {string} directory
 * @param {import('./steps.mjs').Tools} tools
 * @param {[command: string, ...args: string[]]} [npm] default: the one that started this process
 */
export function npmCi({ root, env }, directory, { run, report }, npm = npmCommand(env)) {
  const [command, ...args] = npm;
  let fetched = 0;
  const bin = join(root, 'node_modules', '.bin');
  return run(
    command,
    // Include development packages whatever NODE_ENV says: vite builds the page.
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
      // npm's shebang must find the host's Node, not the one that this step may replace.
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
