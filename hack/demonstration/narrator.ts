// Tells a person, line by line, what is done, by which command, and what came of it; the first false claim ends it.
import { stripVTControlCharacters, styleText } from 'node:util';

/** Something was not as told. */
export class NotAsTold extends Error {}

/** A step shorter than this needs no time beside it. */
const WORTH_TELLING_MS = 1000;
/** Of one line that a command printed; the rest is for those who run it themselves. */
const MAX_SHOWN_LENGTH = 800;

type Style = Parameters<typeof styleText>[0];

/** Writes to stdout; colour only where that is a terminal. */
export class Narrator {
  readonly #begin = performance.now();
  #chapters = 0;
  #stepBegin = this.#begin;

  /** Begins the next part, under a heading with a number. */
  chapter(title: string): void {
    this.#chapters += 1;
    this.#write(`\n${style('bold', `${this.#chapters}. ${title}`)}`);
  }

  /** Says in a sentence what the next lines are about. */
  say(text: string): void {
    this.#write(`   ${text}`);
  }

  /** Names the command or RPC that is run next; from here the time of the next claim counts. */
  command(text: string): void {
    this.#stepBegin = performance.now();
    this.#write(`   ${style('cyan', `$ ${text}`)}`);
  }

  /**
   * Shows what a command printed, each line up to so many characters. Its text may be anybody's:
   * control characters are taken out.
   */
  output(text: string, maxLength = MAX_SHOWN_LENGTH): void {
    const lines = text.trimEnd().split('\n');
    for (const line of lines) this.#write(style('dim', `     ${shown(line, maxLength)}`));
  }

  /** A claim that has to hold, with what was found instead; throws NotAsTold if it does not. */
  claim(what: string, holds: boolean, found = ''): void {
    if (!holds) throw new NotAsTold(`Expected: ${what}.${found === '' ? '' : ` Found: ${found}`}`);
    const ms = performance.now() - this.#stepBegin;
    this.#stepBegin = performance.now();
    const time = ms < WORTH_TELLING_MS ? '' : style('dim', ` (${(ms / 1000).toFixed(1)} s)`);
    this.#write(`   ${style('green', '✓')} ${what}${time}`);
  }

  /** The last line of a demonstration that went as told. */
  end(text: string): void {
    const seconds = Math.round((performance.now() - this.#begin) / 1000);
    this.#write(`\n${style(['bold', 'green'], `✓ ${text} (${seconds} s)`)}`);
  }

  /** The last line of one that did not. */
  fail(text: string): void {
    this.#write(`\n${style(['bold', 'red'], `✗ ${text}`)}`);
  }

  #write(line: string): void {
    process.stdout.write(`${line}\n`);
  }
}

function style(format: Style, text: string): string {
  return styleText(format, text, { stream: process.stdout });
}

function shown(line: string, maxLength: number): string {
  const plain = stripVTControlCharacters(line).replace(/\p{Cc}/gu, '');
  return plain.length > maxLength ? `${plain.slice(0, maxLength)}…` : plain;
}
