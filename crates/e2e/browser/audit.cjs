// The audit book is filtered, an event is opened, and the chain is verified.
//
// Input: {url, user, password, action, detail}
//   action  the action that is filtered by, such as `session.opened`; the book has at least one
//   detail  text that one of the newest such event's details shows
// Answers {"events": rows that were shown}.

'use strict';

const { run } = require('./browser.cjs');
const { signIn } = require('./entrance.cjs');

run(async (start, input) => {
  const browser = await start();
  const { page } = browser;
  await signIn(browser, input, '/audit');
  const rows = page.locator('tr[data-row]');
  await rows.first().waitFor();
  await page.getByRole('combobox', { name: 'Action' }).click();
  await page.getByRole('option', { name: input.action, exact: true }).click();
  await page.waitForFunction(
    (action) => {
      const shown = [...document.querySelectorAll('tr[data-row] button[aria-label$=", details"]')];
      return shown.length > 0 && shown.every((button) => button.getAttribute('aria-label') === `${action}, details`);
    },
    input.action,
  );
  const events = await rows.count();
  await rows.first().getByRole('button', { name: `${input.action}, details` }).click();
  await rows.first().getByText(input.detail).first().waitFor();
  await browser.picture('audit');
  await page.getByRole('button', { name: 'Verify now' }).click();
  await page.getByText('The chain is whole').waitFor();
  await browser.picture('audit-verified');
  return { events };
});
