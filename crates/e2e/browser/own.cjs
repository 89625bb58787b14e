// A plain user sees what is theirs, asks for access, and is offered nothing of administrators.
//
// Input: {url, user, password, reach, server, for, reason}
//   reach   a server that they may reach, and at which they had a session
//   server  one that they ask for
//   for     for how long
//   reason  what for
// Answers {"request": its number}.

'use strict';

const { run } = require('./browser.cjs');
const { signIn } = require('./entrance.cjs');

const WRONG = 'a fortnight';
const OTHERS = ['People', 'Grants', 'Explain', 'Audit', 'Alerts', 'Search', 'Settings and nodes', 'Address pool', 'Approval rules'];

run(async (start, input) => {
  const browser = await start();
  const { page } = browser;
  await signIn(browser, input);
  await browser.open('/my/access');
  await page.getByRole('article', { name: new RegExp(`^${input.reach} by `) }).waitFor();
  await browser.picture('own-access');
  for (const name of OTHERS) {
    if (await page.getByRole('navigation').getByRole('link', { name, exact: true }).count()) throw new Error(`${name} is offered`);
  }

  await browser.open('/my/sessions');
  await page.locator('tr[data-row]').filter({ hasText: input.reach }).first().waitFor();
  await browser.picture('own-sessions');

  await browser.open('/requests/new');
  const field = (name) => page.getByRole(name === 'Server' ? 'combobox' : 'textbox', { name });
  await field('Server').fill(input.server);
  await field('For how long').fill(WRONG);
  await field('Reason').fill(input.reason);
  await page.getByRole('button', { name: 'Ask', exact: true }).click();
  await page.waitForFunction(() => [...document.querySelectorAll('[aria-invalid="true"]')].some((box) => box.value === 'a fortnight'));
  await browser.picture('own-refused');
  for (const [name, value] of [['Server', input.server], ['For how long', WRONG], ['Reason', input.reason]]) {
    if ((await field(name).inputValue()) !== value) throw new Error(`${name} was lost`);
  }
  await field('For how long').fill(input.for);
  await page.getByRole('button', { name: 'Ask', exact: true }).click();
  await page.waitForURL(/\/requests\/\d+$/);
  await page.getByRole('heading', { name: /^Request #\d+$/ }).waitFor();
  await browser.picture('own-request');
  return { request: Number(new URL(page.url()).pathname.split('/').at(-1)) };
});
