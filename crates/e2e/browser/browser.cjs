// What the scripts of this folder stand on: headless Chromium on a site's pages, with what must never happen watched for.
// Each script gets one JSON argument and prints one JSON line at its end.

'use strict';

const fs = require('fs');
const path = require('path');
const { chromium } = require('playwright-core');

const PATIENCE = 30000;
const input = JSON.parse(process.argv[2] || '{}');

/// Arguments that keep Chromium from talking to anybody but the site.
const QUIET = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-default-apps', '--use-gl=swiftshader',
  '--enable-unsafe-swiftshader',
];

class Browser {
  /// Starts a browser for the site at `url`. `spki` is the digest of the certificate's key, which the browser then takes
  /// for a trusted one; `address` is where the name in the URL leads.
  static async start({ url, spki, address, width = 1280, height = 900, scheme = 'light' }) {
    const args = [...QUIET];
    if (spki) args.push(`--ignore-certificate-errors-spki-list=${spki}`);
    if (address) args.push(`--host-resolver-rules=MAP ${new URL(url).hostname} ${address}`);
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args });
    const context = await browser.newContext({
      viewport: { width, height }, colorScheme: scheme, ignoreHTTPSErrors: !spki, locale: 'en-GB',
      timezoneId: 'Europe/Warsaw', permissions: ['clipboard-read', 'clipboard-write'],
    });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    return new Browser(browser, context, page, url);
  }

  constructor(browser, context, page, url) {
    Object.assign(this, { browser, context, page, url, troubles: [] });
    page.on('pageerror', (error) => this.troubles.push(`error: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() !== 'error') return;
      // A refused request is told as an error too; the tests of refusals look at the page.
      if (/status of 4\d\d/.test(message.text())) return;
      this.troubles.push(`console: ${message.text()}`);
    });
    context.on('request', (request) => {
      const to = new URL(request.url());
      if (!['data:', 'blob:'].includes(to.protocol) && to.host !== new URL(url).host) {
        this.troubles.push(`request to another host: ${request.url()}`);
      }
    });
  }

  /// Opens a page of the site and waits until it stands.
  async open(where) {
    await this.page.goto(this.url + where, { waitUntil: 'domcontentloaded' });
    await this.page.waitForFunction(() => document.querySelector('main, form') !== null);
  }

  /// A picture of the page, for people.
  async picture(name) {
    const folder = process.env.SCREENSHOTS;
    if (!folder) return;
    fs.mkdirSync(folder, { recursive: true });
    await this.page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: false });
  }

  async end() {
    await this.browser.close();
  }
}

/// Runs a script; a failure is told with a picture and what went wrong meanwhile.
async function run(script) {
  let browser;
  try {
    const start = async (options) => {
      browser = await Browser.start({ ...input, ...options });
      return browser;
    };
    const result = await script(start, input);
    const troubles = browser ? browser.troubles : [];
    if (browser) await browser.end();
    if (troubles.length) throw new Error(troubles.join('\n'));
    console.log(JSON.stringify(result ?? {}));
  } catch (error) {
    console.error(error.stack || String(error));
    if (browser) {
      await browser.picture(`failed-${path.basename(process.argv[1], '.cjs')}`).catch(() => {});
      console.error(`at ${browser.page.url()}`);
      console.error(await browser.page.locator('body').innerText().catch(() => ''));
      console.error(browser.troubles.join('\n'));
      await browser.end().catch(() => {});
    }
    process.exitCode = 1;
  }
}

module.exports = { run, input, PATIENCE };
