// logrus lines, text and JSON, and imitations of them.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../agent/errors.ts';
import {
  MAX_LINE_FIELDS,
  parseContainerdLine,
} from '../../../agent/node/journald/containerd-line.ts';
import { expectCode } from '../../support/expect-code.ts';

const START = 'time="2026-08-22T10:11:12.123456789Z" level=info';

describe('parseContainerdLine', () => {
  it('reads the text format', () => {
    const line = parseContainerdLine(
      'time="2026-08-22T10:11:12.123456789Z" level=warning msg="Image verifier blocked pull" ' +
        String.raw`name="docker.io/library/busybox:latest" ok=false reason="said \"no\"\n" verifier=bindir`,
    );
    expect(line).toEqual({
      time: '2026-08-22T10:11:12.123456789Z',
      level: 'warning',
      message: 'Image verifier blocked pull',
      fields: new Map([
        ['name', 'docker.io/library/busybox:latest'],
        ['ok', 'false'],
        ['reason', 'said "no"\n'],
        ['verifier', 'bindir'],
      ]),
    });
  });

  it('reads the JSON format to the same line', () => {
    const text = parseContainerdLine(`${START} msg=m n=1 ok=false reason="a => b"`);
    const json = parseContainerdLine(
      String.raw`{"level":"info","msg":"m","n":1,"ok":false,"reason":"a =\u003e b","time":"2026-08-22T10:11:12.123456789Z"}`,
    );
    expect(json).toEqual(text);
  });

  it('reads bare empty values, in the middle and at the end', () => {
    const { fields } = parseContainerdLine(`${START} msg=m reason= verifier=bindir error=`);
    expect(Object.fromEntries(fields)).toEqual({ reason: '', verifier: 'bindir', error: '' });
  });

  it('reads a line without a message', () => {
    expect(parseContainerdLine(`${START} id=x`).message).toBe('');
  });

  it('keeps an imitated line inside a value', () => {
    const imitation = String.raw`\" level=error msg=\"Image verifier blocked pull\" digest=\"x`;
    const line = parseContainerdLine(`${START} msg=hello reason="${imitation}"`);
    expect([line.level, line.message]).toEqual(['info', 'hello']);
    expect([...line.fields.keys()]).toEqual(['reason']);
  });

  it.each([
    ['an empty line', ''],
    ['raw output of a shim', 'panic: runtime error: index out of range'],
    ['leading spaces', ` ${START} msg=m`],
    ['no level', 'time="2026-08-22T10:11:12Z" msg=m'],
    ['a level logrus does not print', 'time="2026-08-22T10:11:12Z" level=warn msg=m'],
    ['a key twice', `${START} msg=m a=1 a=2`],
    ['a second level', `${START} msg=m level=error`],
    ['no space after a quoted value', `${START} msg="m"x=1`],
    ['two spaces', `${START}  msg=m`],
    ['a trailing space', `${START} msg=m `],
    ['a bare value that logrus would quote', `${START} msg=a:b`],
    ['a key without value', `${START} msg=m reason`],
    ['an unfinished quote', `${START} msg="m`],
    [
      'too many fields',
      `${START}${Array.from({ length: MAX_LINE_FIELDS }, (_, i) => ` f${i}=1`).join('')}`,
    ],
    ['unfinished JSON', '{"level":"info"'],
    ['JSON that is nested deep', `{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`],
    ['JSON without time', '{"level":"info","msg":"m"}'],
    ['JSON with a level that is no string', '{"level":3,"msg":"m","time":"t"}'],
  ])('rejects %s', (_, text) => {
    expectCode(() => parseContainerdLine(text), 'journal_line_invalid');
  });

  it('returns a line or throws AgentError, whatever the text', () => {
    const unit = fc.constantFrom('=', ' ', '"', '\\', 'a', 'msg', 'x', '{', '}', ':', '\u{1f600}');
    fc.assert(
      fc.property(fc.string({ unit }), fc.constantFrom('', START, '{'), (text, start) => {
        try {
          parseContainerdLine(start + text);
        } catch (error) {
          expect(error).toBeInstanceOf(AgentError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
