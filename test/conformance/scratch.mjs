// A folder of this process, gone with it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let folder;
export function scratch() {
  if (!folder) {
    folder = mkdtempSync(join(tmpdir(), 'conformance-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  }
  return folder;
}
