// Words that were seen are found, and lead to their moment.
//
// Input: {url, user, password, session, words, t}
//   session  the closed session in which the words were seen
//   words    what is searched for, as it stands on the screen
//   t        when they were seen (s, from the session's start), give or take two seconds
// Answers {"t": where the player stands}.

'use strict';

const { run } = require('./browser.cjs');
const { signIn } = require('./entrance.cjs');
const { position, seen } = require('./player.cjs');

run(async (start, input) => {
  const browser = await start();
  const { page } = browser;
  await signIn(browser, input, '/search');
  await page.getByRole('searchbox', { name: 'Search for' }).fill(`"${input.words}"`);
  await page.getByRole('button', { name: 'Search', exact: true }).click();
  const hit = page.locator(`main a[href*="${input.session}"][href*="t="]`).filter({ hasText: input.words }).first();
  await hit.waitFor();
  await browser.picture('search');
  await hit.click();
  await page.getByRole('slider', { name: 'Position' }).waitFor();
  await seen(page, input.words);
  const t = await position(page);
  if (Math.abs(t - input.t) > 2) throw new Error(`the hit led to ${t} s, not to ${input.t} s`);
  await browser.picture('search-hit');
  return { t };
});
