// One dump against another: what was wanted, and nothing else.
import { describe, expect, it } from 'vitest';
import { assertOnlyChanges } from '../../../../agent/node/containerd/change/dump-difference.ts';
import { parseToml } from '../../../../agent/node/containerd/toml.ts';
import { dumpOf } from '../../../support/containerd-config.ts';
import { expectCode } from '../../../support/expect-code.ts';

const table = (text: string) => parseToml(Buffer.from(text), 'dump');
const BEFORE = dumpOf({ images: { discard_unpacked_layers: true } });
const AFTER = dumpOf({ images: { discard_unpacked_layers: false } });
const SETTING = {
  path: ['plugins', 'io.containerd.cri.v1.images', 'discard_unpacked_layers'],
  value: false,
};

describe('a changed configuration', () => {
  it('is good when only what was wanted changed, whichever files there are now', () => {
    assertOnlyChanges(table(BEFORE), table(AFTER), [SETTING]);
    assertOnlyChanges(table(BEFORE), table(`imports = ["/new"]\n${AFTER}`), [SETTING]);
  });

  it.each([
    ['did not change', BEFORE],
    ['changed with another', AFTER.replace('max_verifiers = 10', 'max_verifiers = 0')],
    ['changed, and a value is gone', AFTER.replace('max_verifiers = 10\n', '')],
    ['changed, and a value is new', `${AFTER}\n[debug]\nlevel = "info"\n`],
  ])('is refused when it %s', (_, after) => {
    const compare = () => assertOnlyChanges(table(BEFORE), table(after), [SETTING]);
    expectCode(compare, 'containerd_change_refused');
  });

  it('is refused with the first differences by name', () => {
    const other = AFTER.replace('max_verifiers = 10', 'max_verifiers = 0');
    const more = `${other}\n[debug]\na = 1\nb = 2\nc = 9223372036854775807\n`;
    const compare = () => assertOnlyChanges(table(BEFORE), table(more), [SETTING]);
    const { message } = expectCode(compare, 'containerd_change_refused');
    expect(message).toContain(
      'plugins."io.containerd.image-verifier.v1.bindir".max_verifiers: expected "10", found "0"',
    );
    expect(message).toContain('; 1 more');
  });
});
