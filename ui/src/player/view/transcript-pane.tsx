import { ActionIcon, Button, Group, Loader, Text, TextInput, Tooltip } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconSearch } from '@tabler/icons-react';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { sentenceOf } from '@/api/problem';
import { clock } from '@/components/time';
import type { Transcript } from '../channels';
import type { Playback } from '../playback';
import { findLines, highlight, lineAt, nextHit, type Line } from '../transcript';
import classes from './player.module.css';
import { useEngine } from './use-engine';

/** The height of a line (px), as in the styles; lines drawn above and below what is seen. */
const LINE = 20;
const MORE = 12;

interface TranscriptPaneProps {
  playback: Playback;
  transcript: Transcript | undefined;
  error: unknown;
}

/** What was seen, as text: follows the position, is searched, and leads to each line's moment. */
export function TranscriptPane({ playback, transcript, error }: TranscriptPaneProps) {
  const { engine } = playback;
  const lines = transcript?.lines ?? NONE;
  const current = useEngine(engine, ({ position }) => lineAt(lines, position));
  const list = useRef<HTMLDivElement>(null);
  const [follows, setFollows] = useState(true);
  const [words, setWords] = useState('');
  const [hit, setHit] = useState<number | null>(null);
  const hits = useMemo(() => findLines(lines, words), [lines, words]);
  useEffect(() => {
    if (follows) show(list.current, current);
  }, [follows, current]);
  const goTo = (direction: 1 | -1) => {
    const next = nextHit(hits, hit ?? current - 1, direction);
    setHit(next);
    if (next === null) return;
    setFollows(false);
    show(list.current, next);
  };
  const jump = (index: number) => {
    const line = lines[index];
    if (line === undefined) return;
    setFollows(true);
    setHit(index);
    engine.seek(line.t);
  };
  return (
    <section className={classes.transcript} aria-label="Transcript">
      <Find words={words} setWords={(text) => (setWords(text), setHit(null))} hits={hits} hit={hit} go={goTo} open={() => hit !== null && jump(hit)} />
      <Lines {...{ lines, list, current, hit, words, jump }} onScrolled={() => setFollows(false)} />
      <Foot transcript={transcript} error={error} follows={follows} follow={() => setFollows(true)} />
    </section>
  );
}

const NONE: Line[] = [];

function show(list: HTMLDivElement | null, index: number): void {
  if (list === null || index < 0) return;
  const top = index * LINE;
  if (top < list.scrollTop + LINE || top > list.scrollTop + list.clientHeight - 3 * LINE) list.scrollTop = top - list.clientHeight * 0.6;
}

interface FindProps {
  words: string;
  setWords: (text: string) => void;
  hits: number[];
  hit: number | null;
  go: (direction: 1 | -1) => void;
  open: () => void;
}

function Find({ words, setWords, hits, hit, go, open }: FindProps) {
  const place = hit === null ? '' : `${hits.indexOf(hit) + 1} of `;
  return (
    <Group gap={4} wrap="nowrap" className={classes.find}>
      <TextInput
        size="xs"
        type="search"
        value={words}
        onChange={(event) => setWords(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) open();
          else if (event.key === 'Enter') go(event.shiftKey ? -1 : 1);
          else if (event.key === 'Escape') event.currentTarget.blur();
        }}
        placeholder="Find in the transcript"
        aria-label="Find in the transcript"
        leftSection={<IconSearch size={13} aria-hidden />}
        style={{ flex: 1, minWidth: 0 }}
      />
      <Text size="xs" c="dimmed" className="nowrap" aria-live="polite">
        {words.trim() !== '' && `${place}${hits.length}`}
      </Text>
      <Tooltip label="Previous (Shift+Enter)">
        <ActionIcon variant="subtle" color="gray" aria-label="Previous hit" disabled={hits.length === 0} onClick={() => go(-1)}>
          <IconArrowUp size={15} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label="Next (Enter)">
        <ActionIcon variant="subtle" color="gray" aria-label="Next hit" disabled={hits.length === 0} onClick={() => go(1)}>
          <IconArrowDown size={15} />
        </ActionIcon>
      </Tooltip>
    </Group>
  );
}

interface LinesProps {
  lines: readonly Line[];
  list: React.RefObject<HTMLDivElement | null>;
  current: number;
  hit: number | null;
  words: string;
  jump: (index: number) => void;
  /** Somebody scrolled by hand. */
  onScrolled: () => void;
}

/** Only the lines that are seen are drawn. */
function Lines({ lines, list, current, hit, words, jump, onScrolled }: LinesProps) {
  const [view, setView] = useState({ top: 0, height: 400 });
  useLayoutEffect(() => {
    const box = list.current;
    if (box === null) return undefined;
    const look = () => setView({ top: box.scrollTop, height: box.clientHeight });
    const watch = new ResizeObserver(look);
    watch.observe(box);
    box.addEventListener('scroll', look, { passive: true });
    return () => {
      watch.disconnect();
      box.removeEventListener('scroll', look);
    };
  }, [list]);
  const first = Math.max(0, Math.floor(view.top / LINE) - MORE);
  const last = Math.min(lines.length, Math.ceil((view.top + view.height) / LINE) + MORE);
  const wanted = words.trim() === '' ? [] : [words.trim()];
  return (
    <div ref={list} className={classes.lines} onWheel={onScrolled} onTouchMove={onScrolled} onPointerDown={(event) => event.target === list.current && onScrolled()}>
      <div style={{ height: lines.length * LINE, position: 'relative' }}>
        {lines.slice(first, last).map((line, i) => (
          <button
            key={first + i}
            type="button"
            tabIndex={first + i === Math.max(0, current) ? 0 : -1}
            className={classes.line}
            style={{ top: (first + i) * LINE }}
            data-current={first + i === current}
            data-future={first + i > current}
            data-hit={first + i === hit}
            title={line.text}
            onClick={() => jump(first + i)}
          >
            <span className={classes.lineTime}>{clock(line.t)}</span>
            <span className={classes.lineText}>
              {highlight(line.text, wanted).map((piece, at) => (piece.hit ? <mark key={at}>{piece.text}</mark> : <span key={at}>{piece.text}</span>))}
            </span>
          </button>
        ))}
      </div>
    </div>
  );
}

function Foot({ transcript, error, follows, follow }: { transcript: Transcript | undefined; error: unknown; follows: boolean; follow: () => void }) {
  if (transcript === undefined) {
    return <div className={classes.foot}>{error ? sentenceOf(error) : <Loader size={14} aria-label="Loading the transcript" />}</div>;
  }
  const { lines, cut } = transcript;
  return (
    <div className={classes.foot}>
      <span>
        {lines.length === 0 ? 'No line is complete yet.' : `${lines.length.toLocaleString()} ${lines.length === 1 ? 'line' : 'lines'}`}
        {cut && ' and more: download the text for the rest'}
      </span>
      {!follows && (
        <Button size="compact-xs" variant="light" onClick={follow}>
          Follow
        </Button>
      )}
    </div>
  );
}
