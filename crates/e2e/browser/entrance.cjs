// The way in, as people take it: the form for a name and a password.

'use strict';

/// Signs in and waits for the page at `where`.
async function signIn(browser, { user, password }, where = '/') {
  const { page } = browser;
  await browser.open(`/sign-in?to=${encodeURIComponent(where)}`);
  await page.getByRole('textbox', { name: 'Name' }).fill(user);
  await page.getByRole('textbox', { name: 'Password' }).fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL((url) => url.pathname !== '/sign-in');
  await page.locator('main').waitFor();
}

module.exports = { signIn };
