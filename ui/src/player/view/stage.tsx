import { useEffect, useRef } from 'react';
import '@xterm/xterm/css/xterm.css';
import type { Playback } from '../playback';
import classes from './player.module.css';
import { useEngine } from './use-engine';

/** Bounds of the font's size (px). */
const LEAST = 4;
const MOST = 17;
const MOST_FULL = 32;
/** The part of the window's height that the terminal may take within a page. */
const HEIGHT = 0.66;

/** The terminal in its recorded size, with letters as large as the room allows. */
export function Stage({ playback, full }: { playback: Playback; full: boolean }) {
  const room = useRef<HTMLDivElement>(null);
  const place = useRef<HTMLDivElement>(null);
  const size = useEngine(playback.engine, ({ cols, rows }) => `${cols}x${rows}`);
  useEffect(() => {
    const { terminal } = playback.screen;
    if (place.current === null) return;
    terminal.attachCustomKeyEventHandler(() => false);
    terminal.attachCustomWheelEventHandler(() => false);
    terminal.open(place.current);
    // It takes no input: whoever goes through the page with the keyboard passes it by.
    terminal.textarea?.setAttribute('tabindex', '-1');
    terminal.textarea?.setAttribute('aria-hidden', 'true');
  }, [playback]);
  useEffect(() => {
    const box = room.current;
    if (box === null) return undefined;
    const fit = () => fitFont(playback, box, full);
    const watch = new ResizeObserver(fit);
    watch.observe(box);
    fit();
    window.addEventListener('resize', fit);
    return () => {
      watch.disconnect();
      window.removeEventListener('resize', fit);
    };
  }, [playback, full, size]);
  return (
    <div ref={room} className={classes.stage} data-full={full} role="img" aria-label={`The terminal, ${size.replace('x', ' by ')}`}>
      <div ref={place} className={classes.terminal} />
    </div>
  );
}

function fitFont(playback: Playback, box: HTMLElement, full: boolean): void {
  const { terminal } = playback.screen;
  const screen = terminal.element?.querySelector<HTMLElement>('.xterm-screen');
  if (!screen || box.clientWidth === 0) return;
  const style = getComputedStyle(box);
  const width = box.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  const inFull = box.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
  const height = full ? inFull : Math.max(200, window.innerHeight * HEIGHT);
  const one = letter(terminal.options.fontFamily ?? 'monospace');
  const fits = Math.min(width / (terminal.cols * one.width), height / (terminal.rows * one.height), full ? MOST_FULL : MOST);
  let font = Math.max(LEAST, Math.floor(fits * 4) / 4);
  terminal.options.fontSize = font;
  // Cells are rounded to the screen's points, so that what was computed may be a little too large.
  while (font > LEAST && (screen.offsetWidth > width + 0.5 || screen.offsetHeight > height + 0.5)) terminal.options.fontSize = font -= 0.25;
}

let measured: { width: number; height: number } | null = null;

/** A letter's size at a font size of one. */
function letter(family: string): { width: number; height: number } {
  if (measured !== null) return measured;
  const context = document.createElement('canvas').getContext('2d');
  if (context === null) return { width: 0.6, height: 1.2 };
  context.font = `100px ${family}`;
  const { width, fontBoundingBoxAscent, fontBoundingBoxDescent } = context.measureText('W');
  measured = { width: width / 100, height: (fontBoundingBoxAscent + fontBoundingBoxDescent) / 100 };
  return measured;
}
