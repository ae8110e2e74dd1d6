import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  findKubeletProviders,
  parseKubeletFlags,
  type ProcReader,
} from '../../../agent/node/kubernetes/kubelet.ts';

const CONFIG = '--image-credential-provider-config';
const BIN_DIR = '--image-credential-provider-bin-dir';
const FLAGS = [`${CONFIG}=/etc/providers.yaml`, `${BIN_DIR}=/opt/providers`];
const FOUND = { configFile: '/etc/providers.yaml', binDir: '/opt/providers' };

describe('the flags of a kubelet', () => {
  it.each([
    ['with =', ['kubelet', ...FLAGS]],
    [
      'with the next argument',
      ['kubelet', CONFIG, '/etc/providers.yaml', BIN_DIR, '/opt/providers'],
    ],
    ['with one dash', ['kubelet', ...FLAGS.map((flag) => flag.slice(1))]],
    ['twice, of which the last counts', ['kubelet', `${CONFIG}=/other`, ...FLAGS]],
    [
      'with a slash at the end',
      ['kubelet', ...FLAGS.map((flag) => `${flag}/`.replace('yaml/', 'yaml'))],
    ],
    ['among others', ['kubelet', '--v=2', '--config', '/etc/kubelet.yaml', ...FLAGS, '']],
  ])('are read %s', (_, commandLine) => {
    expect(parseKubeletFlags(commandLine)).toEqual(FOUND);
  });

  it.each([
    ['neither', []],
    ['only one', FLAGS.slice(0, 1)],
    ['a relative path', [`${CONFIG}=providers.yaml`, `${BIN_DIR}=/opt/providers`]],
    ['no value', [FLAGS[1] ?? '', CONFIG]],
  ])('are none with %s', (_, flags) => {
    expect(parseKubeletFlags(['kubelet', ...flags])).toBeNull();
  });

  it('are absolute paths or none, whatever a command line says', () => {
    const argument = fc.oneof(fc.string(), fc.constantFrom(CONFIG, BIN_DIR, ...FLAGS));
    fc.assert(
      fc.property(fc.array(argument), (commandLine) => {
        const found = parseKubeletFlags(commandLine);
        return found === null || (found.configFile.startsWith('/') && found.binDir.startsWith('/'));
      }),
    );
  });
});

describe('the kubelet of a node', () => {
  const GOOD = {
    status: 'Name:\tkubelet\nUid:\t0\t0\t0\t0\nNSpid:\t812\n',
    cgroup: '0::/system.slice/kubelet.service\n',
    cmdline: ['/usr/bin/kubelet', ...FLAGS, ''].join('\0'),
  };
  const hostOf = (process: object): ProcReader => {
    const files = new Map(Object.entries({ ...GOOD, ...process }));
    return {
      list: () => Promise.resolve(['self', '1', '812']),
      read: (path) => {
        const text = path.startsWith('/proc/812/') ? files.get(path.slice(10)) : undefined;
        return Promise.resolve(text === undefined ? null : Buffer.from(text));
      },
    };
  };

  it('says where its credential provider plugins are', async () => {
    expect(await findKubeletProviders(hostOf({}))).toEqual(FOUND);
  });

  it.each([
    ['has another name', { status: GOOD.status.replace('kubelet', 'kubelets') }],
    ['is not root’s', { status: GOOD.status.replaceAll('\t0', '\t1000') }],
    ['is in another PID namespace', { status: GOOD.status.replace('812', '812\t1') }],
    ['is in a pod', { cgroup: '0::/kubepods.slice/kubepods-pod1.slice/a\n' }],
    ['is told of none', { cmdline: '/usr/bin/kubelet\0' }],
  ])('is none that %s', async (_, process) => {
    expect(await findKubeletProviders(hostOf(process))).toBeNull();
  });

  it('is inside k3s where k3s has plugins', async () => {
    const host = hostOf({ status: GOOD.status.replace('kubelet', 'k3s-server') });
    const configFile = '/var/lib/rancher/credentialprovider/config.yaml';
    const read = (path: string, maxBytes: number) =>
      path === configFile ? Promise.resolve(Buffer.from('')) : host.read(path, maxBytes);
    const binDir = '/var/lib/rancher/credentialprovider/bin';
    expect(await findKubeletProviders({ ...host, read })).toEqual({ configFile, binDir });
    expect(await findKubeletProviders(hostOf({}))).toEqual(FOUND);
  });

  it('is none where /proc does not tell', async () => {
    const broken = () => Promise.reject(new Error('EACCES'));
    expect(await findKubeletProviders({ list: broken, read: broken })).toBeNull();
    expect(await findKubeletProviders({ ...hostOf({}), read: broken })).toBeNull();
  });
});
