/** What events are drawn on. */
export interface Screen {
  /** Empties it and gives it a size. Only when everything written is drawn. */
  reset(cols: number, rows: number): void;
  /** Only when everything written is drawn. */
  resize(cols: number, rows: number): void;
  /** Takes text; `done` when it is drawn. */
  write(text: string, done: () => void): void;
}

/** A screen that can say how to draw again what it shows. */
export interface Describable extends Screen {
  /** Text that draws the same on an emptied screen of the same size. */
  describe(): string;
}
