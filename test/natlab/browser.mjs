// A Chromium at a site of the lab. It is spoken to by pipes, for which no network is needed.

import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { executable, launch } from '../e2e/browser.mjs';

/** `folder` is for a file that lives as long as the browser; `options` are those of launch(). */
export async function browserIn(site, folder, options = {}) {
  const [program, args] = site.inside(executable, []);
  const wrapper = join(folder, `chromium-${site.pid}`);
  await writeFile(wrapper, `#!/bin/sh\nexec ${[program, ...args].join(' ')} "$@"\n`);
  await chmod(wrapper, 0o755);
  return launch({ ...options, executablePath: wrapper });
}
