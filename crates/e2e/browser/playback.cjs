// A recorded session is played, sought through, linked to and searched.
//
// Input: {url, user, password, session, begin, middle, end, at, words}
//   session  a closed session with one terminal
//   begin    text that stands on the screen soon after the beginning
//   middle   text that stands on the screen when half of the scrubber has passed
//   end      text that comes after the middle only
//   at       a moment (s) at which `middle` stands on the screen and `end` does not
//   words    what the transcript is searched for
// Answers {middle, linked, found}: the positions (s) that were gone to.

'use strict';

const { run } = require('./browser.cjs');
const { signIn } = require('./entrance.cjs');
const { openPlayer, position, screenText, scrub, seen } = require('./player.cjs');

run(async (start, input) => {
  const browser = await start();
  const { page } = browser;
  await signIn(browser, input);
  await openPlayer(browser, input.session);

  await page.getByRole('button', { name: 'Play', exact: true }).click();
  await seen(page, input.begin);
  await page.getByRole('button', { name: 'Pause', exact: true }).click();

  await scrub(page, 0.5);
  await seen(page, input.middle);
  if ((await screenText(page)).includes(input.end)) throw new Error(`${input.end} is shown before it happened`);
  const middle = await position(page);
  await browser.picture('playback');
  // The address follows the position, and opened anew leads there.
  await page.waitForFunction(() => new URL(location.href).searchParams.has('t'));

  await openPlayer(browser, input.session, `?t=${input.at}`);
  await seen(page, input.middle);
  const linked = await position(page);
  if (linked !== Math.floor(input.at)) throw new Error(`the link led to ${linked} s`);
  if ((await screenText(page)).includes(input.end)) throw new Error(`${input.end} is shown at ${input.at} s`);

  await openPlayer(browser, input.session);
  const find = page.getByRole('searchbox', { name: 'Find in the transcript' });
  await find.fill(input.words);
  await page.waitForFunction(() => document.querySelector('button[aria-label="Next hit"]:not([disabled])') !== null);
  await find.press('Enter');
  await page.locator('[data-hit="true"]').click();
  await seen(page, input.words);
  const found = await position(page);
  await browser.picture('playback-found');
  return { middle, linked, found };
});
