// Whatever an image's name or a verifier's reason says, a line is the line that containerd wrote, and a part of it is none.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../agent/errors.ts';
import {
  classifyContainerdLine,
  type ContainerdEvent,
} from '../../../agent/node/journald/containerd-event.ts';
import { parseContainerdLine } from '../../../agent/node/journald/containerd-line.ts';
import { LOG_FORMATS } from '../../support/containerd-lines.ts';
import { goQuote, logLine, type LogStatement } from '../../support/containerd-log.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}` as const;
const OTHER_DIGEST = `sha256:${'cd'.repeat(32)}` as const;

/** Whole lines that count, as somebody would want to slip them in. */
const IMITATIONS = [
  ...LOG_FORMATS.map((format) =>
    logLine(
      {
        level: 'warning',
        msg: 'Image verifier blocked pull',
        fields: { digest: OTHER_DIGEST, name: 'evil', ok: false, reason: 'no', verifier: 'bindir' },
      },
      format,
    ),
  ),
  ...LOG_FORMATS.map((format) => logLine({ msg: 'PullImage "evil"' }, format)),
  logLine({ msg: 'ImageCreate event name:"evil"' }),
  'Image verifier allowed pull',
  '" failed',
  '" with image id "sha256:1", repo tag "evil", repo digest "evil@sha256:1", size "1" in 1s',
  '" returns image reference "sha256:1"',
  '" level=error msg="No judgement received from verifier" digest="x',
  '","level":"error","msg":"No judgement received from verifier","digest":"x',
  "Found 'X' in CRI config which is incompatible with transfer service (y). Falling back to local image pull mode.",
];

const PIECES = [
  '"',
  '\\',
  '\\"',
  '\\\\"',
  '\n',
  '\t',
  '\0',
  '\x07',
  ' ',
  '=',
  '{',
  '}',
  ',',
  ':',
  "'",
];
const hostileText = fc
  .array(
    fc.oneof(
      fc.constantFrom(...IMITATIONS),
      fc.constantFrom(...IMITATIONS.map((line) => goQuote(line))),
      fc.constantFrom(...IMITATIONS.map((line) => goQuote(goQuote(line)))),
      fc.constantFrom(...PIECES),
      fc.string({ unit: 'grapheme', maxLength: 5 }),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((pieces) => pieces.join(''))
  .filter((text) => text !== '');

interface Statement {
  readonly statement: LogStatement;
  readonly event: Partial<ContainerdEvent>;
}

/** Every class of lines that holds text of others. */
function statementsWith(name: string, text: string): readonly Statement[] {
  const judged = { digest: DIGEST, name, verifier: 'bindir' };
  const quoted = goQuote(name);
  const repoDigest = `registry.example/app@${DIGEST}`;
  return [
    {
      statement: {
        level: 'warning',
        msg: 'Image verifier blocked pull',
        fields: { ...judged, ok: false, reason: text },
      },
      event: { kind: 'pull_blocked', name, digest: DIGEST, reason: text },
    },
    {
      statement: {
        level: 'debug',
        msg: 'Image verifier allowed pull',
        fields: { ...judged, ok: true, reason: text },
      },
      event: { kind: 'pull_allowed', name, digest: DIGEST, reason: text },
    },
    {
      statement: {
        level: 'error',
        msg: 'No judgement received from verifier',
        fields: { ...judged, error: text },
      },
      event: { kind: 'no_judgement', name, digest: DIGEST, reason: text },
    },
    { statement: { msg: `PullImage ${quoted}` }, event: { kind: 'pull_started', name } },
    {
      statement: { level: 'error', msg: `PullImage ${quoted} failed`, fields: { error: text } },
      event: { kind: 'pull_failed', name, error: text },
    },
    {
      statement: { msg: `PullImage ${quoted} returns image reference ${goQuote(text)}` },
      event: { kind: 'other' },
    },
    {
      statement: {
        msg: `Pulled image ${quoted} with image id "sha256:1", repo tag ${goQuote(text)}, repo digest ${goQuote(repoDigest)}, size "1" in 1s`,
      },
      event: { kind: 'pull_finished', name, repoDigest },
    },
    {
      statement: {
        msg: `ImageCreate event name:${quoted} labels:{key:"k" value:${goQuote(text)}}`,
      },
      event: { kind: 'image_created', name },
    },
    { statement: { msg: 'loading plugin', fields: { id: text } }, event: { kind: 'other' } },
    {
      statement: { level: 'debug', msg: text, fields: { image_verifier: 'v', stream: 'stderr' } },
      event: { kind: 'other' },
    },
  ];
}

describe.each(LOG_FORMATS)('lines as %s', (format) => {
  it('are what containerd wrote, whatever the texts in them', () => {
    fc.assert(
      fc.property(hostileText, hostileText, (name, text) => {
        for (const { statement, event } of statementsWith(name, text)) {
          const read = classifyContainerdLine(parseContainerdLine(logLine(statement, format)));
          expect(read).toMatchObject(event);
        }
      }),
    );
  });

  it('are nothing without their beginning, wherever journald or a rotation cut them', () => {
    const cut = fc.double({ min: 0, max: 1, noNaN: true, minExcluded: true });
    fc.assert(
      fc.property(hostileText, hostileText, cut, (name, text, where) => {
        for (const { statement } of statementsWith(name, text)) {
          const line = logLine(statement, format);
          const rest = line.slice(Math.max(1, Math.floor(where * line.length)));
          expect(() => parseContainerdLine(rest)).toThrow(AgentError);
        }
      }),
    );
  });

  it('are nothing without their beginning, at any place of a line full of imitations', () => {
    const text = IMITATIONS.join('') + IMITATIONS.map(goQuote).join('');
    for (const { statement } of statementsWith('x', text)) {
      const line = logLine(statement, format);
      for (let at = 1; at < line.length; at += 1) {
        expect(() => parseContainerdLine(line.slice(at))).toThrow(AgentError);
      }
    }
  });
});
