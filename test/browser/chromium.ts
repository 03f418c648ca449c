/** Debian's Chromium for tests. */
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const program = '/usr/bin/chromium';

export const noChromium: string | false = existsSync(program) ? false : 'the program chromium is not installed';

export function launchChromium(): Promise<Browser> {
  // Root has no sandbox of Chromium's; tests in CI run as root.
  return chromium.launch({ executablePath: program, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}
