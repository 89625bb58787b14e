// The player of a session's page, as a person uses it.

'use strict';

/// Opens a session and waits until its player stands.
async function openPlayer(browser, session, query = '') {
  await browser.open(`/sessions/${session}${query}`);
  await browser.page.getByRole('slider', { name: 'Position' }).waitFor();
}

/// What stands on the terminal.
function screenText(page) {
  return page.evaluate(() => [...document.querySelectorAll('.xterm-rows > div')].map((row) => row.textContent.replaceAll('\u00a0', ' ').trimEnd()).join('\n'));
}

/// Waits until the text stands on the terminal.
async function seen(page, text) {
  await page.waitForFunction(
    (wanted) => [...document.querySelectorAll('.xterm-rows > div')].some((row) => row.textContent.replaceAll('\u00a0', ' ').includes(wanted)),
    text,
  );
}

/// The position, in whole seconds.
async function position(page) {
  return Number(await page.getByRole('slider', { name: 'Position' }).getAttribute('aria-valuenow'));
}

/// Presses the scrubber at a part of its width, from 0 to 1.
async function scrub(page, part) {
  const box = await page.getByRole('slider', { name: 'Position' }).locator('xpath=..').boundingBox();
  await page.mouse.click(box.x + box.width * part, box.y + box.height / 2);
}

module.exports = { openPlayer, screenText, seen, position, scrub };
