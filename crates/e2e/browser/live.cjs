// A running session is watched as it happens.
//
// Input: {url, user, password, session, text}
//   session  a running session with a terminal
//   text     what appears on its terminal after the line {"ready":true} was printed
// Answers {"seen": true}.

'use strict';

const { run } = require('./browser.cjs');
const { signIn } = require('./entrance.cjs');
const { openPlayer, seen } = require('./player.cjs');

run(async (start, input) => {
  const browser = await start();
  const { page } = browser;
  await signIn(browser, input);
  await openPlayer(browser, input.session);
  await page.getByText('As it happens', { exact: true }).waitFor();
  console.log(JSON.stringify({ ready: true }));
  await seen(page, input.text);
  await browser.picture('live');
  return { seen: true };
});
