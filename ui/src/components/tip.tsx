import { useEffect, useState } from 'react';
import classes from './tip.module.css';

interface Shown {
  text: string;
  left: number;
  top: number;
  below: boolean;
}

/** How long the pointer rests on something before its tip appears (ms). */
const REST = 250;
const ID = 'tip';

/**
 * One tip for the whole page: whatever has `data-tip` shows it while pointed at or focused. A list of 200 rows with
 * times costs no component each.
 */
export function TipHost() {
  const [shown, setShown] = useState<Shown | null>(null);
  useEffect(() => follow(setShown), []);
  if (shown === null) return null;
  return (
    <div id={ID} role="tooltip" className={classes.tip} data-below={shown.below} style={{ left: shown.left, top: shown.top }}>
      {shown.text}
    </div>
  );
}

function follow(show: (shown: Shown | null) => void): () => void {
  let on: HTMLElement | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hide = () => {
    clearTimeout(timer);
    on?.removeAttribute('aria-describedby');
    on = null;
    show(null);
  };
  const over = (event: Event) => {
    const target = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-tip]') : null;
    if (target === on) return;
    hide();
    const text = target?.dataset.tip;
    if (target === null || !text) return;
    on = target;
    timer = setTimeout(() => {
      target.setAttribute('aria-describedby', ID);
      show({ text, ...placeOf(target.getBoundingClientRect()) });
    }, event.type === 'focusin' ? 0 : REST);
  };
  const key = (event: KeyboardEvent) => event.key === 'Escape' && hide();
  const events: [string, EventListener][] = [
    ['mouseover', over],
    ['focusin', over],
    ['focusout', hide],
    ['scroll', hide],
    ['keydown', key as EventListener],
  ];
  for (const [name, listener] of events) document.addEventListener(name, listener, { capture: true, passive: true });
  return () => {
    hide();
    for (const [name, listener] of events) document.removeEventListener(name, listener, { capture: true });
  };
}

function placeOf(rect: DOMRect): Omit<Shown, 'text'> {
  const below = rect.top < 60;
  const middle = rect.left + rect.width / 2;
  return { below, left: Math.min(Math.max(middle, 110), Math.max(110, innerWidth - 110)), top: below ? rect.bottom + 6 : rect.top - 6 };
}
