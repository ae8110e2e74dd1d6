// What the API server answers: the Node that was patched, or why not.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConditionStatus } from '../../../agent/node/kubernetes/reply.ts';
import { expectCode } from '../../support/expect-code.ts';
import { valueOrAgentError } from '../../support/only-agent-errors.ts';

const TYPE = 'NodesealEnforcing';
const METADATA = { name: 'node-1' };

function parse(value: unknown, status = 200) {
  return parseConditionStatus({ status, body: Buffer.from(JSON.stringify(value)) }, 'node-1', TYPE);
}

function nodeWith(conditions: unknown): object {
  return { kind: 'Node', metadata: METADATA, status: { conditions } };
}

describe('the answer to a patch', () => {
  it('tells the status of our condition among others', () => {
    const ready = { type: 'Ready', status: 'True' };
    for (const status of ['True', 'False', 'Unknown']) {
      expect(parse(nodeWith([ready, { type: TYPE, status }]))).toBe(status);
    }
  });

  it.each([
    ['no status', { kind: 'Node', metadata: METADATA }],
    ['no conditions', nodeWith(undefined)],
    ['conditions of another form', nodeWith({ type: TYPE })],
    ['only others', nodeWith([null, 1, { type: 'Ready', status: 'True' }])],
    ['one of a status that there is not', nodeWith([{ type: TYPE, status: 'Maybe' }])],
  ])('tells none of a node with %s', (_, node) => {
    expect(parse(node)).toBeUndefined();
  });

  it.each([
    ['another node', { kind: 'Node', metadata: { name: 'node-2' } }],
    ['a node without a name', { kind: 'Node' }],
    ['another object', { kind: 'Pod', metadata: METADATA }],
    ['no object', [METADATA]],
  ])('is refused when it is %s', (_, value) => {
    expectCode(() => parse(value), 'kubernetes_failed');
  });

  it('is refused for its status, with what the API server says, short and on one line', () => {
    const status = { kind: 'Status', message: `nodes is forbidden\n${'x'.repeat(5000)}` };
    const { message } = expectCode(() => parse(status, 403), 'kubernetes_failed');
    expect(message).toContain('expected 200, found 403: "nodes is forbidden');
    expect(message.length).toBeLessThan(400);
    expect(message).not.toContain('\n');
    expect(expectCode(() => parse(nodeWith([]), 201), 'kubernetes_failed').message).toContain(
      '201',
    );
  });

  it('never fails with anything but our error', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.json().map((text) => Buffer.from(text)),
      fc.jsonValue().map((value) => Buffer.from(JSON.stringify(nodeWith(value)))),
      fc.jsonValue().map((value) => Buffer.from(JSON.stringify(nodeWith([value])))),
    );
    fc.assert(
      fc.property(bytes, fc.constantFrom(200, 403), (body, status) => {
        valueOrAgentError(() => parseConditionStatus({ status, body }, 'node-1', TYPE));
      }),
    );
  });
});
