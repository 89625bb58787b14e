import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

/** Verdigris: what can be done. Shade 8 on white and shade 3 on dark keep 4.5:1. */
const verdigris: MantineColorsTuple = [
  '#e9f6f2', '#d2ebe4', '#a8d8cb', '#7cc4b1', '#56b19a', '#37987f', '#217f68', '#146c57', '#0e5d4b', '#08483a',
];
/** Brass: what wants attention. */
const brass: MantineColorsTuple = [
  '#fdf5e2', '#f8e8c2', '#f0d38d', '#e6bb55', '#d9a441', '#bd862a', '#9d6c1c', '#835714', '#6b460f', '#523509',
];
/** Brick: what was refused or is dangerous. */
const brick: MantineColorsTuple = [
  '#fdeeeb', '#f9d9d3', '#f2b1a6', '#ea8877', '#e1654f', '#cf4a33', '#b83c27', '#9f311f', '#86281a', '#6c1f14',
];
/** Slate with a little green in it, for text, lines and grounds in light. */
const gray: MantineColorsTuple = [
  '#f6f8f7', '#edf1ef', '#e0e6e3', '#ced6d3', '#b1bcb8', '#8a9793', '#64726d', '#4a5752', '#33403b', '#1e2926',
];
/** The same for dark: 7 is the page, 6 a card, 4 a line. */
const dark: MantineColorsTuple = [
  '#dbe4e1', '#b9c6c2', '#93a29d', '#6c7b76', '#31403c', '#25322e', '#182320', '#0e1514', '#0a100f', '#060a09',
];

export const theme = createTheme({
  primaryColor: 'verdigris',
  primaryShade: { light: 8, dark: 6 },
  colors: { verdigris, brass, brick, gray, dark },
  black: '#16211e',
  fontFamily: 'ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
  defaultRadius: 'sm',
  radius: { xs: '3px', sm: '5px', md: '8px', lg: '12px' },
  headings: {
    fontWeight: '650',
    sizes: { h1: { fontSize: '1.375rem' }, h2: { fontSize: '1.0625rem' }, h3: { fontSize: '0.9375rem' } },
  },
  cursorType: 'pointer',
  focusRing: 'auto',
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: 'sm' } },
    TextInput: { defaultProps: { size: 'sm' } },
    Select: { defaultProps: { size: 'sm', allowDeselect: false } },
    Badge: { defaultProps: { variant: 'light', radius: 'sm', tt: 'none', fw: 600, miw: 'max-content' } },
    Tooltip: { defaultProps: { withArrow: true, openDelay: 250, events: { hover: true, focus: true, touch: true } } },
    Modal: { defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.45 } } },
    Paper: { defaultProps: { withBorder: true } },
    Anchor: { defaultProps: { underline: 'hover' } },
  },
});

/** Colours that must keep 4.5:1 where Mantine's own would not. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: { '--gate-ink': '#10211e', '--gate-ink-text': '#c9d8d3', '--gate-ink-line': '#22403a', '--gate-brass': '#d9a441' },
  light: {
    '--mantine-color-body': '#f6f8f7',
    '--mantine-color-dimmed': '#55635e',
    '--mantine-color-anchor': '#0e5d4b',
    '--mantine-color-error': '#9f311f',
    '--mantine-color-placeholder': '#66746f',
    '--gate-card': '#ffffff',
    '--gate-line': '#dbe2df',
    '--gate-hover': '#edf3f1',
  },
  dark: {
    '--mantine-color-body': '#0e1514',
    '--mantine-color-dimmed': '#93a29d',
    '--mantine-color-anchor': '#7cc4b1',
    '--mantine-color-error': '#f2a294',
    '--mantine-color-placeholder': '#8a9a95',
    '--gate-card': '#151e1c',
    '--gate-line': '#2a3834',
    '--gate-hover': '#1b2724',
  },
});
