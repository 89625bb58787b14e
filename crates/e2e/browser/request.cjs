// Requests are decided: one is granted for less than was asked, another is denied.
//
// Input: {url, user, password, approve, for, deny, note}
//   approve  the number of a pending request for access
//   for      for how long it is granted
//   deny     the number of another pending one
//   note     what whoever asked reads
// Answers {"policy": the number of the grant}.

'use strict';

const { run } = require('./browser.cjs');
const { signIn } = require('./entrance.cjs');

run(async (start, input) => {
  const browser = await start();
  const { page } = browser;
  await signIn(browser, input, '/requests');
  const row = (number) => page.getByRole('link', { name: `#${number}`, exact: true });
  await row(input.deny).waitFor();
  await browser.picture('requests');

  await row(input.approve).click();
  await page.getByRole('heading', { name: `Request #${input.approve}` }).waitFor();
  await page.getByRole('textbox', { name: 'For how long' }).fill(input.for);
  await browser.picture('request');
  await page.getByRole('button', { name: 'Approve with changes' }).click();
  await page.getByRole('heading', { name: 'Outcome' }).waitFor();
  const grant = page.locator('main a[href^="/policies/"]').first();
  const policy = Number((await grant.getAttribute('href')).split('/').at(-1));
  await browser.picture('request-approved');

  await browser.open(`/requests/${input.deny}`);
  await page.getByRole('button', { name: 'Deny', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Note' }).fill(input.note);
  await dialog.getByRole('button', { name: 'Deny', exact: true }).click();
  await page.getByRole('heading', { name: 'Outcome' }).waitFor();
  await page.locator('main').getByText(input.note).waitFor();
  await browser.picture('request-denied');

  await browser.open('/requests');
  await page.getByText('To decide', { exact: true }).waitFor();
  if (await row(input.approve).isVisible() || await row(input.deny).isVisible()) throw new Error('what was decided waits still');
  return { policy };
});
