import { MantineProvider } from '@mantine/core';
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { EditBase } from './edit-base';

let root: Root;
let place: HTMLElement;
let typed: (dirty: boolean) => void;

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener: () => undefined, removeEventListener: () => undefined }));
  place = document.body.appendChild(document.createElement('div'));
  root = createRoot(place);
});

afterEach(() => {
  act(() => root.unmount());
  place.remove();
  vi.unstubAllGlobals();
});

function show(value: string, tag: string): void {
  act(() =>
    root.render(
      <MantineProvider>
        <EditBase value={value} tag={tag}>
          {(base, dirty) => {
            typed = dirty;
            return <output>{`${base.value} ${base.tag}`}</output>;
          }}
        </EditBase>
      </MantineProvider>,
    ),
  );
}

const shown = () => place.querySelector('output')?.textContent;

it('follows what is edited while nothing was typed', () => {
  show('a', '1');
  show('b', '2');
  expect(shown()).toBe('b 2');
});

it('keeps what was typed, says so, and lets go when asked', () => {
  show('a', '1');
  act(() => typed(true));
  show('b', '2');
  expect(shown()).toBe('a 1');
  expect(place.textContent).toContain('Changed meanwhile');
  act(() => place.querySelector('button')?.click());
  expect(shown()).toBe('b 2');
  expect(place.textContent).not.toContain('Changed meanwhile');
});
