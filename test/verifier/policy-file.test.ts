import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_DOCUMENT_BYTES } from '../../agent/notation/trustpolicy/document.ts';
import { loadPolicyFile, readPolicyFile } from '../../agent/verifier/policy-file.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { documentOf, encode, statement } from '../support/trust-policy.ts';

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'policy-file-'));
  path = join(directory, 'policy.json');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('loadPolicyFile', () => {
  it('loads a document, also through links as ConfigMap volumes are', async () => {
    await mkdir(join(directory, '..2026'));
    await writeFile(join(directory, '..2026', 'policy.json'), documentOf());
    await symlink('..2026', join(directory, '..data'));
    await symlink('..data/policy.json', path);
    const { statements } = await loadPolicyFile(path);
    expect(statements.map(({ name }) => name)).toEqual(['acme']);
  });

  it('loads a document that asks for timestamps and for a plugin', async () => {
    const changes = { trustStores: ['ca:acme', 'tsa:acme'], trustedIdentities: ['plugin: x'] };
    await writeFile(path, documentOf([statement(changes)]));
    expect((await loadPolicyFile(path)).statements).toHaveLength(1);
  });

  it('refuses a document that is malformed', async () => {
    await writeFile(path, documentOf().subarray(1));
    await expectCodeAsync(loadPolicyFile(path), 'policy_invalid');
    await writeFile(path, encode({}));
    await expectCodeAsync(loadPolicyFile(path), 'policy_invalid');
  });
});

describe('readPolicyFile', () => {
  it('names the file that is missing', async () => {
    const error = await expectCodeAsync(readPolicyFile(path), 'policy_missing');
    expect(error.message).toContain(path);
    expect(error.message).toContain('ENOENT');
  });

  it('takes a directory, a dangling link and a loop of links for no file', async () => {
    await expectCodeAsync(readPolicyFile(directory), 'policy_missing');
    await symlink('gone', join(directory, 'dangling'));
    await expectCodeAsync(readPolicyFile(join(directory, 'dangling')), 'policy_missing');
    await symlink('loop', join(directory, 'loop'));
    await expectCodeAsync(readPolicyFile(join(directory, 'loop')), 'policy_missing');
    await expectCodeAsync(readPolicyFile(`${path}\0`), 'policy_missing');
  });

  it('takes a path below a file for none', async () => {
    await writeFile(path, documentOf());
    const error = await expectCodeAsync(readPolicyFile(join(path, 'below')), 'policy_missing');
    expect(error.message).toContain('ENOTDIR');
  });

  it('takes a file of the greatest size, and none that is a byte larger', async () => {
    await writeFile(path, Buffer.alloc(MAX_DOCUMENT_BYTES));
    expect(await readPolicyFile(path)).toHaveLength(MAX_DOCUMENT_BYTES);
    await writeFile(path, Buffer.alloc(MAX_DOCUMENT_BYTES + 1));
    await expectCodeAsync(readPolicyFile(path), 'policy_invalid');
  });

  it('gives an empty file as no bytes', async () => {
    await writeFile(path, '');
    expect(await readPolicyFile(path)).toHaveLength(0);
    await expectCodeAsync(loadPolicyFile(path), 'policy_invalid');
  });

  it('reads a pipe to its end, which takes more than one read', async () => {
    await promisify(execFile)('mkfifo', [path]);
    const content = Buffer.alloc(300_000, 'nodeseal');
    const [read] = await Promise.all([readPolicyFile(path), writeFile(path, content)]);
    expect(read.equals(content)).toBe(true);
  });
});
