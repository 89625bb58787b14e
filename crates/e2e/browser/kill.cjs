// A running session is ended from its page.
//
// Input: {url, user, password, session, reason}
// Answers {"ended": true} once the page shows that it has.

'use strict';

const { run } = require('./browser.cjs');
const { signIn } = require('./entrance.cjs');

run(async (start, input) => {
  const browser = await start();
  const { page } = browser;
  await signIn(browser, input);
  await browser.open(`/sessions/${input.session}`);
  await page.getByRole('button', { name: /^End the session of / }).click();
  const dialog = page.getByRole('dialog');
  const end = dialog.getByRole('button', { name: 'End the session' });
  if (await end.isEnabled()) throw new Error('it can be ended without a reason');
  await dialog.getByRole('textbox', { name: 'Reason' }).fill(input.reason);
  await browser.picture('kill');
  await end.click();
  await page.locator('main').getByText(input.reason).first().waitFor();
  await page.locator('main').getByText('Ended by somebody').waitFor();
  if (await page.getByRole('button', { name: /^End the session of / }).isVisible()) throw new Error('it is offered to be ended again');
  await browser.picture('killed');
  return { ended: true };
});
