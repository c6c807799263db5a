// Drives Debian's Chromium for a test in another language: reads lines {"code", "arg"} and runs each code as the body of an
// async function of (page, arg, context, browser, axe); answers {"value"} or {"error"}. Node.js looks for its modules in MODULES.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';

const require = createRequire(`${process.env.MODULES}/package.json`);
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  // As root in a container there is no sandbox; and the browser is to speak to nobody but the page.
  args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-domain-reliability', '--disable-sync',
    '--no-first-run', '--no-pings', '--disable-features=OptimizationHints,MediaRouter,Translate', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost'],
});
const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', reducedMotion: 'reduce' });
const page = await context.newPage();
page.setDefaultTimeout(Number(process.env.PATIENCE_MS || 10000));
// What the page says to its developer, and what it breaks of its own policy, fails a test that asks for it.
globalThis.complaints = [];
page.on('console', (message) => { if (message.type() === 'error' || message.type() === 'warning') globalThis.complaints.push(message.text()); });
page.on('pageerror', (error) => globalThis.complaints.push(String(error)));

const AsyncFunction = (async () => {}).constructor;
for await (const line of createInterface({ input: process.stdin })) {
  const { code, arg } = JSON.parse(line);
  let answer;
  try {
    const value = await new AsyncFunction('page', 'arg', 'context', 'browser', 'axe', code)(page, arg, context, browser, axe);
    answer = { value: value === undefined ? null : value };
  } catch (error) {
    answer = { error: String(error && error.stack ? error.stack : error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
